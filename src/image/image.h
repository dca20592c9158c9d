/*
 * image.h - read a heap, from wherever its bytes can be read.
 *
 * The reader knows a heap by the address of its root and a function that copies bytes from there. It trusts
 * nothing that it reads: sizes and counts are bounded before use. It allocates nothing: who wants to keep what it finds
 * gives it a visitor.
 *
 * A heap may change meanwhile. Each slab and each magazine is then as it was at the moment when it was read: one that
 * was torn in between is read again. An object on its way between the two, at most a magazine's worth of a thread, may
 * be seen in both or in neither.
 */
#ifndef LOAM_IMAGE_IMAGE_H
#define LOAM_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_SLICE ((size_t)65536) /* bytes; no two slabs share one */

enum {
    IMAGE_CLASSES = 128,
    IMAGE_RANGES = 64,
    IMAGE_OWN = 2,
    IMAGE_LARGE = IMAGE_CLASSES - 1, /* in place of a class: one large object */
};

struct image_source {
    /* Copy `size` bytes from `address` there to `to` here. Returns 0 or -errno. */
    int (*read)(void *context, uintptr_t address, void *to, size_t size);
    void *context;
};

/* Reads this process. */
extern const struct image_source image_self;

struct image_class {
    size_t object_size; /* bytes */
    size_t objects;     /* per slab */
    size_t span;        /* bytes of a slab */
};

/* One piece of the heap's addresses, and where what is known of them lies. */
struct image_range {
    uintptr_t base;
    size_t size;
    size_t committed; /* bytes below its break */
    uintptr_t map, records, chunks;
};

struct image_span {
    uintptr_t start;
    size_t size;
};

/* What a heap is made of; the figures are those of the moment when it was opened. */
struct image {
    const struct image_source *source;
    unsigned class_count;
    struct image_class classes[IMAGE_CLASSES];
    unsigned range_count;
    struct image_range ranges[IMAGE_RANGES];
    uint64_t dirty;    /* bytes of idle slices that may hold memory */
    uint64_t metadata; /* bytes */
    unsigned heaps;    /* that there have ever been */
    unsigned heaps_in_use;
    unsigned heaps_peak;
    uintptr_t heap_list; /* their addresses */
    uintptr_t blocks;    /* of what else it knows: each begins with the address of the next */

    /* Of the objects that are watched: addresses of their structures, as the process has them; see watched.h. */
    uintptr_t slots;       /* of its struct slots */
    uintptr_t slot_area;   /* and what that says: the objects' addresses, */
    size_t slot_area_size; /* 0: there are none */
    struct image_span slot_records, facts, stacks;

    /* Where the process keeps these addresses: words that are no pointers to objects. */
    struct image_span own[IMAGE_OWN];
};

struct image_slab {
    uintptr_t start;    /* of its first object */
    size_t span;        /* bytes of addresses */
    bool guarded;       /* one object between guard pages, outside the ranges; its span is its size */
    unsigned class;     /* index of a size class, or IMAGE_LARGE */
    unsigned heap;      /* index of the heap that it belongs to; 0 for a large object, which belongs to none */
    size_t object_size; /* bytes; of a large object its span */
    size_t objects;
    size_t free;               /* of them, and not in magazines */
    const uint64_t *free_bits; /* one for each object */
};

/* A stack of objects that are free, though not marked so in their slabs. */
struct image_magazine {
    unsigned heap;
    unsigned class;
    uintptr_t slots; /* address of the first of `count` pointers */
    size_t count;
    size_t unsettled; /* slots after those that may hold objects on their way from or to slabs; else 0 */
};

/* Allocations since the start, counted under `loam run` only. */
struct image_tally {
    uint64_t allocations;
    uint64_t requested; /* bytes */
};

struct image_heap {
    unsigned index;
    int thread;    /* the kernel's id of the last one that had it */
    bool in_use;   /* by that thread */
    uint64_t kept; /* bytes of the large object that was freed last */
    uint64_t frees;
    const struct image_tally *tallies; /* of each class, and of large objects as number class_count */
};

/*
 * Called for each slab, then for each heap and its magazines that hold anything. What they are given is theirs for that
 * call only. The walk ends when one returns something other than 0. NULL where nobody wants to know.
 */
struct image_visitor {
    int (*slab)(void *context, const struct image_slab *slab);
    int (*heap)(void *context, const struct image_heap *heap);
    int (*magazine)(void *context, const struct image_magazine *magazine);
    void *context;
};

/*
 * Read what the heap is made of. Returns 0; -ENOENT when there is no root at this address; -EPROTO when it is that of
 * another version, or damaged; or the source's -errno.
 */
int image_open(const struct image_source *source, uintptr_t root, struct image *out);

/* Whether these may be the first 8 bytes of a root, which lies at a multiple of 8: for who has to look for one. */
bool image_begins_root(uint64_t word);

/* How many slices the heap has, of all ranges one after the other; and the number of the one that `address` lies in. */
size_t image_slices(const struct image *image);
size_t image_slice(const struct image *image, uintptr_t address); /* image_slices() when it lies in none */

/* Visit everything. Returns 0, what the visitor returned, or the source's -errno. */
int image_walk(const struct image *image, const struct image_visitor *visitor);

/* Visit the slab that holds `address`, if there is one. Returns what image_walk() does. */
int image_walk_at(const struct image *image, uintptr_t address, const struct image_visitor *visitor);

/* Visit heaps and magazines only. Returns what image_walk() does. */
int image_walk_heaps(const struct image *image, const struct image_visitor *visitor);

/* Copy `size` bytes of the process that the heap is in. Returns 0 or -errno. */
int image_get(const struct image *image, uintptr_t address, void *to, size_t size);

#endif
