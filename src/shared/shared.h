/*
 * shared.h - an attachment to a shared heap, and what its files share.
 *
 * All that is here is this process's own memory. The public functions take the attachment's lock; what is declared here
 * expects it to be held.
 */
#ifndef LOAM_SHARED_SHARED_H
#define LOAM_SHARED_SHARED_H

#include <loam/shared.h>

#include "shared/format.h"
#include "sys/alone.h"
#include "sys/lock.h"

/* What the owner of a slab knows of it; lost with the process, and found anew from the record. */
struct local {
    /* Among its class's slabs with room: slice + 1; 0 at either end. */
    uint32_t next, previous;
    bool listed;
    uint16_t count; /* bits in `used` */
};

/* The slab that a class is allocated from. */
struct bin {
    struct record *record; /* NULL: none */
    char *blocks;
    uint32_t slice;
    uint32_t word;   /* where free bits may be; none are below */
    uint32_t listed; /* other slabs with room: slice + 1 */
    uint32_t cursor; /* where the search for more begins */
};

struct loam_shared {
    struct lock lock;
    int fd;      /* the file's; others may be given it */
    int locks;   /* an open file description that nobody else has: its locks are this participant; -1: none */
    unsigned me; /* participant; 0 after a fork, until the child takes part, and while watching */
    bool watching;
    bool single; /* the lock is not taken, as there is one thread */

    char *base;
    size_t size; /* bytes mapped */
    struct head *head;
    ATOMIC state_t *states;
    char *records, *blocks;
    uint64_t slices;
    ATOMIC uint64_t there; /* slices that the file is known to have; only rises, as the file does */

    uint64_t free_hint;   /* no slice below it is free, unless another freed it */
    struct local *locals; /* by slice */
    struct bin bins[CLASSES];

    struct loam_shared *next; /* of this process's attachments */
};

/* --- places --- */

INLINE struct record *record_of(const struct loam_shared *heap, uint64_t slice)
{
    return (struct record *)(heap->records + slice * RECORD);
}

INLINE char *slice_start(const struct loam_shared *heap, uint64_t slice)
{
    return heap->blocks + slice * SLICE;
}

/* Look how long the file is, and whether it has that slice. (segment.c) */
HIDDEN bool slice_look(const struct loam_shared *heap, uint64_t slice);

/* Whether a slice is in the file: what is mapped behind its end is a fault when it is touched. */
INLINE bool slice_is_there(const struct loam_shared *heap, uint64_t slice)
{
    return LIKELY(slice < __atomic_load_n(&heap->there, __ATOMIC_RELAXED)) || slice_look(heap, slice);
}

/* What the file says, whatever that is. */
INLINE state_t state_read(const struct loam_shared *heap, uint64_t slice)
{
    return __atomic_load_n(&heap->states[slice], __ATOMIC_ACQUIRE);
}

/* The same; but what is said to have memory is VOID if it is not in the file. */
INLINE state_t state_load(const struct loam_shared *heap, uint64_t slice)
{
    state_t state = state_read(heap, slice);
    bool has_none = state == 0 || state_kind(state) == KIND_SETTLING;

    return has_none || slice_is_there(heap, slice) ? state : state_of(KIND_VOID, 0, 0);
}

