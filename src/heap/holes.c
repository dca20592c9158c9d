/*
 * holes.c - give back the pages between the living objects of a slab.
 *
 * When a program has shrunk, what is left of it may lie scattered, an object or two to a slab: no slab is idle, but
 * most pages hold nothing but free objects. Those of slabs that have not changed for a period are given back.
 *
 * Whether a slab has changed is told by its count of free objects, at the moment of a tick, when all magazines are
 * empty. It may have changed and have the same count again: then pages are faulted in again that need not have been,
 * once a period at most; or a few pages that were used are kept, until the count is another.
 *
 * Locking: the heap's lock. Free objects are the heap's alone while their bits are set; others only set bits for
 * objects that are not free yet. Source: madvise(2), MADV_DONTNEED.
 */
#include "heap/heap.h"
#include "sys/sys.h"

enum {
    OBJECT_MIN = 256, /* bytes; of smaller objects, rarely as many as a page holds are free beside each other */
    CALLS_MAX = 64,   /* to the kernel, of one tick: a third of a millisecond */
};

/* The first object from `index` on that is free, or is not; the number of objects if there is none. */
static size_t next_object(const struct slab *slab, size_t index, bool is_free)
{
    while (index < slab->objects) {
        uint64_t word = is_free ? slab->free_bits[index / WORD_BITS] : ~slab->free_bits[index / WORD_BITS];
        uint64_t rest = word >> index % WORD_BITS;
        if (rest)
            return min_size(index + lowest_bit(rest), slab->objects);
        index = (index / WORD_BITS + 1) * WORD_BITS;
    }
    return slab->objects;
}

/* Give back the whole pages of the free objects first..end. Returns the bytes, 0 when there were none. */
static size_t purge_between(const struct slab *slab, size_t first, size_t end)
{
    uintptr_t from = align_up((uintptr_t)slab_object(slab, first), PAGE_SIZE);
    uintptr_t to = align_down((uintptr_t)slab_object(slab, end), PAGE_SIZE);

    return from < to && sys_purge((void *)from, to - from) == 0 ? to - from : 0;
}

/* Counts in *calls those to the kernel that gave something. */
static size_t purge_slab(struct slab *slab, size_t *calls)
{
    size_t purged = 0;

    for (size_t i = next_object(slab, 0, true), end; i < slab->objects; i = next_object(slab, end, true)) {
        end = next_object(slab, i, false);
        size_t bytes = purge_between(slab, i, end);
        *calls += bytes != 0;
        purged += bytes;
    }
    slab->holed = true;
    return purged;
}

/* Whether the slab is as it was when it was looked at last, and its pages are not given back already. */
static bool is_ripe(struct slab *slab)
{
    bool same = slab->free_count == slab->quiet_count;

    slab->quiet_count = slab->free_count;
    slab->holed &= same;
    return same && !slab->holed;
}

static size_t purge_list(struct slab *slab, bool all, size_t *calls, size_t limit)
{
    size_t purged = 0;

    for (; slab && *calls < limit; slab = slab->next)
        if (is_ripe(slab) || (all && !slab->holed))
            purged += purge_slab(slab, calls);
    return purged;
}

size_t heap_purge_holes(struct heap *heap, bool all)
{
    size_t calls = 0, purged = 0;
    size_t limit = all ? SIZE_MAX : CALLS_MAX;

    for (unsigned class = class_of_small(OBJECT_MIN); class < FIRST_RUN; class ++) {
        purged += purge_list(heap->shelves[class].partial, all, &calls, limit);
        purged += purge_list(heap->shelves[class].draining, all, &calls, limit);
    }
    return purged;
}
