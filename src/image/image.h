/*
 * image.h - read a heap, from wherever its bytes can be read.
 *
 * The reader knows a heap by the address of its root and a function that copies bytes from there. It trusts
 * nothing that it reads: sizes and counts are bounded before use. A heap that changes meanwhile gives figures that are
 * right for each slab and magazine at the moment it was read.
 */
#ifndef LOAM_IMAGE_IMAGE_H
#define LOAM_IMAGE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

enum { IMAGE_CLASSES = 128 };

struct image_source {
    /* Copy `size` bytes from `address` there to `to` here. Returns 0 or -errno. */
    int (*read)(void *context, uintptr_t address, void *to, size_t size);
    void *context;
};

/* Reads this process. */
extern const struct image_source image_self;

struct image_class {
    uint64_t object_size; /* bytes */
    uint64_t slabs;
    uint64_t live;        /* objects allocated */
    uint64_t cached;      /* free, in magazines */
    uint64_t free;        /* free, in slabs */
    uint64_t span;        /* bytes of addresses */
    uint64_t allocations; /* counted only under a tally, else 0 */
    uint64_t requested;   /* bytes, likewise */
};

struct image_figures {
    uint64_t class_count;
    struct image_class classes[IMAGE_CLASSES];
    struct image_class large; /* object_size 0; live_bytes is span */
    uint64_t live_bytes;      /* of all objects, large ones too */
    uint64_t live_objects;
    uint64_t cached_bytes;
    uint64_t free_bytes; /* free, in slabs */
    uint64_t committed;  /* bytes below the breaks */
    uint64_t dirty;      /* bytes of idle slices that may hold memory */
    uint64_t metadata;   /* bytes */
    uint64_t heaps;
    uint64_t heaps_in_use;
    uint64_t heaps_peak;
    uint64_t frees;
};

/* Count everything. Returns 0, -EPROTO for a root that is none or of another version, or the source's -errno. */
int image_read(const struct image_source *source, uintptr_t root, struct image_figures *out);

#endif
