/*
 * slots.h - which places of a shared chunk hold secrets.
 *
 * A place is some granules that follow each other: one for the bytes before the secret, then the secret's and the bytes
 * after it. Only numbers are kept here; a chunk's memory is not accessed.
 */
#ifndef LOAM_SECRET_SLOTS_H
#define LOAM_SECRET_SLOTS_H

#include "base/base.h"
#include "secret/range.h"

enum {
    SLOTS_COUNT = CHUNK_DATA_PAGES * PAGE_SIZE / GRANULE,
    SLOTS_SIZE_MOST = 16 << 10, /* bytes of a secret; the larger have chunks of their own */
};

struct slots {
    struct slots *next, *older; /* of those that no chunk uses; of all: secret.c's */

    uint64_t used[SLOTS_COUNT / WORD_BITS]; /* bit i set: granule i is part of a place */
    uint16_t sizes[SLOTS_COUNT];            /* 1 + bytes of the secret that starts at the granule; 0: none does */
    size_t free;                            /* granules */
    size_t hint;                            /* no granule below is free */
};

static_assert(SLOTS_COUNT % WORD_BITS == 0, "no bit of `used` is of no granule");
static_assert(SLOTS_SIZE_MOST < UINT16_MAX, "sizes fit");

HIDDEN void slots_init(struct slots *slots);

/*
 * The granule at which a secret that takes `count` granules may start, the one before it being free, too; it is a
 * multiple of `alignment`, a power of two. -1 if there is none.
 */
HIDDEN ptrdiff_t slots_find(struct slots *slots, size_t count, size_t alignment);

/* Enter the secret that slots_find() has found room for. */
HIDDEN void slots_take(struct slots *slots, size_t start, size_t count, size_t size);
HIDDEN void slots_give(struct slots *slots, size_t start, size_t count);

/* Whether a secret starts at the granule, and then its size in bytes. */
HIDDEN bool slots_starts(const struct slots *slots, size_t start, size_t *size);

#endif
