/*
 * remote.c - objects of other heaps' slabs, and the notices that they have become usable.
 *
 * An object in a magazine is not marked free yet, so its slab cannot go away before its bit is set.
 *
 * Notices are a stack that any thread pushes slabs on and only who holds the heap's lock takes, all at once; so no
 * slab can be popped and pushed again under a pusher (no ABA problem).
 */
#include "heap/heap.h"

/* Tell the slab's owner of arrivals. The slab is QUEUED: until the owner reads the notice, it stays what it is. */
static void give_notice(struct slab *slab, struct heap *owner)
{
    struct slab *head = __atomic_load_n(&owner->notices, __ATOMIC_RELAXED);

    do
        slab->next_noticed = head;
    while (!__atomic_compare_exchange_n(&owner->notices, &head, slab, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static void read_notice(struct heap *heap, struct slab *slab)
{
    if (slab_owner(slab) != heap->index) { /* adopted since the slab was sent to */
        give_notice(slab, heaps.list[slab_owner(slab)]);
        return;
    }
    __atomic_fetch_and(&slab->arrivals, ~ARRIVALS_QUEUED, __ATOMIC_ACQ_REL);
    if (slab == heap->shelves[slab->size_class].current) {
        slab_collect(slab);
        return;
    }
    do
        slab_collect(slab);
    while (!slab->free_count && !slab_want_notice(slab));
    heap_settle(heap, slab);
}

void heap_drain_notices(struct heap *heap)
{
    if (!__atomic_load_n(&heap->notices, __ATOMIC_RELAXED))
        return;
    struct slab *slab = __atomic_exchange_n(&heap->notices, NULL, __ATOMIC_ACQUIRE);
    while (slab) {
        struct slab *next = slab->next_noticed; /* before it can be queued again */
        read_notice(heap, slab);
        slab = next;
    }
}

void heap_send(struct slab *slab, size_t word, uint64_t mask)
{
    struct heap *owner = heaps.list[slab_owner(slab)]; /* now: the slab may be gone once its bits are set */

    if (slab_send(slab, word, mask))
        give_notice(slab, owner);
}
