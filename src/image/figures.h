/*
 * figures.h - how much a heap holds, in all and of each size.
 *
 * A visitor of image.h that only counts: who wants more than that counts with these functions beside his own work.
 */
#ifndef LOAM_IMAGE_FIGURES_H
#define LOAM_IMAGE_FIGURES_H

#include "image/image.h"

struct class_figures {
    uint64_t object_size; /* bytes; 0 for large objects */
    uint64_t slabs;
    uint64_t live;        /* objects allocated */
    uint64_t cached;      /* free, in magazines */
    uint64_t free;        /* free, in slabs */
    uint64_t span;        /* bytes of addresses */
    uint64_t allocations; /* counted only under a tally, else 0 */
    uint64_t requested;   /* bytes, likewise */
};

/* All objects that there is room for, in use or not. */
static inline uint64_t figures_objects(const struct class_figures *c)
{
    return c->live + c->cached + c->free;
}

/* Bytes of its live objects; a large one has all that it spans. */
static inline uint64_t figures_live_bytes(const struct class_figures *c)
{
    return c->object_size ? c->live * c->object_size : c->span;
}

/*
 * The part of `live_bytes` of objects of a class that nobody asked for. Only the sizes of all allocations of the class
 * together are known, so its live objects are taken to be like the average one. Large objects are not rounded by class:
 * theirs is unknown, and 0 here. Safe for all values.
 */
double figures_rounding(uint64_t object_size, uint64_t live_bytes, uint64_t allocations, uint64_t requested);

struct figures {
    uint64_t class_count;
    struct class_figures classes[IMAGE_CLASSES];
    struct class_figures large;
    struct class_figures guarded; /* objects between guard pages, outside slabs: each is a slab to itself here */
    uint64_t live_bytes;          /* of all objects, large and guarded ones too; from here on, set by figures_end() */
    uint64_t live_objects;
    uint64_t cached_bytes;
    uint64_t free_bytes; /* free, in slabs */
    uint64_t between;    /* bytes of slabs in no live object: cached, free, and the ends of slabs */
    uint64_t inside;     /* bytes of live objects that nobody asked for; an estimate, and known under a tally only */
    uint64_t purged;     /* bytes of idle slices that hold no memory: given back, or never touched */
    uint64_t committed;  /* bytes below the breaks */
    uint64_t dirty;      /* bytes of idle slices that may hold memory */
    uint64_t metadata;   /* bytes */
    uint64_t heaps;
    uint64_t heaps_in_use;
    uint64_t heaps_peak;
    uint64_t frees;
};

/* Begin to count; add what a walk finds, in its order; end. */
void figures_begin(struct figures *out, const struct image *image);
void figures_add_slab(struct figures *out, const struct image_slab *slab);
void figures_add_heap(struct figures *out, const struct image_heap *heap);
void figures_add_magazine(struct figures *out, const struct image_magazine *magazine);
void figures_end(struct figures *out);

/* All of it. Returns what image_walk() does. */
int figures_count(const struct image *image, struct figures *out);

/* The same of a heap that is opened for it. Returns what image_open() and image_walk() do. */
int figures_read(const struct image_source *source, uintptr_t root, struct figures *out);

#endif
