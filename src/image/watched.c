/* watched.c - see watched.h. */
#include "image/watched.h"

#include "sample/root.h"

#include <errno.h>

static struct image_watched describe(uintptr_t start, size_t size, const struct origin *origin, uint8_t life,
                                     uint8_t routine)
{
    return (struct image_watched){
        .start = start,
        .size = size,
        .live = life == LIFE_LIVE,
        .routine = routine,
        .taken = origin->taken,
        .given = life == LIFE_LIVE ? 0 : origin->given,
        .taken_by = origin->taken_by,
        .given_by = origin->given_by,
    };
}

/* --- between guards --- */

static int find_in_slots(const struct image *image, uintptr_t address, struct image_watched *out)
{
    struct slots set;
    struct slot slot;
    int error = image_get(image, image->slots, &set, sizeof(set));

    if (error)
        return error;
    size_t number = (address - image->slot_area) >> set.band_shift;
    const struct band *band = &set.bands[number];
    if (number >= BAND_MAX || !band->stride || (intptr_t)(address - band->base) < 0)
        return -ENOENT;
    size_t index = (address - band->base) / band->stride;
    if (index >= band->made)
        return -ENOENT;
    error = image_get(image, (uintptr_t)(band->slots + index), &slot, sizeof(slot));
    if (error || slot.life == LIFE_NONE || address - slot.start >= max_size(slot.size, 1))
        return error ? error : -ENOENT;
    *out = describe(slot.start, slot.size, &slot.origin, slot.life, slot.routine);
    return 0;
}

/* --- between zones --- */

struct find {
    const struct image *image;
    uintptr_t address;
    struct image_watched *out;
    bool found;
};

static int take_fact(void *context, const struct image_slab *slab)
{
    struct find *find = context;
    const struct image *image = find->image;
    size_t slice = (slab->start - image->ranges[0].base) >> SLICE_SHIFT;
    size_t index = (find->address - slab->start) / slab->object_size;
    size_t at = (slice * FENCE_FACTS + index) * sizeof(struct fact);
    struct fact fact;

    if (index >= slab->objects || at >= image->facts.size)
        return 0;
    int error = image_get(image, image->facts.start + at, &fact, sizeof(fact));
    uintptr_t start = slab->start + index * slab->object_size + fact.before;
    if (error || fact.life == LIFE_NONE || fact.class != slab->class)
        return 0; /* facts that are not accessible are of objects that were never watched */
    *find->out = describe(start, fact.size, &fact.origin, fact.life, fact.routine);
    find->found = true;
    return 0;
}

int image_watched_find(const struct image *image, uintptr_t address, struct image_watched *out)
{
    struct find find = {.image = image, .address = address, .out = out};
    const struct image_visitor visitor = {.slab = take_fact, .context = &find};

    if (address - image->slot_area < image->slot_area_size)
        return find_in_slots(image, address, out);
    if (!image->facts.size || address - image->ranges[0].base >= image->ranges[0].committed)
        return -ENOENT;
    int error = image_walk_at(image, address, &visitor);
    return error ? error : find.found ? 0 : -ENOENT;
}

int image_stack_read(const struct image *image, uint32_t number, struct image_stack *out)
{
    uintptr_t at = image->stacks.start + (uintptr_t)number * STACKS_UNIT;
    struct stack head;

    static_assert((int)IMAGE_STACK_MAX >= (int)UNWIND_MAX, "every stack fits");
    if (!number || at - image->stacks.start >= image->stacks.size)
        return -ENOENT;
    int error = image_get(image, at, &head, sizeof(head));
    if (error)
        return error;
    out->count = min_size(head.count, IMAGE_STACK_MAX);
    return image_get(image, at + sizeof(head), out->calls, out->count * sizeof(out->calls[0]));
}
