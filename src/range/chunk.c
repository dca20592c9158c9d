/*
 * chunk.c - which slices are free: find runs, take them, give them back.
 *
 * A chunk's 32 slices are the bits of a word, so a run inside a chunk is found by shifting that word
 * against itself. Chunks are listed by their longest free run; a run of n slices is looked for in the
 * chunks with the shortest one that is long enough: first over dirty slices, whose memory is there already, then
 * anywhere; of several, in the lowest. So chunks fill up densely, and those that empty stay whole for large runs and
 * for the kernel. A run of more than 32 slices takes the first place that fits.
 *
 * Invariant: chunk.longest is the longest run of ones in chunk.free, and the chunk is in that list;
 * ranges.dirty_slices counts the bits of free & dirty.
 * Locking: the range lock.
 */
#include "range/grow.h"
#include "range/range.h"
#include "sys/sys.h"

#include <errno.h>

enum { CANDIDATES = 8 }; /* chunks of one list to look at */

static uint32_t slice_mask(size_t first, size_t count)
{
    return (uint32_t)(low_bits((unsigned)count) << first);
}

/* Bit i is left set where `count` ones start at bit i. */
static uint32_t run_starts(uint32_t ones, size_t count)
{
    size_t have = 1;

    while (have < count) {
        size_t step = min_size(have, count - have);
        ones &= ones >> step;
        have += step;
    }
    return ones;
}

/* Runs of n and of a power of two right behind them make longer ones: the length's bits, from the highest. */
static unsigned longest_run(uint32_t ones)
{
    uint32_t powers[5]; /* starts of runs of 1, 2, 4, 8, 16 */
    uint32_t starts = UINT32_MAX;
    unsigned n = 0;

    if (ones == UINT32_MAX)
        return CHUNK_SLICES;
    powers[0] = ones;
    for (unsigned i = 1; i < LENGTH(powers); i++)
        powers[i] = powers[i - 1] & powers[i - 1] >> (1u << (i - 1));
    for (unsigned i = LENGTH(powers); i-- > 0;) {
        uint32_t longer = starts & powers[i] >> n;
        if (longer) {
            starts = longer;
            n += 1u << i;
        }
    }
    return n;
}

void chunk_list(struct range *range, uint32_t index)
{
    struct chunk *chunk = &range->chunks[index];
    unsigned n = longest_run(chunk->free);
    uint32_t head = range->lists[n];

    chunk->longest = (uint8_t)n;
    chunk->prev = NO_CHUNK;
    chunk->next = head;
    if (head != NO_CHUNK)
        range->chunks[head].prev = index;
    range->lists[n] = index;
    range->listed |= 1ull << n;
}

void chunk_unlist(struct range *range, uint32_t index)
{
    struct chunk *chunk = &range->chunks[index];
    unsigned n = chunk->longest;

    if (chunk->next != NO_CHUNK)
        range->chunks[chunk->next].prev = chunk->prev;
    if (chunk->prev != NO_CHUNK)
        range->chunks[chunk->prev].next = chunk->next;
    else
        range->lists[n] = chunk->next;
    if (range->lists[n] == NO_CHUNK)
        range->listed &= ~(1ull << n);
}

/* The lock is held; others may read the number without it. */
static void count_dirty(size_t more)
{
    __atomic_store_n(&ranges.dirty_slices, ranges.dirty_slices + more, __ATOMIC_RELAXED);
}

static void claim_in_chunk(struct range *range, uint32_t index, uint32_t mask)
{
    struct chunk *chunk = &range->chunks[index];

    assert((chunk->free & mask) == mask);
    chunk_unlist(range, index);
    count_dirty(-(size_t)count_bits(chunk->dirty & mask));
    chunk->free &= ~mask;
    chunk->dirty &= ~mask;
    chunk_list(range, index);
}

