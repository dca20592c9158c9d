/*
 * slots.h - objects between guard pages, each in pages of its own that are inaccessible before and after its life.
 *
 *     band 0   guard | page | guard | page | guard ...          objects of up to a page
 *     band 1   guard | page page | guard | page page | ...      of up to two, and so on
 *
 * A band is a power of two of addresses, so the slot of any address is one shift and one division. An object lies at
 * the end of its pages, so that the byte after it faults, or at their start. What is left of them holds a pattern
 * (canary.h). A freed slot gives its memory back at once and its addresses last: the queue of free slots is first in,
 * first out.
 *
 * Locking: the lock is for the queues. Whoever takes a slot off a queue owns it until it puts it back; `life` changes
 * in one atomic step, so that of two threads that free an object one is told so.
 */
#ifndef LOAM_SAMPLE_SLOTS_H
#define LOAM_SAMPLE_SLOTS_H

#include "base/base.h"
#include "sample/checked.h"
#include "sys/lock.h"

enum { BAND_MAX = 20 };

struct slot {
    uintptr_t start; /* of the object */
    size_t size;     /* bytes asked for */
    struct origin origin;
    uint32_t next;       /* in the queue: number + 1 */
    ATOMIC uint8_t life; /* enum object_life */
    uint8_t routine;     /* enum routine */
    bool protected;      /* some of its pages may be inaccessible by their protection, not only by guards */
};

struct band {
    uintptr_t base;       /* of the first slot's pages; what is before is inaccessible */
    size_t stride;        /* bytes from slot to slot */
    uint32_t count;       /* slots that there are addresses for */
    ATOMIC uint32_t made; /* that have been used; others read it without the lock */
    uint32_t ready;       /* whose pages have been made accessible once, behind guards */
    uint32_t described;   /* bytes of records that are accessible */
    uint32_t first, last; /* the queue of free slots: number + 1, or 0 */
    uint32_t free;
    struct slot *slots;
};

struct slots {
    /* Constant once started. */
    ATOMIC uintptr_t base;
    ATOMIC size_t size; /* 0: not started */
    unsigned band_shift;
    uint32_t band_count;
    uint32_t hold; /* free slots of one page that are not used again before more are made; of larger ones, less */
    struct slot *records; /* of all bands */
    size_t records_size;
    bool guards; /* the kernel has MADV_GUARD_INSTALL; else protection is changed, and mappings split */

    /* Any thread. */
    ATOMIC size_t live_bytes; /* of pages */
    ATOMIC size_t opened;     /* slots live; without guards each takes two mappings */

    struct lock lock;
    struct band bands[BAND_MAX];
};

extern HIDDEN struct slots slots;

/*
 * Once: reserve bands of 1 << `band_shift` bytes, or of less where that many cannot be had. `guards`: use the kernel's,
 * if it has any. Returns 0 or -ENOMEM.
 */
int slots_start(unsigned band_shift, uint32_t hold, bool guards);

/*
 * Place an object. `align` is a power of two; `at_end`: the byte after it, or else the one before, is in a guard page,
 * as far as alignment allows. The caller sets origin and routine. NULL when there is no slot for it.
 */
struct slot *slots_take(size_t size, size_t align, bool at_end);

/* Free it: from here on every access faults. The caller has set `life` from LIFE_LIVE to LIFE_FREED. */
void slots_give(struct slot *slot);

/* The slot that an address lies in, or in the guard page before or after, whichever object is nearer; or NULL. */
struct slot *slots_near(const void *p);

/* Make the page of an address accessible: a program is to go on after a report. Returns 0 or -errno. */
int slots_open(const void *p);

/* The bytes around a live object, in its pages. */
struct span slots_before(const struct slot *slot);
struct span slots_after(const struct slot *slot);

INLINE bool slots_own(const void *p)
{
    size_t size = __atomic_load_n(&slots.size, __ATOMIC_ACQUIRE); /* set last, of all that is constant */
    return (uintptr_t)p - __atomic_load_n(&slots.base, __ATOMIC_RELAXED) < size;
}

#endif
