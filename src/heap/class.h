/*
 * class.h - size classes: which sizes share a slab, and the figures of each.
 *
 * 8 bytes; multiples of 16 up to 256; then eight classes per doubling up to 32 KiB, whose objects lie many
 * to a slab; then four per doubling up to 1 MiB, one object to a run of slices. Above that, an
 * object is large and has no class. From 1 KiB up to 32 KiB there is one class more right above each power of two, of
 * which 15 fit where 16 of the power of two do: programs ask for a page and a header. Every class from 16 bytes up is a
 * multiple of 16, and every power of two is a class, so any alignment has a class that gives it.
 */
#ifndef LOAM_HEAP_CLASS_H
#define LOAM_HEAP_CLASS_H

#include "range/range.h"

enum {
    CLASS_COUNT = 98,
    FIRST_RUN = 78,    /* the first class whose objects are runs of their own */
    CLASS_LARGE = 127, /* in a map entry: the head of a large object */

    SMALL_MAX = 1024, /* bytes; up to here and up to SLAB_MAX, a table maps sizes to classes */
    SMALL_STEP_SHIFT = 3,
    SLAB_MAX_SHIFT = 15,
    SLAB_MAX = 1 << SLAB_MAX_SHIFT,
    SLAB_STEP_SHIFT = 4,
    CLASS_MAX = 1024 * 1024,

    TINY_MAX = 32,              /* bytes; programs that have such objects have many */
    TINY_BYTES = 128 * 1024,    /* of them that a magazine may hold, */
    MAGAZINE_BYTES = 32 * 1024, /* and of larger ones, */
    MAGAZINE_MIN = 128,         /* or objects, even if they are more bytes, up to */
    MAGAZINE_BYTES_MAX = 256 * 1024,
};

struct size_class {
    /*
     * For an offset o into a slab, the 128-bit product o * inverse has the object's index in its upper half,
     * and its lower half is below `inverse` exactly when o is the start of an object.
     * Source: D. Lemire, O. Kaser, N. Kurz, "Faster Remainder by Direct Computation", 2019.
     */
    uint64_t inverse;
    uint32_t mask;     /* size of a slab - 1: slabs of several slices are aligned to their size */
    uint32_t size;     /* of an object, bytes */
    uint16_t objects;  /* per slab */
    uint16_t slices;   /* per slab */
    uint16_t capacity; /* of a magazine, objects */
    uint16_t words;    /* of a slab's bitmap */
    uint32_t pad[2];
};

static_assert(sizeof(struct size_class) == 32, "two to a cache line");

struct class_table {
    uint8_t of_small[(SMALL_MAX >> SMALL_STEP_SHIFT) + 1];
    uint8_t of_slab[(SLAB_MAX >> SLAB_STEP_SHIFT) + 1];
    struct size_class list[CLASS_COUNT];
    size_t magazine_slots; /* of all classes together */
};

extern HIDDEN struct class_table classes;

/*
 * A map entry: in the lower byte the class of the slice's slab, and whether it drains (shelf.c), which makes the byte
 * that of no class; in the upper one a tag of its heap.
 */
enum { ENTRY_DRAINS = 1 << 7, ENTRY_TAG_SHIFT = 8 };

INLINE unsigned entry_class(uint16_t entry)
{
    return entry & (ENTRY_DRAINS - 1);
}

INLINE unsigned entry_tag(uint16_t entry)
{
    return entry >> ENTRY_TAG_SHIFT;
}

/* The class of the magazine that objects of the slice go into; no class if they go past it, for their slab drains. */
INLINE unsigned entry_magazine(uint16_t entry)
{
    return (uint8_t)entry;
}

/* Whether the slice lies in a slab of the class: the entry of one in no run is 0, which names no class. */
INLINE bool entry_is(uint16_t entry, unsigned class)
{
    return entry != 0 && entry_class(entry) == class;
}

/* Fill the table; once, at start. `scattered`: objects of a class are allocated in random order. */
void class_start(bool scattered);

/* The class of sizes above SLAB_MAX, up to CLASS_MAX. */
unsigned class_of_run(size_t size);

/* The class of a size of up to SMALL_MAX. */
INLINE unsigned class_of_small(size_t size)
{
    return classes.of_small[(size + (1 << SMALL_STEP_SHIFT) - 1) >> SMALL_STEP_SHIFT];
}

/* The class of a size of up to CLASS_MAX. */
INLINE unsigned class_of(size_t size)
{
    if (LIKELY(size <= SMALL_MAX))
        return class_of_small(size);
    if (LIKELY(size <= SLAB_MAX))
        return classes.of_slab[(size + (1 << SLAB_STEP_SHIFT) - 1) >> SLAB_STEP_SHIFT];
    return class_of_run(size);
}

/* The smallest class that holds `size` bytes at a multiple of `align`; CLASS_COUNT if there is none. */
unsigned class_of_aligned(size_t size, size_t align);

/* The index of the object that byte `offset` of a slab lies in; past its last one, at least `objects`. */
INLINE size_t class_index(const struct size_class *c, size_t offset)
{
    return (size_t)(((unsigned __int128)offset * c->inverse) >> 64);
}

/* Whether objects of the class are runs of their own. */
INLINE bool class_is_run(unsigned class)
{
    return class >= FIRST_RUN;
}

#endif