static void release_in_chunk(struct range *range, uint32_t index, uint32_t mask, bool dirty)
{
    struct chunk *chunk = &range->chunks[index];

    CHECK((chunk->free & mask) == 0);
    chunk_unlist(range, index);
    chunk->free |= mask;
    if (dirty) {
        chunk->dirty |= mask;
        chunk->aged &= ~mask;
        count_dirty(count_bits(mask));
    }
    chunk_list(range, index);
}

/* The part of the slices first..end that lies in the chunk of `first`, as a mask. */
static uint32_t mask_here(size_t first, size_t end)
{
    size_t in_chunk = first % CHUNK_SLICES;
    return slice_mask(in_chunk, min_size(CHUNK_SLICES - in_chunk, end - first));
}

static size_t next_chunk(size_t slice)
{
    return (slice / CHUNK_SLICES + 1) * CHUNK_SLICES;
}

void slices_claim(struct range *range, size_t slice, size_t count)
{
    for (size_t at = slice, end = slice + count; at < end; at = next_chunk(at))
        claim_in_chunk(range, (uint32_t)(at / CHUNK_SLICES), mask_here(at, end));
}

void slices_release(struct range *range, size_t slice, size_t count, bool dirty)
{
    for (size_t at = slice, end = slice + count; at < end; at = next_chunk(at))
        release_in_chunk(range, (uint32_t)(at / CHUNK_SLICES), mask_here(at, end), dirty);
}

static bool all_free(const struct range *range, size_t slice, size_t count)
{
    for (size_t at = slice, end = slice + count; at < end; at = next_chunk(at)) {
        uint32_t mask = mask_here(at, end);
        if ((range->chunks[at / CHUNK_SLICES].free & mask) != mask)
            return false;
    }
    return true;
}

static bool all_clean(const struct range *range, size_t slice, size_t count)
{
    for (size_t at = slice, end = slice + count; at < end; at = next_chunk(at))
        if (range->chunks[at / CHUNK_SLICES].dirty & mask_here(at, end))
            return false;
    return true;
}

/* Bits at multiples of `align`. */
static uint32_t aligned_bits(size_t align)
{
    static const uint32_t bits[] = {0xffffffff, 0x55555555, 0x11111111, 0x01010101, 0x00010001, 0x00000001};
    return bits[floor_log2(align)];
}

/* Where a run of free slices starts in the chunk, all of them dirty if `warm`. -1: nowhere. */
static int place_in_chunk(const struct chunk *chunk, size_t count, size_t align, bool warm)
{
    uint32_t slices = warm ? chunk->free & chunk->dirty : chunk->free;
    uint32_t starts = run_starts(slices, count) & aligned_bits(align);

    return starts ? __builtin_ctz(starts) : -1;
}

/* The lowest such run in the first chunks of the list that starts at `index`. Returns its first slice, or -1. */
static intptr_t find_in_list(const struct range *range, uint32_t index, size_t count, size_t align, bool warm)
{
    intptr_t lowest = -1;

    for (int i = 0; i < CANDIDATES && index != NO_CHUNK; i++, index = range->chunks[index].next) {
        int place = place_in_chunk(&range->chunks[index], count, align, warm);
        intptr_t slice = (intptr_t)index * CHUNK_SLICES + place;
        if (place >= 0 && (lowest < 0 || slice < lowest))
            lowest = slice;
    }
    return lowest;
}

/* A run inside one chunk. Returns its first slice, or -1. */
static intptr_t find_small(const struct range *range, size_t count, size_t align, bool warm)
{
    for (uint64_t lists = range->listed >> count << count; lists; lists &= lists - 1) {
        intptr_t slice = find_in_list(range, range->lists[lowest_bit(lists)], count, align, warm);
        if (slice >= 0)
            return slice;
    }
    return -1;
}

/* Slices free at the lower and at the upper end of a chunk that is not wholly free. */
static size_t free_head(uint32_t free)
{
    return (size_t)__builtin_ctz(~free);
}

