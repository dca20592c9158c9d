/*
 * remote.c - objects of other heaps: the outbox, and notices.
 *
 * A freed object of another heap's slab waits in the outbox, in a line chosen by its bitmap word, for others
 * of the same word; a whole mask then goes to the slab in one atomic OR. An object that waits is not
 * free yet, so its slab cannot go away.
 *
 * Notices are a stack that any thread pushes slabs on and only the owner takes, all at once; so no
 * slab can be popped and pushed again under a pusher (no ABA problem).
 *
 * Who gives a notice to an orphan acts on it: push, then look at the state; an exiting owner sets the
 * state, then looks at the notices. Both orders are sequentially consistent, so one of the two sees the other.
 */
#include "heap/heap.h"

#include "heap/explain.h"

static void push_notice(struct heap *heap, struct slab *slab)
{
    struct slab *head = __atomic_load_n(&heap->notices, __ATOMIC_RELAXED);

    do
        slab->next_noticed = head;
    while (!__atomic_compare_exchange_n(&heap->notices, &head, slab, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
}

static void read_notice(struct heap *heap, struct slab *slab)
{
    bool orphan = __atomic_load_n(&heap->state, __ATOMIC_RELAXED) == HEAP_CLAIMED;

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

static bool claim(struct heap *heap)
{
    uint32_t expected = HEAP_ORPHAN;
    return __atomic_compare_exchange_n(&heap->state, &expected, HEAP_CLAIMED, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED);
}

/* Act on the notices of an orphan, until none are left or somebody else has the heap. */
static void serve_orphan(struct heap *heap)
{
    while (__atomic_load_n(&heap->notices, __ATOMIC_SEQ_CST) && claim(heap)) {
        if (heap->stale)
            heap_rebuild(heap);
        heap_drain_notices(heap);
        __atomic_store_n(&heap->state, HEAP_ORPHAN, __ATOMIC_SEQ_CST);
    }
}

static void send(struct slab *slab, size_t word, uint64_t mask)
{
    struct heap *owner = heaps.list[slab->heap]; /* now: the slab may be gone once its bits are set */

    if (!slab_send(slab, word, mask))
        return;
    push_notice(owner, slab);
    if (__atomic_load_n(&owner->state, __ATOMIC_SEQ_CST) == HEAP_ORPHAN)
        serve_orphan(owner);
}

static void send_parcel(struct parcel *parcel)
{
    struct parcel going = *parcel;

    *parcel = (struct parcel){0};
    if (going.slab)
        send(going.slab, going.word, going.mask);
}

void heap_send_all(struct heap *heap)
{
    for (size_t i = 0; heap->parcels_pending && i < OUTBOX_LINES; i++)
        send_parcel(&heap->outbox[i]);
    heap->parcels_pending = 0;
}

static struct parcel *parcel_for(struct heap *heap, const struct slab *slab, size_t word)
{
    size_t key = (size_t)slab / RANGE_RECORD * 5 + word; /* neighbouring slabs and words: different lines */
    return &heap->outbox[key % OUTBOX_LINES];
}

void heap_put_remote(struct heap *heap, struct slab *slab, size_t index)
{
    size_t word = index / WORD_BITS;
    uint64_t bit = 1ull << index % WORD_BITS;

    if (!heap || class_is_run(slab->size_class)) {
        send(slab, word, bit);
        return;
    }
    struct parcel *parcel = parcel_for(heap, slab, word);
    if (parcel->slab != slab || parcel->word != word) {
        send_parcel(parcel);
        *parcel = (struct parcel){.slab = slab, .word = word};
    }
    if (UNLIKELY(parcel->mask & bit))
        explain_stop(FAULT_DOUBLE_FREE, slab_object(slab, index));
    parcel->mask |= bit;
    if (++heap->parcels_pending >= OUTBOX_OBJECTS)
        heap_send_all(heap);
}

void heap_orphan(struct heap *heap)
{
    __atomic_store_n(&heap->state, HEAP_ORPHAN, __ATOMIC_SEQ_CST);
    serve_orphan(heap);
}
