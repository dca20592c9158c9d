/*
 * cell.c - blocks go into cells and come out of them, in one step each; see format.h for a cell's word.
 *
 *     publish     note the cell; cell: what was there -> block, mine; tag: me -> all; cell: -> block
 *     take        note the cell; cell: block -> block, mine; tag: all -> me; cell: -> what follows
 *
 * Nobody else changes a cell that is a participant's; it is so for some ten instructions. Others wait, and if it is
 * found dead they recover it first. Wherever it was, if the cell is still its own the block becomes everyone's and
 * stays in the cell: it has been published, or not yet been taken. If the cell is not its own, it had not begun, and
 * holds the block as before; or was done. So recovery needs to know the cell and nothing else.
 */
#include "shared/shared.h"

#include "sys/file.h"
#include "sys/raw.h"

#include <errno.h>
#include <sched.h>

enum { SPINS = 200 };

static void *fail(int error)
{
    errno = error;
    return NULL;
}

ATOMIC uint64_t *cell_at(const struct loam_shared *heap, uint64_t offset)
{
    if (offset % sizeof(uint64_t) || offset > heap->size - sizeof(uint64_t))
        return NULL;
    return (ATOMIC uint64_t *)(heap->base + offset);
}

/* The word of a caller's cell, or NULL if that is not in the heap. */
static ATOMIC uint64_t *word_of(const struct loam_shared *heap, const struct loam_shared_cell *cell)
{
    return cell_at(heap, (uint64_t)((const char *)cell - heap->base));
}

