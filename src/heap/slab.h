/*
 * slab.h - equal objects in one run of slices, and which of them are free.
 *
 * A slab belongs to one heap. Its free objects are bits in `free_bits`, which who holds that heap's lock
 * reads and writes: mostly its thread, called the owner here. Other threads free by setting bits in `remote_bits`, and
 * say so in `arrivals`; the owner moves those bits over when it next needs objects. Nothing is ever written into an
 * object.
 *
 * `arrivals` holds the number of bits set since the owner last looked, and two flags. An owner that has no use
 * for a full slab sets WANTED; the thread whose arrival finds it turns it into QUEUED and pushes the
 * slab on the owner's list of notices, once. The last thing that a freeing thread does to a slab is that
 * exchange (or, having queued it, the push). So when all objects are free, all bits are acknowledged by
 * `arrivals` (debt is 0) and it is not queued, nobody else is looking at the slab and it can be released.
 *
 * A slab with free objects may be adopted by another heap. Who sets bits meanwhile may still take the old heap for its
 * owner: a notice that arrives there is passed on.
 *
 * Order: bits are set before `arrivals` counts them (release); the owner takes the count first, then the bits
 * (acquire), so that it sees every bit that was counted, and sometimes more: `debt`.
 */
#ifndef LOAM_HEAP_SLAB_H
#define LOAM_HEAP_SLAB_H

#include "heap/class.h"

enum {
    ARRIVALS_WANTED = 1u << 30, /* tell the owner */
    ARRIVALS_QUEUED = 1u << 31, /* being told */
    ARRIVALS_COUNT = ARRIVALS_WANTED - 1,
};

struct slab {
    /* Set when carved, constant until released; any thread reads. */
    unsigned char *start;
    uint64_t *free_bits;
    ATOMIC uint64_t *remote_bits;
    ATOMIC uint64_t *live_bits; /* hardened: bit set: allocated; else NULL */
    uint32_t slices;
    ATOMIC uint16_t owner; /* index of the heap; another one when the slab is adopted */
    uint16_t objects;
    uint8_t size_class; /* CLASS_LARGE: one large object */

    /* Under the heap's lock. */
    bool listed;          /* in a list of slabs with free objects, or the current one */
    bool clean;           /* no object was ever put back, and the slices were zeroes; of a large object: it is empty */
    uint8_t words;        /* of each bitmap */
    ATOMIC bool draining; /* see shelf.c; any thread reads */
    bool holed;           /* pages of free objects were given back, see holes.c */
    uint16_t free_count;
    uint16_t quiet_count; /* free_count at the last tick */
    uint16_t last_word;   /* of free_bits, that was looked at last: what it says free is likeliest in a cache */
    int32_t debt;         /* bits taken that `arrivals` has not counted yet */
    struct slab *next;

    /* Any thread. */
    __attribute__((aligned(CACHE_LINE))) ATOMIC uint32_t arrivals;
    struct slab *next_noticed; /* who queued it, then the owner */
    struct slab *prev;         /* under the heap's lock */

    /* The bitmaps of a slab of up to 64 objects. */
    uint64_t own_free;
    ATOMIC uint64_t own_remote;
    ATOMIC uint64_t own_live;
};

static_assert(sizeof(struct slab) <= RANGE_RECORD, "a slab's record is its first slice's");

/* The record of a slice, and the slab that a slice of a class lies in. */
INLINE struct slab *slab_record(const struct range *range, size_t slice)
{
    return (struct slab *)(range->records + slice * RANGE_RECORD);
}

INLINE struct slab *slab_at(const struct range *range, size_t slice, unsigned class)
{
    return slab_record(range, slice & ~(size_t)(classes.list[class].mask >> SLICE_SHIFT));
}

/* The heap of that index is there for who reads it here (acquire), even if it was made after the object was. */
INLINE unsigned slab_owner(const struct slab *slab)
{
    return __atomic_load_n(&slab->owner, __ATOMIC_ACQUIRE);
}

INLINE bool slab_drains(const struct slab *slab)
{
    return __atomic_load_n(&slab->draining, __ATOMIC_RELAXED);
}

INLINE size_t slab_index(const struct slab *slab, const void *object)
{
    return class_index(&classes.list[slab->size_class], (size_t)((const unsigned char *)object - slab->start));
}

INLINE void *slab_object(const struct slab *slab, size_t index)
{
    return slab->start + index * classes.list[slab->size_class].size;
}

/*
 * Take `count` objects (at most free_count) into to[-1], to[-2], ...: those near the ones freed last, then lower ones,
 * and only then higher ones, whose pages may never have been touched.
 */
void slab_take(struct slab *slab, void **to, size_t count);

/* Mark objects of one word of the bitmap free. The owner only. Stops on a double free. */
void slab_put(struct slab *slab, size_t word, uint64_t mask);

/* The same from any other thread. Returns true when the caller must now push the slab to the owner's notices. */
bool slab_send(struct slab *slab, size_t word, uint64_t mask);

/* Take over what others freed. The owner only. */
void slab_collect(struct slab *slab);

/* Ask to be told of the next arrival. Returns false when there are arrivals already. The owner only. */
bool slab_want_notice(struct slab *slab);

/* Whether nothing is allocated from the slab and nobody looks at it. The owner only. */
INLINE bool slab_is_idle(const struct slab *slab)
{
    return slab->free_count == slab->objects && slab->debt == 0 &&
           (__atomic_load_n(&slab->arrivals, __ATOMIC_ACQUIRE) & ~ARRIVALS_WANTED) == 0;
}

#endif
