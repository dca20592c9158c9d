/*
 * participant.c - who takes part, and what becomes of what the dead held.
 *
 * A participant locks one byte of the file, that of its number, by an open file description of its own. The kernel
 * gives the lock up when the process ends, however it does; so whoever then gets the lock knows that it has died, and
 * is the only one to know. It frees what the dead held, while it has the lock; should it die meanwhile, the lock is
 * free again, and the next one does what is left: each step leaves the heap such that all of it may be done again.
 *
 * (The usual way, a robust mutex in shared memory, is a thread's and not a process's, and has the C library follow
 * pointers that others may write to.)
 *
 * Order: first what the dead was about to do to a cell, for that says who holds the block; then slices that it was
 * claiming; then its blocks; then its slabs. `joined` is cleared last.
 *
 * Source: fcntl(2), "Open file description locks".
 */
#include "shared/shared.h"

#include "sys/file.h"
#include "sys/sys.h"

#include <errno.h>

bool participant_is_joined(const struct loam_shared *heap, unsigned number)
{
    return number > 0 && number <= PARTICIPANTS &&
           __atomic_load_n(&participant_of(heap, number)->joined, __ATOMIC_ACQUIRE) != 0;
}

/* --- what it was doing to slices --- */

/* How many slices behind a head that is claimed belong to its run. */
static uint64_t run_length(const struct loam_shared *heap, uint64_t head, unsigned number)
{
    uint64_t i = head + 1;

    while (i < heap->slices && (state_load(heap, i) == state_of(KIND_CLAIMED, number, head) ||
                                state_load(heap, i) == state_of(KIND_BODY, 0, head)))
        i++;
    return i - head;
}

/* The run's head has become a block before its body was one. */
static bool is_body(const struct loam_shared *heap, uint64_t slice, uint64_t head)
{
    state_t state = head < slice ? state_load(heap, head) : 0;
    return state_kind(state) == KIND_LARGE && slice - head < state_value(state);
}

static void settle_slice(struct loam_shared *heap, uint64_t slice, unsigned number)
{
    state_t state = state_load(heap, slice);
    uint64_t head = state_value(state);

    if (state == state_of(KIND_SETTLING, number, 0))
        slice_void(heap, slice, state);
    else if (state == state_of(KIND_CLAIMED, number, slice))
        slices_undo(heap, slice, run_length(heap, slice, number), number);
    else if (state_kind(state) == KIND_CLAIMED && state_participant(state) == number && is_body(heap, slice, head))
        state_change(heap, slice, state, state_of(KIND_BODY, 0, head));
}

/* --- what it held --- */

static void free_if_held(struct loam_shared *heap, const struct block *block, unsigned number)
{
    if (tag_change(block_tag(block), number, heap->me | FREEING) ||
        tag_change(block_tag(block), number | FREEING, heap->me | FREEING))
        block_free(heap, block);
}

/* Blocks of one word of a slab. */
static void free_held_of_word(struct loam_shared *heap, struct block *block, const struct class *class, uint32_t w,
                              unsigned number)
{
    uint64_t returned = __atomic_load_n(&block->record->returned[w], __ATOMIC_ACQUIRE);
    uint64_t live = __atomic_load_n(&block->record->used[w], __ATOMIC_ACQUIRE) & ~returned;

    if (returned) /* it may have died before it noted that */
        __atomic_store_n(&block->record->noted, 1, __ATOMIC_SEQ_CST);
    for (live &= class_bits(class, w); live; live &= live - 1) {
        block->index = w * WORD_BITS + lowest_bit(live);
        if (tag_holder(tag_load(block_tag(block))) == number)
            free_if_held(heap, block, number);
    }
}

static void free_held_of_slice(struct loam_shared *heap, uint64_t slice, unsigned number)
{
    struct block block = {.slice = slice, .state = state_load(heap, slice), .record = record_of(heap, slice)};
    unsigned kind = state_kind(block.state);
    uint64_t value = state_value(block.state);

    if (kind == KIND_LARGE && value > 0 && value <= heap->slices - slice &&
        tag_holder(tag_load(block_tag(&block))) == number)
        free_if_held(heap, &block, number);
    if (kind != KIND_SLAB || value >= CLASSES)
        return;
    for (uint32_t w = 0; w < classes[value].words; w++)
        free_held_of_word(heap, &block, &classes[value], w, number);
}

/* --- what it owned --- */

static void take_slabs(struct loam_shared *heap, unsigned number)
{
    uint64_t high = slices_high(heap);

    for (uint64_t i = 0; i < high; i++) {
        state_t state = state_load(heap, i);
        if (state_is_slab_of(state, number))
            slab_adopt(heap, i, state);
    }
}

/* The number's lock is held, and so is what belongs to it. */
static void free_held(struct loam_shared *heap, unsigned number)
{
    uint64_t high = slices_high(heap);

    for (uint64_t i = 0; i < high; i++)
        free_held_of_slice(heap, i, number);
}

/* The number's lock is held, by this participant. */
static void recover(struct loam_shared *heap, unsigned number)
{
    uint64_t high = slices_high(heap);

    cell_resolve(heap, number);
    for (uint64_t i = 0; i < high; i++)
        settle_slice(heap, i, number);
    take_slabs(heap, number);
    free_held(heap, number);
}

/* --- coming and going --- */

/* Its number is ours now, if it is not another's. A number that a dead one had is taken over with all that is its. */
static int take_number(struct loam_shared *heap, unsigned number)
{
    int error = sys_lock_byte(heap->locks, number, false);

    if (error)
        return error;
    heap->me = number;
    if (participant_is_joined(heap, number))
        recover(heap, number);
    __atomic_store_n(&participant_of(heap, number)->pid, (uint32_t)sys_pid(), __ATOMIC_RELAXED);
    __atomic_store_n(&participant_of(heap, number)->joined, 1, __ATOMIC_RELEASE);
    return 0;
}

int participant_join(struct loam_shared *heap)
{
    for (unsigned number = 1; number <= PARTICIPANTS; number++) {
        int error = take_number(heap, number);
        if (error != -EAGAIN)
            return error;
    }
    return -EUSERS;
}

void participant_leave(struct loam_shared *heap)
{
    uint64_t high = slices_high(heap);

    free_held(heap, heap->me);
    for (uint64_t i = 0; i < high; i++) {
        state_t state = state_load(heap, i);
        if (state_is_slab_of(state, heap->me))
            slab_leave(heap, i, (unsigned)state_value(state));
    }
    __atomic_store_n(&participant_of(heap, heap->me)->joined, 0, __ATOMIC_RELEASE);
    sys_unlock_byte(heap->locks, heap->me);
    heap->me = 0;
}

/* --- the dead --- */

bool participant_recover(struct loam_shared *heap, unsigned number)
{
    if (number == heap->me || !participant_is_joined(heap, number) || sys_lock_byte(heap->locks, number, false) < 0)
        return false;
    bool dead = participant_is_joined(heap, number); /* else another one has recovered it meanwhile */
    if (dead) {
        recover(heap, number);
        __atomic_store_n(&participant_of(heap, number)->joined, 0, __ATOMIC_RELEASE);
    }
    sys_unlock_byte(heap->locks, number);
    return dead;
}

unsigned participants_recover(struct loam_shared *heap)
{
    unsigned count = 0;

    for (unsigned number = 1; number <= PARTICIPANTS; number++)
        count += participant_recover(heap, number);
    return count;
}

bool participant_is_dead(const struct loam_shared *heap, unsigned number)
{
    return number != heap->me && participant_is_joined(heap, number) && sys_byte_is_free(heap->locks, number);
}
