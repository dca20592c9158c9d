/*
 * fence.h - an object of the heap between two zones of a pattern, that is kept from use for a while when it is freed.
 *
 *     | zone | object | zone |   in one object of a size class
 *
 * What `loam check` makes of the allocations that it has no time to guard. Nothing is known of an object in the object:
 * its facts lie in a table beside the heap, at the number of its slice and its own in the slab.
 *
 * Locking: the lock is for the queue of freed objects. Facts belong to whoever has the object; `life` changes in one
 * atomic step, as in slots.h.
 */
#ifndef LOAM_SAMPLE_FENCE_H
#define LOAM_SAMPLE_FENCE_H

#include "heap/heap.h"
#include "sample/checked.h"

enum {
    FENCE_ZONE = 16,      /* bytes at least, on each side */
    FENCE_FACTS = 2048,   /* room for the facts of a slice's objects */
    FENCE_CHUNKS = 65536, /* that facts are kept of: 128 GiB */
};

struct fact {
    uint32_t size; /* bytes asked for */
    uint32_t next; /* in the queue: number of a fact + 1 */
    struct origin origin;
    uint16_t before;     /* bytes of the zone before the object */
    ATOMIC uint8_t life; /* enum object_life; what lies below holds for the slab only if it is of `class` */
    uint8_t routine;     /* enum routine */
    uint8_t class;
    uint8_t pad[3];
};

static_assert(sizeof(struct fact) == 32, "two to a cache line");
static_assert(FENCE_FACTS * (2 * FENCE_ZONE) >= SLICE_SIZE, "no slice has more objects");

struct fences {
    struct fact *facts; /* of the first range's slices; NULL: not started */
    size_t slices;      /* that there are addresses for */

    struct lock lock;
    uint32_t first, last; /* the queue, oldest first: number + 1, or 0 */
    size_t held;          /* bytes of objects in it */
    size_t held_max;
};

/* Whether the facts of a chunk's slices are accessible. */
extern HIDDEN ATOMIC uint8_t fences_ready[FENCE_CHUNKS];

extern HIDDEN struct fences fences;

/* Once; `held_max` bytes of freed objects wait. Returns 0 or -ENOMEM. */
int fence_start(size_t held_max);

/* Place an object; NULL when it does not fit into a class, or there is no memory. */
void *fence_take(struct heap *heap, size_t size, size_t align, enum routine routine, uint32_t stack);

/* An object is allocated as usual: what was known of a fenced one at its place holds no more. */
void fence_forget(const void *object);

/* What is known of the object that an address is in, or in a zone of. False for none. */
bool fence_near(const void *p, struct checked *out);

/*
 * Free a fenced object, or tell what is wrong with it; `heap` is the thread's, or NULL. False when it is none. `depth`
 * as for checked_end().
 */
bool fence_give(struct heap *heap, void *ptr, const struct giving *giving, size_t depth);

/* Look at every object, live or waiting, as far as nobody else changes it meanwhile. */
void fence_look_at_all(void);

/* For fork. */
void fence_lock(void);
void fence_unlock(void);
void fence_after_fork(void);

#endif
