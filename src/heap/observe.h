/*
 * observe.h - the slow way of allocating, for those who want to see every call.
 *
 * In observed mode a thread's face is the empty heap, so that each call comes here and the fast paths
 * need not ask. Three observers share the way: `hardened`, which checks, places at random and
 * zeroes; the tally, which counts for `loam run`; and M_PERTURB.
 */
#ifndef LOAM_HEAP_OBSERVE_H
#define LOAM_HEAP_OBSERVE_H

#include "heap/heap.h"
#include "heap/object.h"

struct observers {
    bool hardened;
    bool tally;
    uint8_t
        perturb; /* M_PERTURB of mallopt(3): new objects are filled with its complement, freed ones with it; 0: off */

    /* The tally of all heaps together, brought up to date in steps. Any thread, atomically. */
    ATOMIC int64_t live_bytes;
    ATOMIC int64_t live_objects;
    ATOMIC int64_t peak_bytes;
    ATOMIC int64_t objects_at_peak;
};

extern HIDDEN struct observers observers;

INLINE bool observed(void)
{
    return observers.hardened || observers.tally || observers.perturb;
}

/* As heap_take(). `size` is what was asked for. */
void *observed_take(struct heap *heap, unsigned class, size_t size, bool zeroed);

/* Free an object of a class; `heap` is the thread's, or NULL. */
void observed_put(struct heap *heap, const struct object *object);

/* Fill `size` bytes of a new object as M_PERTURB wants. */
void observe_new(void *object, size_t size);

/* A large object came (delta > 0) or went; its size in bytes, and what was asked for. */
void observe_large(struct heap *heap, int64_t delta, size_t requested);

/* Bring the totals up to date with this heap. */
void observe_settle(struct heap *heap);

/* A forked child counts from here on. */
void observe_after_fork(void);

#endif
