/*
 * slab.c - small blocks: slabs of one participant, whose bits it alone clears and sets.
 *
 * A class is allocated from one slab at a time, word by word. When that has no free bit left, what others returned to
 * it is reclaimed; else another slab follows: one that this participant has freed to, one of the next few in the file
 * that others returned blocks to or that nobody owns, or a fresh slice. So full slabs are looked at a few at a time,
 * and a heap of any size costs the same.
 *
 * Locking: the attachment's. Other participants set bits in `returned` meanwhile; see format.h.
 */
#include "shared/shared.h"

#include <errno.h>
#include <string.h>

enum { LOOKED_AT = 128 }; /* slices, before a fresh one is taken */

/* --- lists --- */

static void list(struct loam_shared *heap, unsigned class, uint64_t slice)
{
    struct local *local = &heap->locals[slice];
    uint32_t first = heap->bins[class].listed;

    if (local->listed)
        return;
    *local = (struct local){.next = first, .listed = true, .count = local->count};
    if (first)
        heap->locals[first - 1].previous = (uint32_t)slice + 1;
    heap->bins[class].listed = (uint32_t)slice + 1;
}

static void unlist(struct loam_shared *heap, unsigned class, uint64_t slice)
{
    struct local *local = &heap->locals[slice];

    if (!local->listed)
        return;
    local->listed = false;
    if (local->next)
        heap->locals[local->next - 1].previous = local->previous;
    if (local->previous)
        heap->locals[local->previous - 1].next = local->next;
    else
        heap->bins[class].listed = local->next;
}

/* One of the class's slabs with room; or UINT64_MAX. */
static uint64_t take_listed(struct loam_shared *heap, unsigned class)
{
    uint32_t first = heap->bins[class].listed;

    if (!first || !heap->locals[first - 1].listed) /* the latter if another has changed the slab's class */
        return UINT64_MAX;
    unlist(heap, class, first - 1);
    return first - 1;
}

/* --- bits --- */

static void clear_bits(ATOMIC uint64_t *word, uint64_t bits)
{
    __atomic_fetch_and(word, ~bits, __ATOMIC_ACQ_REL);
}

/* What others have returned becomes free. Also ends what the owner before left half done. */
static void reclaim(struct loam_shared *heap, uint64_t slice, const struct class *class)
{
    struct record *record = record_of(heap, slice);

    __atomic_store_n(&record->noted, 0, __ATOMIC_SEQ_CST); /* who sets a bit after we have looked notes it after this */
    for (unsigned w = 0; w < class->words; w++) {
        uint64_t returned = __atomic_load_n(&record->returned[w], __ATOMIC_SEQ_CST);
        if (!returned)
            continue;
        uint64_t used = record->used[w];
        __atomic_store_n(&record->used[w], used & ~returned, __ATOMIC_RELEASE);
        clear_bits(&record->returned[w], returned);
        heap->locals[slice].count -= (uint16_t)count_bits(used & returned);
    }
}

static unsigned count_used(const struct record *record, const struct class *class)
{
    unsigned count = 0;

    for (unsigned w = 0; w < class->words; w++)
        count += count_bits(record->used[w]);
    return count;
}

/* --- whose slabs are whose --- */

/* It has no block left: all bits are 0. */
static void release(struct loam_shared *heap, unsigned class, uint64_t slice)
{
    unlist(heap, class, slice);
    __atomic_store_n(&heap->states[slice], state_of(KIND_FREE, 0, 0), __ATOMIC_RELEASE);
    heap->free_hint = min_size(heap->free_hint, slice);
}

/* Whether it had no block left, and has been released. Others may have set bits: so they are counted anew, lest a slab
 * that has no room be looked at for ever. */
static bool reclaim_all(struct loam_shared *heap, unsigned class, uint64_t slice)
{
    reclaim(heap, slice, &classes[class]);
    heap->locals[slice].count = (uint16_t)count_used(record_of(heap, slice), &classes[class]);
    if (heap->locals[slice].count)
        return false;
    release(heap, class, slice);
    return true;
}

bool slab_adopt(struct loam_shared *heap, uint64_t slice, state_t state)
{
    unsigned class = (unsigned)state_value(state);

    if (!state_change(heap, slice, state, state_of(KIND_SLAB, heap->me, class)))
        return false;
    heap->locals[slice] = (struct local){0};
    if (!reclaim_all(heap, class, slice))
        list(heap, class, slice);
    return true;
}

void slab_leave(struct loam_shared *heap, uint64_t slice, unsigned class)
{
    if (!reclaim_all(heap, class, slice))
        __atomic_store_n(&heap->states[slice], state_of(KIND_SLAB, 0, class), __ATOMIC_RELEASE);
}

void slab_forget(struct loam_shared *heap)
{
    uint64_t high = slices_high(heap);

    memset(heap->bins, 0, sizeof(heap->bins));
    memset(heap->locals, 0, high * sizeof(heap->locals[0]));
    heap->free_hint = 0;
}

/* Whether the slab has been released, for all its blocks are free. */
static bool release_if_empty(struct loam_shared *heap, uint64_t slice, state_t state)
{
    unsigned class = (unsigned)state_value(state);
    struct bin *bin = &heap->bins[class];

    if (bin->record == record_of(heap, slice))
        bin->record = NULL;
    if (reclaim_all(heap, class, slice))
        return true;
    if (heap->locals[slice].count < classes[class].blocks)
        list(heap, class, slice);
    return false;
}

