/*
 * range.c - reserve ranges, and move their breaks.
 *
 * Invariant: every slice at or above the break is inaccessible, and has no metadata that anyone reads.
 * The break only rises. Metadata is committed some way ahead of it.
 * Locking: the range lock. `committed` is stored after the metadata below it is ready, and `count` after
 * the range is, both with release order; readers load them with acquire order.
 * Source: mmap(2), brk(2), mprotect(2).
 */
#include "range/range.h"

#include "base/report.h"
#include "range/grow.h"
#include "range/meta.h"
#include "sys/memory.h"
#include "sys/sys.h"

#include <errno.h>
#include <sys/resource.h>

#define DEFAULT_SIZE (64 * GIB)
#define LEAST_SIZE   (2 * CHUNK_SIZE)
#define LIMIT_SHARE  16                /* part of RLIMIT_AS that one range may reserve */
#define DESCRIBE     (64 * CHUNK_SIZE) /* metadata is committed for this much at a time */
#define STEPS_MAX    8                 /* chunks that the break rises by at once, at most */

struct range_set ranges;

static size_t power_of_two_above(size_t value)
{
    return value <= 1 ? 1 : (size_t)1 << (floor_log2(value - 1) + 1);
}

/* Four times the memory there is: fragmentation of addresses never matters then. */
static size_t first_size(void)
{
    uint64_t ram = sys_ram();
    uint64_t limit = sys_address_limit();
    size_t size = ram ? power_of_two_above(ram) * 4 : DEFAULT_SIZE;

    if (limit != UINT64_MAX)
        size = min_size(size, power_of_two_above(limit / LIMIT_SHARE + 1));
    return max_size(size, LEAST_SIZE);
}

void range_start(const struct source *source, uint64_t purge_ms, bool huge_pages)
{
    ranges.source = source;
    ranges.huge_pages = huge_pages;
    ranges.purge_ms = purge_ms;
    ranges.purging = true;
    ranges.trim_threshold = SIZE_MAX;
    ranges.first_size = first_size();
}

void range_keep(bool locking)
{
    ranges.kept = true;
    ranges.locking = locking;
    ranges.purging = false;
}

static void tell_refusal(int error)
{
    char buffer[256];
    struct text text;

    text_init(&text, buffer, sizeof(buffer));
    text_format(&text,
                "loam: cannot lock more of the heap: mlock fails with error %d, RLIMIT_MEMLOCK is %u KiB (ulimit -l); "
                "what it grows by from now on is not locked.\n",
                -error, sys_limit(RLIMIT_MEMLOCK) / KIB);
    report_write(&text);
}

void range_lock_more(const void *address, size_t size)
{
    if (LIKELY(!__atomic_load_n(&ranges.locking, __ATOMIC_RELAXED)))
        return;
    int error = sys_lock(address, size, false);
    if (error && __atomic_exchange_n(&ranges.locking, false, __ATOMIC_RELAXED)) {
        __atomic_store_n(&ranges.purging, true, __ATOMIC_RELAXED); /* of what is locked the kernel takes none */
        tell_refusal(error);
    }
}

/* The metadata of a range: three arrays in one reservation, with guard pages around each. */
struct layout {
    size_t map, chunks, records; /* offsets */
    size_t total;
};

static struct layout lay_out(size_t size)
{
    size_t slices = size >> SLICE_SHIFT;
    struct layout at;

    at.map = PAGE_SIZE;
    at.chunks = at.map + align_up(slices * sizeof(uint16_t), PAGE_SIZE) + PAGE_SIZE;
    at.records = at.chunks + align_up((size >> CHUNK_SHIFT) * sizeof(struct chunk), PAGE_SIZE) + PAGE_SIZE;
    at.total = at.records + slices * RANGE_RECORD + PAGE_SIZE;
    return at;
}

/* Fill *out, which has never been used: all that is not set is 0. */
static int reserve_range(const struct source *source, size_t size, struct range *out)
{
    struct layout at = lay_out(size);
    intptr_t metadata = sys_reserve(at.total);

    if (metadata < 0)
        return (int)metadata;
    intptr_t base = source->reserve(&size);
    if (base < 0) {
        sys_unmap((void *)metadata, at.total);
        return (int)base;
    }
    __atomic_store_n(&out->base, (uintptr_t)base, __ATOMIC_RELAXED);
    out->size = size;
    out->map = (uint16_t *)(metadata + (intptr_t)at.map);
    out->chunks = (struct chunk *)(metadata + (intptr_t)at.chunks);
    out->records = (unsigned char *)(metadata + (intptr_t)at.records);
    out->source = source;
    for (size_t i = 0; i < LENGTH(out->lists); i++)
        out->lists[i] = NO_CHUNK;
    return 0;
}

