/*
 * slice.c - slices: claimed, freed, backed with memory, given back.
 *
 * A slice that is VOID has no memory behind it: that is found for it and its record before it is used, so that there
 * being none is an error then, and not a fault later. Whoever does so, or gives memory back, holds it as SETTLING
 * meanwhile; if that one dies, what it has found is given back, and it is VOID. A run is claimed from its head on, and
 * freed towards it: so a head that is CLAIMED says that the run is not whole yet, or not any more, and whoever recovers
 * it frees all of it that is the dead's.
 *
 * Locking: none; each state changes by compare-and-exchange, from what only its holder may change.
 */
#include "shared/shared.h"

#include "sys/file.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

enum {
    BACK_LEAST = 4, /* slices that get memory at once: an eighth of what there is, within these */
    BACK_MOST = 64,
    TURNS = 10000, /* looks at what others are about to free, before there is no memory */
    PIECE = 1 << 20,
};

/* --- memory --- */

/* Piece by piece: before Linux 6.9 any signal has fallocate(2) undo all that the call has done. */
static int allocate(const struct loam_shared *heap, uint64_t offset, uint64_t size)
{
    int error = sys_may_reach(offset + size) ? 0 : -EFBIG;

    for (uint64_t done = 0; done < size && !error; done += PIECE)
        error = sys_allocate(heap->fd, 0, offset + done, min_size(size - done, PIECE));
    return error;
}

static int back(const struct loam_shared *heap, uint64_t first, uint64_t count)
{
    int error = allocate(heap, offset_of(heap, slice_start(heap, first)), count * SLICE);

    return error ? error : allocate(heap, offset_of(heap, record_of(heap, first)), count * RECORD);
}

static int give_back(const struct loam_shared *heap, uint64_t offset, uint64_t size)
{
    return sys_allocate(heap->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size);
}

