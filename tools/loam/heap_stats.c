/* heap_stats.c - see heap_stats.h. */
#include "heap_stats.h"

#include <errno.h>
#include <stdlib.h>

/* A slab's live bytes are taken to lie evenly in it: which of them magazines hold is not looked at. */
static void mark_slices(struct heap_stats *s, const struct image_slab *slab)
{
    size_t first = image_slice(s->image, slab->start), count = slab->guarded ? 0 : slab->span / IMAGE_SLICE;
    uint64_t live = (slab->objects - slab->free) * slab->object_size;

    for (size_t i = first; count && i < first + count && i < s->slice_count; i++)
        s->slices[i] += (uint32_t)(live / count);
}

static int add_slab(void *context, const struct image_slab *slab)
{
    struct heap_stats *s = context;

    figures_add_slab(&s->figures, slab);
    mark_slices(s, slab);
    if (slab->class == IMAGE_LARGE || slab->heap >= s->heap_count)
        return 0;
    struct heap_figures *heap = &s->heaps[slab->heap];
    heap->span_bytes += slab->span;
    heap->free_bytes += slab->free * slab->object_size;
    heap->live_bytes += (slab->objects - slab->free) * slab->object_size;
    return 0;
}

static int add_heap(void *context, const struct image_heap *heap)
{
    struct heap_stats *s = context;
    struct heap_figures *to = &s->heaps[heap->index];

    figures_add_heap(&s->figures, heap);
    to->index = heap->index;
    to->thread = heap->thread;
    to->in_use = heap->in_use;
    to->kept_bytes = heap->kept;
    return 0;
}

static int add_magazine(void *context, const struct image_magazine *magazine)
{
    struct heap_stats *s = context;

    figures_add_magazine(&s->figures, magazine);
    s->heaps[magazine->heap].cached_bytes += magazine->count * s->image->classes[magazine->class].object_size;
    return 0;
}

int heap_stats_read(const struct image *image, struct heap_stats *s)
{
    const struct image_visitor visitor = {.slab = add_slab, .heap = add_heap, .magazine = add_magazine, .context = s};

    *s = (struct heap_stats){.image = image, .heap_count = image->heaps, .slice_count = image_slices(image)};
    s->heaps = calloc(s->heap_count + 1, sizeof(*s->heaps));
    s->slices = calloc(s->slice_count + 1, sizeof(*s->slices));
    if (!s->heaps || !s->slices)
        return -ENOMEM;
    figures_begin(&s->figures, image);
    int error = image_walk(image, &visitor);
    figures_end(&s->figures);
    return error;
}

void heap_stats_free(struct heap_stats *s)
{
    free(s->heaps);
    free(s->slices);
}