INLINE bool state_change(struct loam_shared *heap, uint64_t slice, state_t from, state_t to)
{
    return __atomic_compare_exchange_n(&heap->states[slice], &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* Slices that have been used at some time; what the file says is not trusted. */
INLINE uint64_t slices_high(const struct loam_shared *heap)
{
    return min_size(__atomic_load_n(&heap->head->high, __ATOMIC_ACQUIRE), heap->slices);
}

INLINE struct participant *participant_of(const struct loam_shared *heap, unsigned number)
{
    return &heap->head->participants[number];
}

/* Of an address in the file; 0 for NULL. */
INLINE uint64_t offset_of(const struct loam_shared *heap, const void *address)
{
    return address ? (uint64_t)((const char *)address - heap->base) : 0;
}

/* --- classes (class.c) --- */

struct class
{
    uint32_t size;    /* bytes */
    uint32_t inverse; /* 2^32 / size, rounded up */
    uint16_t blocks;  /* in a slab */
    uint16_t words;
    uint64_t last; /* bits of the last word that are blocks */
};

extern HIDDEN struct class classes[CLASSES];

/* The bits of a word of a slab's that are blocks; w < class->words. */
INLINE uint64_t class_bits(const struct class *class, unsigned w)
{
    return w + 1u == class->words ? class->last : ~0ull;
}

/* Fill the table; once is enough. */
HIDDEN void classes_start(void);

/* For a size of up to BLOCK_MOST. */
INLINE unsigned class_for(size_t size)
{
    if (size <= 128)
        return size <= BLOCK_LEAST ? 0 : (unsigned)((size - 17) / 16);
    unsigned shift = floor_log2(size - 1) - 2;
    return 7 + 4 * (shift - 5) + (unsigned)((size - 1) >> shift) - 4;
}

/* --- blocks --- */

/* A block in use, as the records say; all that is in it has been checked. */
struct block {
    uint64_t slice;
    state_t state; /* of the slice: a slab's, or the head of a run */
    struct record *record;
    uint32_t index;
    size_t size; /* bytes */
};

INLINE bool block_find_in_slab(struct block *block, size_t within)
{
    uint64_t number = state_value(block->state);

    if (number >= CLASSES)
        return false;
    const struct class *class = &classes[number];
    block->index = (uint32_t)((uint64_t)within * class->inverse >> 32);
    block->size = class->size;
    if (block->index >= class->blocks || (size_t)block->index * class->size != within)
        return false;
    uint32_t w = block->index / WORD_BITS;
    uint64_t bit = 1ull << block->index % WORD_BITS;
    uint64_t returned = __atomic_load_n(&block->record->returned[w], __ATOMIC_ACQUIRE);
    return !(returned & bit) && (__atomic_load_n(&block->record->used[w], __ATOMIC_ACQUIRE) & bit);
}

INLINE bool block_find_large(const struct loam_shared *heap, struct block *block, size_t within)
{
    uint64_t count = state_value(block->state);

    block->index = 0;
    block->size = count * SLICE;
    return within == 0 && count > 0 && count <= heap->slices - block->slice &&
           slice_is_there(heap, block->slice + count - 1);
}

/*
 * Whether an address is the start of a block in use. What the records say is checked, and read in the order that
 * format.h gives.
 */
INLINE bool block_find(const struct loam_shared *heap, const void *address, struct block *out)
{
    uint64_t offset = (uint64_t)((const char *)address - heap->blocks);

    if (offset >= heap->slices * SLICE)
        return false;
    out->slice = offset >> SLICE_SHIFT;
    out->state = state_load(heap, out->slice);
    out->record = record_of(heap, out->slice);
    if (state_kind(out->state) == KIND_SLAB)
        return block_find_in_slab(out, offset % SLICE);
    return state_kind(out->state) == KIND_LARGE && block_find_large(heap, out, offset % SLICE);
}

/* The same of an offset in the file, which may be any number. */
HIDDEN bool block_at(const struct loam_shared *heap, uint64_t offset, struct block *out);

INLINE ATOMIC uint16_t *block_tag(const struct block *block)
{
    return &block->record->tags[block->index];
}

INLINE unsigned tag_load(ATOMIC uint16_t *tag)
{
    return __atomic_load_n(tag, __ATOMIC_ACQUIRE);
}

INLINE bool tag_change(ATOMIC uint16_t *tag, unsigned from, unsigned to)
{
    uint16_t expected = (uint16_t)from;
    return __atomic_compare_exchange_n(tag, &expected, (uint16_t)to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* Free a block whose tag is this participant's. */
HIDDEN void block_free(struct loam_shared *heap, const struct block *block);

/* --- slices (slice.c) --- */

/* Claim `count` slices that lie side by side, with memory behind them. Returns the first; -ENOMEM or -ENOSPC. */
HIDDEN int64_t slices_claim(struct loam_shared *heap, uint64_t count);

/* Claimed ones become free, from the last to the first. */
HIDDEN void slices_release(struct loam_shared *heap, uint64_t first, uint64_t count);

/* Of a run whose head is claimed by `participant`: make what of its `count` slices is that one's free, the head last.
 */
HIDDEN void slices_undo(struct loam_shared *heap, uint64_t head, uint64_t count, unsigned participant);

/* A slice that one who has died was settling is VOID, without memory. */
HIDDEN void slice_void(struct loam_shared *heap, uint64_t slice, state_t settling);

/* Free slices lose their memory. Returns how many. */
HIDDEN uint64_t slices_trim(struct loam_shared *heap);

/* --- small blocks (slab.c) --- */

HIDDEN void *slab_alloc(struct loam_shared *heap, unsigned class);
HIDDEN void slab_free(struct loam_shared *heap, const struct block *block);

/* Own a slab that was another's, whose state was `state`; it is listed, or released. False if it is so no more. */
HIDDEN bool slab_adopt(struct loam_shared *heap, uint64_t slice, state_t state);

/* Let go of a slab that is this participant's: it is nobody's then, or free. */
HIDDEN void slab_leave(struct loam_shared *heap, uint64_t slice, unsigned class);

/* Release every slab that has no block in use any more, of this participant's or nobody's. Returns how many. */
HIDDEN uint64_t slab_collect(struct loam_shared *heap);

/* Forget what was known of slabs. */
HIDDEN void slab_forget(struct loam_shared *heap);

/* --- large blocks (large.c) --- */

HIDDEN void *large_alloc(struct loam_shared *heap, size_t size);
HIDDEN void large_free(struct loam_shared *heap, uint64_t slice, uint64_t count);

/* --- participants (participant.c) --- */

/* Take part. Returns 0, or -EUSERS, or -errno of fcntl(2). */
HIDDEN int participant_join(struct loam_shared *heap);

/* Free what is held, and leave. */
HIDDEN void participant_leave(struct loam_shared *heap);

/* If that participant has died, free what it held. False if it lives. */
HIDDEN bool participant_recover(struct loam_shared *heap, unsigned number);

/* The same of all. Returns how many had died. */
HIDDEN unsigned participants_recover(struct loam_shared *heap);

/* Whether a number, which may be any, is one that takes part. */
HIDDEN bool participant_is_joined(const struct loam_shared *heap, unsigned number);

/* Whether it takes part and has died: it is not changed. */
HIDDEN bool participant_is_dead(const struct loam_shared *heap, unsigned number);

/* --- cells (cell.c) --- */

/* What a dead participant was about to do to a cell is undone or done. */
HIDDEN void cell_resolve(struct loam_shared *heap, unsigned number);

/* The word of a cell in the file, or NULL. */
HIDDEN ATOMIC uint64_t *cell_at(const struct loam_shared *heap, uint64_t offset);

/* --- the file (segment.c) --- */

/* Map a file that is a heap's, to take part or to watch. `fd` is the attachment's from then on; it is closed on error.
 */
HIDDEN int segment_attach(int fd, bool watching, struct loam_shared **out);
HIDDEN void segment_detach(struct loam_shared *heap);

/* The same; and take part, and remember the attachment for forks (shared.c). */
HIDDEN int shared_attach(int fd, bool watching, struct loam_shared **out);

/* --- entering --- */

/* The lock is held, and this is no participant: be one again after a fork. On error the lock is given up. */
HIDDEN int shared_take_part(struct loam_shared *heap);

/* While the process has one thread the lock is not taken: another cannot come to be before it is given. */
INLINE void shared_lock(struct loam_shared *heap)
{
    if (LIKELY(sys_alone()))
        heap->single = true;
    else
        lock_take(&heap->lock);
}

INLINE void shared_leave(struct loam_shared *heap)
{
    if (LIKELY(heap->single))
        heap->single = false;
    else
        lock_give(&heap->lock);
}

/* Take the lock, and take part. Returns 0 or -errno, without the lock. */
INLINE int shared_enter(struct loam_shared *heap)
{
    shared_lock(heap);
    return LIKELY(heap->me) ? 0 : shared_take_part(heap);
}

#endif
