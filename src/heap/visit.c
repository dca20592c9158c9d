/*
 * visit.c - what a thread does in the heaps of others.
 *
 * Who would have to touch fresh memory first asks the other heaps for a slab that has free objects already. One that is
 * awake gives what it can do without; one that sleeps, any.
 *
 * A heap without a thread, or whose thread allocates nothing, cannot take over what others free in its slabs: memory
 * that is free would serve nobody. So once a period one thread, of those that allocate, takes over in all such heaps
 * what has come, and gives back what has become idle.
 *
 * A heap is asleep when it is nobody's, or its owner has not come the slow way while others carved many slabs, or for a
 * period or two. That is a guess, and only decides what a visit is worth: what makes it safe is the heap's lock.
 *
 * Locking: heap_visiting keeps visitors apart from each other and from fork(), which so finds each heap either whole or
 * in the hands of its own thread. It is tried only, as is the lock of the heap that is visited: a thread that visits
 * may hold its own.
 */
#include "heap/heap.h"

enum {
    ASLEEP_PERIODS = 2,
    ASLEEP_CARVED = 64, /* slabs */
    ASK_MAX = 16,       /* heaps to ask for a slab */
};

struct lock heap_visiting;

static bool asleep(const struct heap *heap)
{
    uint32_t carved = __atomic_load_n(&heaps.carved, __ATOMIC_RELAXED);
    uint32_t period = __atomic_load_n(&ranges.period, __ATOMIC_RELAXED);

    return __atomic_load_n(&heap->state, __ATOMIC_RELAXED) == HEAP_ORPHAN ||
           carved - __atomic_load_n(&heap->seen, __ATOMIC_RELAXED) >= ASLEEP_CARVED ||
           period - __atomic_load_n(&heap->period, __ATOMIC_RELAXED) >= ASLEEP_PERIODS;
}

/* The visitor's way in, and lock_give() is the way out. */
static bool enter(struct heap *heap)
{
    if (!lock_try(&heap->lock))
        return false;
    if (heap->stale)
        heap_rebuild(heap);
    return true;
}

static struct slab *ask_others(struct heap *heap, unsigned class)
{
    uint32_t count = __atomic_load_n(&heaps.count, __ATOMIC_ACQUIRE);

    for (uint32_t i = 1; i < count && i <= ASK_MAX; i++) {
        struct heap *other = heaps.list[(heap->index + i) % count];
        if (!enter(other))
            continue;
        struct slab *slab = heap_take_over(heap, other, class, asleep(other));
        lock_give(&other->lock);
        if (slab)
            return slab;
    }
    return NULL;
}

struct slab *heap_adopt_slab(struct heap *heap, unsigned class)
{
    if (class_is_run(class) || !lock_try(&heap_visiting))
        return NULL;
    struct slab *slab = ask_others(heap, class);
    lock_give(&heap_visiting);
    return slab;
}

size_t heap_sweep(const struct heap *own, bool all)
{
    uint32_t count = __atomic_load_n(&heaps.count, __ATOMIC_ACQUIRE);
    size_t purged = 0;

    if (!lock_try(&heap_visiting))
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        struct heap *heap = heaps.list[i];
        if (heap == own || !(all || asleep(heap)) || !enter(heap))
            continue;
        heap_collect(heap);
        heap_drop_idle(heap);
        purged += heap_purge_holes(heap, all);
        lock_give(&heap->lock);
    }
    lock_give(&heap_visiting);
    return purged;
}