/* Returns what it was: from there on no slice has been used, nor its record looked at. */
static uint64_t raise_high(struct loam_shared *heap, uint64_t to)
{
    uint64_t high = __atomic_load_n(&heap->head->high, __ATOMIC_RELAXED);

    while (high < to &&
           !__atomic_compare_exchange_n(&heap->head->high, &high, to, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        continue;
    return high;
}

static bool is_settling(const struct loam_shared *heap, uint64_t slice)
{
    return state_load(heap, slice) == state_of(KIND_SETTLING, heap->me, 0);
}

/*
 * The slices that this participant is settling have no memory any more; nor have the records of those past `high`: one
 * that has been used may be looked at by who is late, and a hole would get memory by that, or a fault where there is
 * none.
 */
static void unback(const struct loam_shared *heap, uint64_t first, uint64_t count, uint64_t high)
{
    uint64_t end = first + count, next;

    for (uint64_t i = first; i < end; i = next) {
        next = i + 1;
        if (!is_settling(heap, i))
            continue;
        while (next < end && is_settling(heap, next))
            next++;
        give_back(heap, offset_of(heap, slice_start(heap, i)), (next - i) * SLICE);
        uint64_t fresh = max_size(i, high);
        if (fresh < next)
            give_back(heap, offset_of(heap, record_of(heap, fresh)), (next - fresh) * RECORD);
    }
}

/* Those of the slices that this participant is settling become `kind`. */
static void settle(struct loam_shared *heap, uint64_t first, uint64_t count, enum kind kind)
{
    for (uint64_t i = first; i < first + count; i++)
        state_change(heap, i, state_of(KIND_SETTLING, heap->me, 0), state_of(kind, 0, 0));
}

/* Those of the slices that are VOID become FREE. */
static int make_free(struct loam_shared *heap, uint64_t first, uint64_t count)
{
    uint64_t high = raise_high(heap, first + count);

    for (uint64_t i = first; i < first + count; i++)
        state_change(heap, i, state_of(KIND_VOID, 0, 0), state_of(KIND_SETTLING, heap->me, 0));
    int error = back(heap, first, count);
    if (error)
        unback(heap, first, count, high);
    settle(heap, first, count, error ? KIND_VOID : KIND_FREE);
    return error;
}

/* More than is needed at the end of what is used, so that not each slice costs two calls. */
static int make_free_ahead(struct loam_shared *heap, uint64_t first, uint64_t count)
{
    uint64_t high = slices_high(heap), ahead = max_size(min_size(high / 8, BACK_MOST), BACK_LEAST);

    if (first + count > high && ahead > count && ahead <= heap->slices - first && make_free(heap, first, ahead) == 0)
        return 0;
    return make_free(heap, first, count);
}

void slice_void(struct loam_shared *heap, uint64_t slice, state_t settling)
{
    give_back(heap, offset_of(heap, slice_start(heap, slice)), SLICE);
    state_change(heap, slice, settling, state_of(KIND_VOID, 0, 0));
}

/* --- runs --- */

static bool is_free(state_t state, bool *without_memory)
{
    bool is_void = state == state_of(KIND_VOID, 0, 0);

    *without_memory = *without_memory || is_void;
    return is_void || state == state_of(KIND_FREE, 0, 0);
}

/* Somebody who takes part is about to make it free, or may yet: it is to be looked at again. */
static bool is_between(const struct loam_shared *heap, state_t state)
{
    unsigned kind = state_kind(state);
    return (kind == KIND_SETTLING || kind == KIND_CLAIMED) && participant_is_joined(heap, state_participant(state));
}

/* The first of `count` free slices side by side, from `from` on; the number of slices if there are none. */
static uint64_t find_run(const struct loam_shared *heap, uint64_t from, uint64_t count, bool no_memory,
                         bool *without_memory, bool *busy)
{
    uint64_t length = 0;

    *without_memory = *busy = false;
    for (uint64_t i = from; i < heap->slices; i++) {
        state_t state = state_load(heap, i);
        *busy = *busy || is_between(heap, state);
        if ((no_memory && state_kind(state) == KIND_VOID) || !is_free(state, without_memory)) {
            length = 0;
            *without_memory = false;
        } else if (++length == count) {
            return i + 1 - count;
        }
    }
    return heap->slices;
}

/* All of the run, or none of it. */
static bool claim(struct loam_shared *heap, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (state_change(heap, first + i, state_of(KIND_FREE, 0, 0), state_of(KIND_CLAIMED, heap->me, first)))
            continue;
        slices_release(heap, first, i);
        return false;
    }
    return true;
}

void slices_release(struct loam_shared *heap, uint64_t first, uint64_t count)
{
    while (count--)
        __atomic_store_n(&heap->states[first + count], state_of(KIND_FREE, 0, 0), __ATOMIC_RELEASE);
    heap->free_hint = min_size(heap->free_hint, first);
}

/* Memory for a run that has been found; sooner than that, what the dead have left. Returns 0 or -errno; -EAGAIN: look
 * again. Asked for more than the machine has, the kernel does not refuse: it ends other processes to find it. */
static int provide(struct loam_shared *heap, uint64_t first, uint64_t count)
{
    uint64_t ram = sys_ram();

    if (ram && count * SLICE > ram)
        return -ENOMEM;
    if (participants_recover(heap) > 0)
        return -EAGAIN;
    return make_free_ahead(heap, first, count);
}

int64_t slices_claim(struct loam_shared *heap, uint64_t count)
{
    uint64_t from = heap->free_hint;
    bool without_memory, busy, no_memory = false;
    unsigned turns = 0;

    for (;;) {
        uint64_t first = find_run(heap, from, count, no_memory, &without_memory, &busy);
        if (first == heap->slices) {
            if (from == 0 && participants_recover(heap) == 0 && slab_collect(heap) == 0 && (!busy || ++turns > TURNS))
                return -ENOMEM;
            if (busy)
                sched_yield();
            from = 0;
            continue;
        }
        int error = without_memory ? provide(heap, first, count) : 0;
        if (error && error != -EAGAIN) { /* what has some already may do */
            no_memory = true;
            from = 0;
            continue;
        }
        if (error || !claim(heap, first, count)) {
            from = error ? 0 : first;
            continue;
        }
        if (count == 1)
            heap->free_hint = first + 1;
        return (int64_t)first;
    }
}

void slices_undo(struct loam_shared *heap, uint64_t head, uint64_t count, unsigned participant)
{
    state_t claimed = state_of(KIND_CLAIMED, participant, head), body = state_of(KIND_BODY, 0, head);

    for (uint64_t i = head + count - 1; i > head; i--)
        if (!state_change(heap, i, claimed, state_of(KIND_FREE, 0, 0)))
            state_change(heap, i, body, state_of(KIND_FREE, 0, 0));
    state_change(heap, head, claimed, state_of(KIND_FREE, 0, 0));
}

/* --- giving back --- */

static bool trim(struct loam_shared *heap, uint64_t slice)
{
    if (!state_change(heap, slice, state_of(KIND_FREE, 0, 0), state_of(KIND_SETTLING, heap->me, 0)))
        return false;
    int error = give_back(heap, offset_of(heap, slice_start(heap, slice)), SLICE);
    settle(heap, slice, 1, error ? KIND_FREE : KIND_VOID);
    return !error;
}

uint64_t slices_trim(struct loam_shared *heap)
{
    uint64_t high = slices_high(heap), count = 0;

    slab_collect(heap);
    for (uint64_t i = 0; i < high; i++)
        count += trim(heap, i);
    return count;
}