static size_t free_tail(uint32_t free)
{
    return (size_t)__builtin_clz(~free);
}

/* The first slice from `slice` on whose address is a multiple of `align` slices. */
static size_t align_slice(const struct range *range, size_t slice, size_t align)
{
    return align_up((range->base >> SLICE_SHIFT) + slice, align) - (range->base >> SLICE_SHIFT);
}

/*
 * A run that reaches over chunks: the first place that fits, since low addresses are the ones in use. It may start
 * and end inside a chunk. Returns its first slice, or -1.
 */
static intptr_t find_large(const struct range *range, size_t count, size_t align)
{
    size_t start = 0; /* of the free slices up to the chunk looked at */

    for (size_t i = 0; i < range->committed >> CHUNK_SHIFT; i++) {
        uint32_t free = range->chunks[i].free;
        size_t end = i * CHUNK_SLICES + (free == UINT32_MAX ? CHUNK_SLICES : free_head(free));
        size_t aligned = align_slice(range, start, align);
        if (aligned + count <= end)
            return (intptr_t)aligned;
        if (free != UINT32_MAX)
            start = (i + 1) * CHUNK_SLICES - free_tail(free);
    }
    return -1;
}

size_t chunk_free_below_break(const struct range *range)
{
    size_t i = range->committed >> CHUNK_SHIFT;
    size_t slices = 0;

    while (i > 0 && range->chunks[i - 1].free == UINT32_MAX) {
        i--;
        slices += CHUNK_SLICES;
    }
    return slices + (i > 0 ? free_tail(range->chunks[i - 1].free) : 0);
}

static intptr_t find_in(const struct range *range, size_t count, size_t align, bool warm)
{
    if (count <= CHUNK_SLICES && align <= CHUNK_SLICES)
        return find_small(range, count, align, warm);
    return warm ? -1 : find_large(range, count, align);
}

static bool find_any(size_t count, size_t align, bool warm, struct run *out)
{
    uint32_t n = ranges.count;

    for (uint32_t i = 0; i < n; i++) {
        struct range *range = &ranges.list[i];
        intptr_t slice = find_in(range, count, align, warm);
        if (slice < 0)
            continue;
        *out = (struct run){.range = range, .slice = (size_t)slice, .count = count};
        return true;
    }
    return false;
}

static bool find_warm(size_t count, size_t align, struct run *out)
{
    return ranges.dirty_slices >= count && find_any(count, align, true, out);
}

/* Dirty slices first, since their memory is there already. */
static bool find(size_t count, size_t align, struct run *out)
{
    return find_warm(count, align, out) || find_any(count, align, false, out);
}

static void claim(struct run *run)
{
    run->clean = all_clean(run->range, run->slice, run->count);
    slices_claim(run->range, run->slice, run->count);
}

bool range_take_warm(size_t count, size_t align, struct run *out)
{
    if (__atomic_load_n(&ranges.dirty_slices, __ATOMIC_RELAXED) < count)
        return false;
    lock_take(&ranges.lock);
    bool found = find_warm(count, align, out);
    if (found)
        claim(out);
    lock_give(&ranges.lock);
    return found;
}

int range_take(size_t count, size_t align, struct run *out)
{
    size_t room = align > CHUNK_SLICES ? count + align : count;
    int error = 0;

    lock_take(&ranges.lock);
    while (!find(count, align, out)) {
        error = range_grow_any(room << SLICE_SHIFT);
        if (error)
            break;
    }
    if (!error)
        claim(out);
    lock_give(&ranges.lock);
    return error ? -ENOMEM : 0;
}