static bool change(ATOMIC uint64_t *word, uint64_t from, uint64_t to)
{
    return __atomic_compare_exchange_n(word, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* --- cells that are a participant's --- */

/* Should this participant die from here on, the cell is looked at. */
static void note(struct loam_shared *heap, const ATOMIC uint64_t *word)
{
    __atomic_store_n(&participant_of(heap, heap->me)->cell, offset_of(heap, (const void *)word), __ATOMIC_RELEASE);
}

static void note_nothing(struct loam_shared *heap)
{
    __atomic_store_n(&participant_of(heap, heap->me)->cell, 0, __ATOMIC_RELEASE);
}

/* If its participant has died, the cell is put right; and so it is if there is none, as in a file that was damaged. */
static void look_after(struct loam_shared *heap, ATOMIC uint64_t *word, uint64_t now)
{
    unsigned participant = cell_participant(now);

    if (participant_recover(heap, participant))
        return;
    if (participant == heap->me || participant > PARTICIPANTS) {
        change(word, now, cell_offset(now));
    } else if (!participant_is_joined(heap, participant) && sys_lock_byte(heap->locks, participant, false) == 0) {
        if (!participant_is_joined(heap, participant)) /* nor is it before the lock is given up */
            change(word, now, cell_offset(now));
        sys_unlock_byte(heap->locks, participant);
    } else {
        sched_yield();
    }
}

/* The offset in a cell that is nobody's. */
static uint64_t wait_for(struct loam_shared *heap, ATOMIC uint64_t *word)
{
    for (unsigned turn = 1;; turn++) {
        uint64_t now = __atomic_load_n(word, __ATOMIC_ACQUIRE);
        if (!cell_participant(now))
            return now;
        if (turn % SPINS)
            raw_pause();
        else
            look_after(heap, word, now);
    }
}

/* --- publish --- */

static int publish(struct loam_shared *heap, ATOMIC uint64_t *word, const struct block *block, uint64_t offset,
                   struct loam_shared_cell *next)
{
    uint64_t now;

    note(heap, word);
    do {
        now = wait_for(heap, word);
        if (now && !next) {
            note_nothing(heap);
            return -EEXIST;
        }
        if (next)
            __atomic_store_n(&next->word, now, __ATOMIC_RELAXED);
    } while (!change(word, now, cell_word(offset, heap->me)));
    tag_change(block_tag(block), heap->me, HELD_BY_ALL);
    __atomic_store_n(word, offset, __ATOMIC_RELEASE);
    note_nothing(heap);
    return 0;
}

/* Whether a cell lies in the block at an address. */
static bool is_in(const struct loam_shared_cell *cell, const void *address, const struct block *block)
{
    uintptr_t at = (uintptr_t)cell - (uintptr_t)address;
    return at % sizeof(uint64_t) == 0 && at <= block->size - sizeof(uint64_t);
}

/* With a block's own cell for what follows: on a stack. */
static int put(struct loam_shared *heap, struct loam_shared_cell *cell, void *address, struct loam_shared_cell *next)
{
    ATOMIC uint64_t *word = word_of(heap, cell);
    struct block block;
    int error = shared_enter(heap);

    if (error)
        return error;
    if (!word || !block_find(heap, address, &block) || (next && !is_in(next, address, &block)))
        error = -EINVAL;
    else if (tag_load(block_tag(&block)) != heap->me)
        error = -EPERM;
    else
        error = publish(heap, word, &block, offset_of(heap, address), next);
    shared_leave(heap);
    return error;
}

PUBLIC int loam_shared_publish(struct loam_shared *heap, struct loam_shared_cell *cell, void *block)
{
    return put(heap, cell, block, NULL);
}

PUBLIC int loam_shared_push(struct loam_shared *heap, struct loam_shared_cell *cell, void *block,
                            struct loam_shared_cell *next)
{
    return next ? put(heap, cell, block, next) : -EINVAL;
}

/* --- take --- */

enum { NO_NEXT = -1 };

/* What follows a block on its stack. */
static uint64_t next_word(const struct loam_shared *heap, uint64_t offset, ptrdiff_t next)
{
    if (next == NO_NEXT)
        return 0;
    return cell_offset(__atomic_load_n(cell_at(heap, offset + (uint64_t)next), __ATOMIC_RELAXED));
}

/* The cell is this participant's. What is in it is no block any more if somebody freed it there. */
static void *take_own(struct loam_shared *heap, ATOMIC uint64_t *word, uint64_t offset, ptrdiff_t next)
{
    struct block block;
    bool found = block_at(heap, offset, &block);

    if (found && next != NO_NEXT && (size_t)next > block.size - sizeof(uint64_t)) {
        __atomic_store_n(word, offset, __ATOMIC_RELEASE);
        return fail(EINVAL);
    }
    bool whole = found && tag_change(block_tag(&block), HELD_BY_ALL, heap->me);
    uint64_t after = whole ? next_word(heap, offset, next) : offset;

    __atomic_store_n(word, after, __ATOMIC_RELEASE);
    return whole ? heap->base + offset : fail(EBADMSG);
}

static void *take(struct loam_shared *heap, ATOMIC uint64_t *word, ptrdiff_t next)
{
    uint64_t offset;

    note(heap, word);
    do {
        offset = wait_for(heap, word);
    } while (offset && !change(word, offset, cell_word(offset, heap->me)));
    void *result = offset ? take_own(heap, word, offset, next) : fail(ENOENT);
    note_nothing(heap);
    return result;
}

static void *enter_and_take(struct loam_shared *heap, struct loam_shared_cell *cell, ptrdiff_t next)
{
    ATOMIC uint64_t *word = word_of(heap, cell);
    int error = word ? shared_enter(heap) : -EINVAL;

    if (error)
        return fail(-error);
    void *result = take(heap, word, next);
    shared_leave(heap);
    return result;
}

PUBLIC void *loam_shared_take(struct loam_shared *heap, struct loam_shared_cell *cell)
{
    return enter_and_take(heap, cell, NO_NEXT);
}

PUBLIC void *loam_shared_pop(struct loam_shared *heap, struct loam_shared_cell *cell, size_t next)
{
    return next > PTRDIFF_MAX || next % sizeof(uint64_t) ? fail(EINVAL) : enter_and_take(heap, cell, (ptrdiff_t)next);
}

PUBLIC void *loam_shared_peek(struct loam_shared *heap, const struct loam_shared_cell *cell)
{
    ATOMIC uint64_t *word = word_of(heap, cell);
    struct block block;
    uint64_t offset = word ? cell_offset(__atomic_load_n(word, __ATOMIC_ACQUIRE)) : 0;

    return block_at(heap, offset, &block) ? heap->base + offset : NULL;
}

/* --- recovery --- */

/* Whether an offset is a root's or in a block, so that it can be touched. */
static bool has_memory(const struct loam_shared *heap, uint64_t offset)
{
    uint64_t first = offset_of(heap, heap->blocks), roots = offset_of(heap, heap->head->roots);

    if (offset < first)
        return offset >= roots && offset < sizeof(struct head);
    if (offset >= heap->size)
        return false;
    unsigned kind = state_kind(state_load(heap, (offset - first) >> SLICE_SHIFT));
    return kind == KIND_SLAB || kind == KIND_LARGE || kind == KIND_BODY;
}

void cell_resolve(struct loam_shared *heap, unsigned number)
{
    uint64_t cell = __atomic_load_n(&participant_of(heap, number)->cell, __ATOMIC_ACQUIRE);
    ATOMIC uint64_t *word = has_memory(heap, cell) ? cell_at(heap, cell) : NULL;
    uint64_t now = word ? __atomic_load_n(word, __ATOMIC_ACQUIRE) : 0;
    struct block block;

    /* If what it names is no block, the cell may have been freed, and hold another's data. */
    if (word && cell_participant(now) == number && block_at(heap, cell_offset(now), &block)) {
        tag_change(block_tag(&block), number, HELD_BY_ALL);
        change(word, now, cell_offset(now));
    }
    __atomic_store_n(&participant_of(heap, number)->cell, 0, __ATOMIC_RELEASE);
}
