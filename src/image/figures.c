/* figures.c - see figures.h. */
#include "image/figures.h"

void figures_begin(struct figures *out, const struct image *image)
{
    *out = (struct figures){
        .class_count = image->class_count,
        .dirty = image->dirty,
        .metadata = image->metadata,
        .heaps = image->heaps,
        .heaps_in_use = image->heaps_in_use,
        .heaps_peak = image->heaps_peak,
    };
    for (unsigned class = 0; class < image->class_count; class ++)
        out->classes[class].object_size = image->classes[class].object_size;
    for (unsigned i = 0; i < image->range_count; i++)
        out->committed += image->ranges[i].committed;
}

static struct class_figures *figures_of(struct figures *figures, unsigned class)
{
    return class < figures->class_count ? &figures->classes[class] : &figures->large;
}

void figures_add_slab(struct figures *out, const struct image_slab *slab)
{
    struct class_figures *to = slab->guarded ? &out->guarded : figures_of(out, slab->class);

    to->slabs++;
    to->free += slab->free;
    to->live += slab->objects - slab->free;
    to->span += slab->span;
}

void figures_add_heap(struct figures *out, const struct image_heap *heap)
{
    for (unsigned class = 0; class <= out->class_count; class ++) {
        struct class_figures *to = figures_of(out, class);
        to->allocations += heap->tallies[class].allocations;
        to->requested += heap->tallies[class].requested;
    }
    out->frees += heap->frees;
}

/* No bitmap marks these objects, so they have been counted as live. */
void figures_add_magazine(struct figures *out, const struct image_magazine *magazine)
{
    struct class_figures *to = figures_of(out, magazine->class);
    uint64_t count = magazine->count < to->live ? magazine->count : to->live;

    to->cached += count;
    to->live -= count;
}

double figures_rounding(uint64_t object_size, uint64_t live_bytes, uint64_t allocations, uint64_t requested)
{
    double room = (double)allocations * (double)object_size;

    if (room <= 0 || (double)requested >= room)
        return 0;
    return (double)live_bytes * (1 - (double)requested / room);
}

void figures_end(struct figures *out)
{
    uint64_t span = out->large.span;

    for (unsigned class = 0; class < out->class_count; class ++) {
        const struct class_figures *c = &out->classes[class];
        uint64_t live_bytes = figures_live_bytes(c);
        out->live_objects += c->live;
        out->live_bytes += live_bytes;
        out->cached_bytes += c->cached * c->object_size;
        out->free_bytes += c->free * c->object_size;
        out->inside += (uint64_t)figures_rounding(c->object_size, live_bytes, c->allocations, c->requested);
        out->between += c->span - live_bytes;
        span += c->span;
    }
    out->live_objects += out->large.live + out->guarded.live;
    out->live_bytes += out->large.span + out->guarded.span;
    out->purged = out->committed > span + out->dirty ? out->committed - span - out->dirty : 0;
}

static int add_slab(void *context, const struct image_slab *slab)
{
    figures_add_slab(context, slab);
    return 0;
}

static int add_heap(void *context, const struct image_heap *heap)
{
    figures_add_heap(context, heap);
    return 0;
}

static int add_magazine(void *context, const struct image_magazine *magazine)
{
    figures_add_magazine(context, magazine);
    return 0;
}

int figures_count(const struct image *image, struct figures *out)
{
    const struct image_visitor visitor = {.slab = add_slab, .heap = add_heap, .magazine = add_magazine, .context = out};

    figures_begin(out, image);
    int error = image_walk(image, &visitor);
    figures_end(out);
    return error;
}

int figures_read(const struct image_source *source, uintptr_t root, struct figures *out)
{
    struct image image;
    int error = image_open(source, root, &image);

    return error ? error : figures_count(&image, out);
}