int range_take_at(struct range *range, size_t slice, size_t count)
{
    size_t bytes = (slice + count) << SLICE_SHIFT;
    int error = 0;

    lock_take(&ranges.lock);
    size_t committed = range->committed;
    if (bytes > committed) {
        size_t below = (committed >> SLICE_SHIFT) - slice;
        bool reaches = slice <= committed >> SLICE_SHIFT && all_free(range, slice, below);
        error = reaches && range->size >= bytes ? range_grow(range, count << SLICE_SHIFT) : -ENOMEM;
    }
    if (!error && bytes <= range->committed && all_free(range, slice, count))
        slices_claim(range, slice, count);
    else
        error = -ENOMEM;
    lock_give(&ranges.lock);
    return error;
}

void range_give(struct range *range, size_t slice, size_t count, bool clean)
{
    for (size_t i = slice; i < slice + count; i++)
        __atomic_store_n(&range->map[i], 0, __ATOMIC_RELAXED);
    lock_take(&ranges.lock);
    slices_release(range, slice, count, !clean);
    bool too_much = ranges.dirty_slices << SLICE_SHIFT > ranges.trim_threshold;
    lock_give(&ranges.lock);
    if (UNLIKELY(too_much))
        range_trim(ranges.trim_threshold / 2);
}

static void mark_moved(struct range *range, size_t slice, size_t count)
{
    for (size_t i = slice / CHUNK_SLICES; i <= (slice + count - 1) / CHUNK_SLICES; i++)
        range->chunks[i].moved = 1;
}

/* Runs whose pages are moved in split the mapping; the kernel allows 65,530 of them by default. */
enum { MOVES_MAX = 10000 };

int range_move_pages(struct range *from, size_t from_slice, struct range *to, size_t to_slice, size_t count)
{
    lock_take(&ranges.lock);
    bool allowed = ranges.moves < MOVES_MAX && !ranges.kept; /* what pages are moved from is no longer locked */
    if (allowed) {
        ranges.moves++;
        mark_moved(to, to_slice, count);
    }
    lock_give(&ranges.lock);
    if (!allowed)
        return -EAGAIN;
    void *target = range_address(to, to_slice);
    if (sys_move_pages(range_address(from, from_slice), target, count << SLICE_SHIFT) == 0)
        return 0;
    /* The kernel may have unmapped the target before it failed. */
    return sys_remap_fresh(target, count << SLICE_SHIFT) == 0 ? -EAGAIN : -EFAULT;
}

/* The number of faults of one chunk. */
static int check_chunk(const struct range *range, uint32_t index)
{
    const struct chunk *chunk = &range->chunks[index];
    int faults = chunk->longest != longest_run(chunk->free);

    faults += (chunk->dirty & ~chunk->free) != 0;
    for (size_t i = 0; i < CHUNK_SLICES; i++)
        faults += (chunk->free >> i & 1) && range->map[(size_t)index * CHUNK_SLICES + i] != 0;
    return faults;
}

static int check_lists(const struct range *range, size_t chunks)
{
    size_t listed = 0;
    int faults = 0;

    for (unsigned n = 0; n <= CHUNK_SLICES; n++) {
        uint32_t prev = NO_CHUNK;
        for (uint32_t i = range->lists[n]; i != NO_CHUNK && listed <= chunks; prev = i, i = range->chunks[i].next) {
            faults += range->chunks[i].prev != prev || range->chunks[i].longest != n;
            listed++;
        }
        faults += (range->lists[n] != NO_CHUNK) != (range->listed >> n & 1);
    }
    return faults + (listed != chunks);
}

int range_validate(void)
{
    size_t dirty = 0;
    int faults = 0;

    lock_take(&ranges.lock);
    for (uint32_t r = 0; r < ranges.count; r++) {
        const struct range *range = &ranges.list[r];
        size_t chunks = range->committed >> CHUNK_SHIFT;
        for (size_t i = 0; i < chunks; i++) {
            faults += check_chunk(range, (uint32_t)i);
            dirty += count_bits(range->chunks[i].dirty);
        }
        faults += check_lists(range, chunks);
    }
    faults += dirty != ranges.dirty_slices;
    lock_give(&ranges.lock);
    return faults;
}
