/*
 * objects.h - every object of a heap that is in use, exactly; and which of them can be reached.
 *
 * For each slab a copy of its bitmap, from which what magazines hold is taken off.
 */
#ifndef LOAM_TOOLS_OBJECTS_H
#define LOAM_TOOLS_OBJECTS_H

#include "image/image.h"

/* Sets of objects that each slab keeps a bitmap of. */
enum object_set {
    OBJECT_LIVE,
    OBJECT_REACHED,  /* from the roots */
    OBJECT_INDIRECT, /* from another one that is not */
    OBJECT_SETS
};

struct object_slab {
    uintptr_t start;
    size_t span;
    size_t object_size;
    size_t objects;
    uint64_t *sets[OBJECT_SETS];
};

struct objects {
    const struct image *image;
    struct object_slab *slabs; /* in the order of addresses, range by range */
    size_t slab_count;
    size_t guarded_from; /* those from here on lie outside the slices, in the order of addresses */
    uint32_t *of_slice;  /* number + 1 of the slab that each slice lies in; of all ranges one after the other */
    size_t slice_count;
};

struct object_place {
    const struct object_slab *slab;
    size_t index;
};

/* Take the picture. Returns 0 or -errno; objects_free() either way. */
int objects_read(const struct image *image, struct objects *out);

/* The live object that holds `address`, if there is one. */
bool objects_find(const struct objects *objects, uintptr_t address, struct object_place *out);

void objects_free(struct objects *objects);

static inline uintptr_t object_address(struct object_place place)
{
    return place.slab->start + place.index * place.slab->object_size;
}

static inline bool object_is(struct object_place place, enum object_set set)
{
    return place.slab->sets[set][place.index / 64] >> place.index % 64 & 1;
}

static inline void object_add(struct object_place place, enum object_set set)
{
    place.slab->sets[set][place.index / 64] |= 1ull << place.index % 64;
}

#endif
