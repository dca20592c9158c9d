/* object.c - see object.h. */
#include "heap/object.h"

#include "heap/heap.h"

static enum object_place in_slab(const void *p, struct object *o)
{
    size_t slices = classes.list[o->class].mask >> SLICE_SHIFT;

    o->slice &= ~slices;
    o->slab = slab_record(o->range, o->slice);
    o->size = classes.list[o->class].size;
    unsigned char *first = range_address(o->range, o->slice);
    o->index = class_index(&classes.list[o->class], (size_t)((const unsigned char *)p - first));
    o->start = first + o->index * o->size;
    if (o->index >= classes.list[o->class].objects)
        return OBJECT_TAIL;
    return p == o->start ? OBJECT_START : OBJECT_INSIDE;
}

/* `slice` is in the map as the first of a run of its own. */
static enum object_place in_run(const void *p, struct object *o, size_t slice)
{
    size_t wanted = o->slice;

    o->slice = slice;
    o->slab = slab_record(o->range, slice);
    o->index = 0;
    o->start = range_address(o->range, slice);
    if (wanted - slice >= o->slab->slices)
        return OBJECT_IDLE;
    o->size = o->class == CLASS_LARGE ? o->slab->slices * SLICE_SIZE : classes.list[o->class].size;
    return p == o->start ? OBJECT_START : OBJECT_INSIDE;
}

enum object_place object_find(const void *p, struct object *o)
{
    o->range = range_find(p);
    if (!o->range)
        return OBJECT_ELSEWHERE;
    o->slice = range_slice(o->range, p);

    /* Slices of a run, but for the first, are not in the map: its head is the nearest below that is. */
    size_t slice = o->slice;
    uint16_t entry = range_entry(o->range, slice);
    while (!entry && slice > 0)
        entry = range_entry(o->range, --slice);
    if (!entry)
        return OBJECT_IDLE;
    o->class = entry_class(entry);
    if (o->class == CLASS_LARGE || (o->class < CLASS_COUNT && class_is_run(o->class)))
        return in_run(p, o, slice);
    if (slice != o->slice || o->class >= CLASS_COUNT)
        return OBJECT_IDLE;
    return in_slab(p, o);
}