uint64_t slab_collect(struct loam_shared *heap)
{
    uint64_t high = slices_high(heap), released = 0;

    for (uint64_t i = 0; i < high; i++) {
        state_t state = state_load(heap, i);
        if (state_is_slab_of(state, heap->me))
            released += release_if_empty(heap, i, state);
        else if (state_is_slab_of(state, 0) && slab_adopt(heap, i, state))
            released += !heap->locals[i].listed; /* what has blocks is */
    }
    return released;
}

/* --- the next slab --- */

static void use(struct loam_shared *heap, unsigned class, uint64_t slice)
{
    struct bin *bin = &heap->bins[class];

    bin->record = record_of(heap, slice);
    bin->blocks = slice_start(heap, slice);
    bin->slice = (uint32_t)slice;
    bin->word = 0;
}

/* A slab of the class, among the next few slices, that others have returned blocks to or that nobody owns. */
static uint64_t look_around(struct loam_shared *heap, unsigned class)
{
    struct bin *bin = &heap->bins[class];
    uint64_t high = slices_high(heap), steps = min_size(high, LOOKED_AT);

    while (steps--) {
        uint64_t slice = bin->cursor < high ? bin->cursor : 0;
        state_t state = state_load(heap, slice);

        bin->cursor = (uint32_t)slice + 1;
        if (state == state_of(KIND_SLAB, 0, class) && slab_adopt(heap, slice, state))
            return take_listed(heap, class);
        if (state == state_of(KIND_SLAB, heap->me, class) &&
            __atomic_load_n(&record_of(heap, slice)->noted, __ATOMIC_RELAXED))
            return slice;
    }
    return UINT64_MAX;
}

static uint64_t fresh_slab(struct loam_shared *heap, unsigned class)
{
    int64_t slice = slices_claim(heap, 1);

    if (slice < 0)
        return UINT64_MAX;
    heap->locals[slice] = (struct local){0};
    __atomic_store_n(&heap->states[slice], state_of(KIND_SLAB, heap->me, class), __ATOMIC_RELEASE);
    return (uint64_t)slice;
}

/* Have the bin a slab that has not been looked at to the end. False if there is none. */
static bool next_slab(struct loam_shared *heap, unsigned class)
{
    uint64_t slice = take_listed(heap, class);

    if (slice == UINT64_MAX)
        slice = look_around(heap, class);
    if (slice == UINT64_MAX)
        slice = fresh_slab(heap, class);
    if (slice == UINT64_MAX)
        slice = take_listed(heap, class); /* that has been found to have room meanwhile */
    if (slice == UINT64_MAX)
        return false;
    use(heap, class, slice);
    return true;
}

/* --- blocks --- */

static NOINLINE bool refill(struct loam_shared *heap, unsigned class)
{
    struct bin *bin = &heap->bins[class];

    if (bin->record && __atomic_load_n(&bin->record->noted, __ATOMIC_RELAXED)) {
        reclaim(heap, bin->slice, &classes[class]);
        bin->word = 0;
        return true;
    }
    if (next_slab(heap, class)) {
        reclaim(heap, bin->slice, &classes[class]);
        return true;
    }
    errno = ENOMEM;
    return false;
}

void *slab_alloc(struct loam_shared *heap, unsigned number)
{
    const struct class *class = &classes[number];
    struct bin *bin = &heap->bins[number];

    for (;;) {
        struct record *record = bin->record;
        for (uint32_t w = bin->word; record && w < class->words; w++) {
            uint64_t used = __atomic_load_n(&record->used[w], __ATOMIC_RELAXED), free = ~used & class_bits(class, w);
            bin->word = w;
            if (!free)
                continue;
            unsigned index = w * WORD_BITS + lowest_bit(free);
            __atomic_store_n(&record->tags[index], (uint16_t)heap->me, __ATOMIC_RELEASE);
            __atomic_store_n(&record->used[w], used | (free & -free), __ATOMIC_RELEASE);
            heap->locals[bin->slice].count++;
            return bin->blocks + (size_t)index * class->size;
        }
        if (!refill(heap, number))
            return NULL;
    }
}

static void free_own(struct loam_shared *heap, const struct block *block)
{
    uint32_t w = block->index / WORD_BITS;
    uint64_t bit = 1ull << block->index % WORD_BITS;
    unsigned class = (unsigned)state_value(block->state);
    struct local *local = &heap->locals[block->slice];
    struct bin *bin = &heap->bins[class];

    __atomic_store_n(&block->record->used[w], block->record->used[w] & ~bit, __ATOMIC_RELEASE);
    local->count--;
    if (bin->record == block->record)
        bin->word = w < bin->word ? w : bin->word;
    else if (local->count == 0)
        release(heap, class, block->slice);
    else
        list(heap, class, block->slice);
}

static void free_of_another(const struct block *block)
{
    uint64_t bit = 1ull << block->index % WORD_BITS;

    __atomic_fetch_or(&block->record->returned[block->index / WORD_BITS], bit, __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&block->record->noted, __ATOMIC_SEQ_CST))
        __atomic_store_n(&block->record->noted, 1, __ATOMIC_SEQ_CST);
}

void slab_free(struct loam_shared *heap, const struct block *block)
{
    if (state_is_slab_of(block->state, heap->me))
        free_own(heap, block);
    else
        free_of_another(block);
}
