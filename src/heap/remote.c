/*
 * remote.c - objects of other heaps' slabs, and the notices that they have become usable.
 *
 * An object in a magazine is not marked free yet, so its slab cannot go away before its bit is set.
 *
 * Notices are a stack that any thread pushes slabs on and only the owner takes, all at once; so no
 * slab can be popped and pushed again under a pusher (no ABA problem).
 *
 * Who gives a notice to an orphan acts on it: push, then look at the state; an exiting owner sets the
 * state, then looks at the notices. Both orders are sequentially consistent, so one of the two sees the other.
 */
#include "heap/heap.h"

static void serve_orphan(struct heap *heap);

/* Tell the slab's owner of arrivals. The slab is QUEUED: until the owner reads the notice, it stays what it is. */
static void give_notice(struct slab *slab, struct heap *owner)
{
    struct slab *head = __atomic_load_n(&owner->notices, __ATOMIC_RELAXED);

    do
        slab->next_noticed = head;
    while (!__atomic_compare_exchange_n(&owner->notices, &head, slab, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    if (__atomic_load_n(&owner->state, __ATOMIC_SEQ_CST) == HEAP_ORPHAN)
        serve_orphan(owner);
}

static void read_notice(struct heap *heap, struct slab *slab)
{
    bool orphan = __atomic_load_n(&heap->state, __ATOMIC_RELAXED) == HEAP_CLAIMED;

    if (slab_owner(slab) != heap->index) {
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
    while ((orphan || !slab->free_count) && !slab_want_notice(slab));
    heap_settle(heap, slab);
}

void heap_drain_notices(struct heap *heap)
{
    struct slab *slab = __atomic_exchange_n(&heap->notices, NULL, __ATOMIC_ACQUIRE);

    while (slab) {
        struct slab *next = slab->next_noticed; /* before it can be queued again */
        read_notice(heap, slab);
        slab = next;
    }
}

bool heap_claim(struct heap *heap)
{
    uint32_t expected = HEAP_ORPHAN;
    return __atomic_load_n(&heap->state, __ATOMIC_RELAXED) == HEAP_ORPHAN &&
           __atomic_compare_exchange_n(&heap->state, &expected, HEAP_CLAIMED, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED);
}

/* Act on the notices of an orphan, until none are left or somebody else has the heap. */
static void serve_orphan(struct heap *heap)
{
    while (__atomic_load_n(&heap->notices, __ATOMIC_SEQ_CST) && heap_claim(heap)) {
        if (heap->stale)
            heap_rebuild(heap);
        heap_drain_notices(heap);
        __atomic_store_n(&heap->state, HEAP_ORPHAN, __ATOMIC_SEQ_CST);
    }
}

void heap_send(struct slab *slab, size_t word, uint64_t mask)
{
    struct heap *owner = heaps.list[slab_owner(slab)]; /* now: the slab may be gone once its bits are set */

    if (slab_send(slab, word, mask))
        give_notice(slab, owner);
}

void heap_orphan(struct heap *heap)
{
    __atomic_store_n(&heap->state, HEAP_ORPHAN, __ATOMIC_SEQ_CST);
    serve_orphan(heap);
}
