/* objects.c - see objects.h. */
#include "objects.h"

#include "base/base.h"
#include "list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add_slab(void *context, const struct image_slab *slab)
{
    struct objects *objects = context;
    size_t words = divide_up(slab->objects, WORD_BITS);
    size_t first = image_slice(objects->image, slab->start), slices = slab->guarded ? 0 : slab->span / IMAGE_SLICE;

    if (first + slices > objects->slice_count)
        return 0; /* of a run that has just grown */
    struct object_slab *larger = list_grow(objects->slabs, objects->slab_count, sizeof(*larger));
    if (!larger)
        return -ENOMEM;
    objects->slabs = larger;
    uint64_t *bits = calloc(words * OBJECT_SETS, sizeof(*bits));
    if (!bits)
        return -ENOMEM;
    struct object_slab *to = &objects->slabs[objects->slab_count++];
    *to = (struct object_slab){
        .start = slab->start,
        .span = slab->span,
        .object_size = slab->object_size,
        .objects = slab->objects,
    };
    for (int set = 0; set < OBJECT_SETS; set++)
        to->sets[set] = bits + (size_t)set * words;
    for (size_t i = 0; i < words; i++)
        to->sets[OBJECT_LIVE][i] = ~slab->free_bits[i];
    to->sets[OBJECT_LIVE][words - 1] &= low_bits((unsigned)(slab->objects - (words - 1) * WORD_BITS));
    if (!slab->guarded)
        objects->guarded_from = objects->slab_count;
    for (size_t i = 0; i < slices; i++)
        objects->of_slice[first + i] = (uint32_t)objects->slab_count;
    return 0;
}

/* What is on its way is taken off as well: who looks for leaks must not find one that only waits to be freed. */
static int take_off_cached(void *context, const struct image_magazine *magazine)
{
    struct objects *objects = context;
    size_t count = magazine->count + magazine->unsettled;
    uintptr_t *cached = malloc(count * sizeof(*cached));
    struct object_place place;

    if (!cached)
        return -ENOMEM;
    int error = image_get(objects->image, magazine->slots, cached, count * sizeof(*cached));
    for (size_t i = 0; !error && i < count; i++)
        if (objects_find(objects, cached[i], &place))
            place.slab->sets[OBJECT_LIVE][place.index / WORD_BITS] &= ~(1ull << place.index % WORD_BITS);
    free(cached);
    return error;
}

int objects_read(const struct image *image, struct objects *out)
{
    const struct image_visitor visitor = {.slab = add_slab, .magazine = take_off_cached, .context = out};

    *out = (struct objects){.image = image, .slice_count = image_slices(image)};
    out->of_slice = calloc(out->slice_count + 1, sizeof(*out->of_slice));
    if (!out->of_slice)
        return -ENOMEM;
    return image_walk(image, &visitor);
}

/* The object between guards that holds the address: the last one that begins at or below it. */
static struct object_slab *find_guarded(const struct objects *objects, uintptr_t address)
{
    size_t low = objects->guarded_from, high = objects->slab_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (objects->slabs[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == objects->guarded_from)
        return NULL;
    struct object_slab *slab = &objects->slabs[low - 1];
    return address - slab->start < slab->span ? slab : NULL;
}

bool objects_find(const struct objects *objects, uintptr_t address, struct object_place *out)
{
    size_t slice = image_slice(objects->image, address);

    if (slice == objects->slice_count)
        out->slab = find_guarded(objects, address);
    else
        out->slab = objects->of_slice[slice] ? &objects->slabs[objects->of_slice[slice] - 1] : NULL;
    if (!out->slab)
        return false;
    out->index = (address - out->slab->start) / out->slab->object_size;
    return out->index < out->slab->objects && object_is(*out, OBJECT_LIVE);
}

void objects_free(struct objects *objects)
{
    for (size_t i = 0; i < objects->slab_count; i++)
        free(objects->slabs[i].sets[0]);
    free(objects->slabs);
    free(objects->of_slice);
    *objects = (struct objects){.image = NULL};
}