/* One more range, of at least `need` bytes; where the kernel refuses, halve. The lock is held. */
static int add_range(size_t need)
{
    uint32_t count = ranges.count;
    const struct source *source = count == 0 ? ranges.source : &source_mmap;
    size_t least = max_size(LEAST_SIZE, align_up(need, CHUNK_SIZE));
    size_t size = max_size(ranges.first_size, power_of_two_above(least));

    if (count == RANGE_MAX)
        return -ENOMEM;
    for (;;) {
        int error = reserve_range(source, size, &ranges.list[count]);
        if (!error)
            break;
        if (size == least)
            return -ENOMEM;
        size = max_size(size / 2, least);
    }
    __atomic_store_n(&ranges.count, count + 1, __ATOMIC_RELEASE);
    return 0;
}

static int protect_array(void *array, size_t element, size_t from, size_t to)
{
    uintptr_t start = align_down((uintptr_t)array + from * element, PAGE_SIZE);
    uintptr_t end = align_up((uintptr_t)array + to * element, PAGE_SIZE);

    int error = sys_protect_rw((void *)start, end - start);
    if (!error)
        range_lock_more((const void *)start, end - start);
    return error;
}

int range_commit(void *address, size_t size, size_t before, size_t after)
{
    int error = sys_protect_rw(address, size);

    if (error)
        return error;
    if (before)
        sys_dump(address, size, true);
    else if (after)
        sys_dump((unsigned char *)address + size, after, false);
    return 0;
}

/* Bytes of the records of that much of a range: whole pages for whole chunks. */
static size_t records_below(size_t size)
{
    return (size >> SLICE_SHIFT) * RANGE_RECORD;
}

/* Make the metadata of all that lies below `end` accessible. */
static int describe(struct range *range, size_t end)
{
    size_t from = range->described;

    if (end <= from)
        return 0;
    size_t to = min_size(align_up(end, DESCRIBE), range->size);
    int error = protect_array(range->map, sizeof(uint16_t), from >> SLICE_SHIFT, to >> SLICE_SHIFT);
    if (!error)
        error = protect_array(range->chunks, sizeof(struct chunk), from >> CHUNK_SHIFT, to >> CHUNK_SHIFT);
    if (!error)
        error = range_commit(range->records + records_below(from), records_below(to - from), records_below(from),
                             records_below(range->size - to));
    if (error)
        return error;
    range_lock_more(range->records + records_below(from), records_below(to - from));
    range->described = to;
    return 0;
}

static void add_chunks(struct range *range, size_t from, size_t to, uint32_t free)
{
    for (size_t i = from >> CHUNK_SHIFT; i < to >> CHUNK_SHIFT; i++) {
        range->chunks[i] = (struct chunk){.free = free, .next = NO_CHUNK, .prev = NO_CHUNK};
        chunk_list(range, (uint32_t)i);
    }
}

/* Raise the break by at least `need` bytes of free chunks, all in one piece. */
static int raise(struct range *range, size_t need)
{
    size_t old = range->committed;
    size_t extra = min_size((old >> 3) & ~(CHUNK_SIZE - 1), (STEPS_MAX - 1) * CHUNK_SIZE);
    size_t size = max_size(need, min_size(need + extra, range->size - old));

    if (need > range->size - old)
        return -ENOMEM;
    int error = describe(range, old + size);
    if (error)
        return error;
    intptr_t at = range->source->commit(range, size);
    if (at < 0 && size > need) {
        size = need;
        at = range->source->commit(range, size);
    }
    if (at < 0)
        return (int)at;
    if (ranges.huge_pages)
        sys_advise_huge((void *)(range->base + (size_t)at), size); /* a kernel without them serves as well */
    range_lock_more((void *)(range->base + (size_t)at), size);
    size_t end = (size_t)at + size;
    error = describe(range, end); /* a gap may have put it higher; the addresses then stay unused */
    if (error)
        return error;
    add_chunks(range, old, (size_t)at, 0);
    add_chunks(range, (size_t)at, end, UINT32_MAX);
    __atomic_store_n(&range->committed, end, __ATOMIC_RELEASE);
    return 0;
}

int range_grow(struct range *range, size_t bytes)
{
    size_t have = chunk_free_below_break(range) << SLICE_SHIFT;

    return raise(range, have < bytes ? align_up(bytes - have, CHUNK_SIZE) : CHUNK_SIZE);
}

/* Whether what is missing is memory, and not addresses: then another range would not help. */
static bool has_room(const struct range *range, size_t bytes)
{
    return range->source != &source_brk && range->size - range->committed >= align_up(bytes, CHUNK_SIZE);
}

int range_grow_any(size_t bytes)
{
    uint32_t count = ranges.count;
    bool room = false;

    for (uint32_t i = 0; i < count; i++) {
        if (range_grow(&ranges.list[i], bytes) == 0)
            return 0;
        room |= has_room(&ranges.list[i], bytes);
    }
    int error = room ? -ENOMEM : add_range(align_up(bytes, CHUNK_SIZE));
    return error ? error : range_grow(&ranges.list[count], bytes);
}

void range_lock_all(void)
{
    lock_take(&purge_lock);
    meta_lock();
    lock_take(&ranges.lock);
}

void range_unlock_all(void)
{
    lock_give(&ranges.lock);
    meta_unlock();
    lock_give(&purge_lock);
}

void range_init_locks(void)
{
    meta_lock_init();
    lock_init(&ranges.lock);
    lock_init(&purge_lock);
}
