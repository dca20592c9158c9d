/*
 * purge.c - give idle memory back to the kernel, not at once but soon.
 *
 * Time is cut into periods. At the end of each, the idle slices that have been so for all of it are purged; the others
 * that are idle then have aged by it. Memory that is used again within a period is thus never purged, and no thread is
 * needed: whoever allocates or frees next looks at the clock. Much memory is purged in steps, each by who comes next,
 * so that nobody waits for all of it.
 *
 * Locking: slices being purged are claimed, as if allocated, so that the range lock need not be held during
 * madvise(2). One thread purges at a time; fork() waits for it, or the child would find the slices taken.
 * Source: madvise(2), MADV_DONTNEED.
 */
#include "range/range.h"
#include "sys/sys.h"

enum {
    BATCH = 64,      /* stretches purged between two holds of the lock */
    STEP = 32,       /* slices purged in one step at least, 2 MiB, */
    STEP_SHARE = 32, /* or this part of those that are idle */
};

struct lock purge_lock;

/* Consecutive idle slices. */
struct stretch {
    struct range *range;
    size_t slice, count;
    bool moved;
};

/* Add one run of dirty slices, joined to the last stretch where they touch. Returns whether there was room. */
static bool note(struct stretch *list, size_t *used, struct range *range, size_t slice, size_t count, bool moved)
{
    struct stretch *last = *used ? &list[*used - 1] : NULL;

    if (last && last->range == range && last->slice + last->count == slice && last->moved == moved) {
        last->count += count;
        return true;
    }
    if (*used == BATCH)
        return false;
    list[(*used)++] = (struct stretch){range, slice, count, moved};
    return true;
}

/* A walk over all chunks, which purges. */
struct sweep {
    uint32_t range; /* where it has got to */
    size_t chunk;
    size_t wanted; /* slices still to purge, or a few more */
    bool aged;     /* only what has aged */
};

/* Of the ticks; under the purge lock. Whether it is under way is read without. */
static struct sweep ageing;
static ATOMIC bool sweeping;

/* So each batch takes the walk past a chunk at least, even where the kernel gives nothing back. */
static_assert(BATCH >= CHUNK_SLICES / 2, "a batch has room for all stretches of a chunk");

/* Collect slices of one chunk, claiming them. Returns whether there was room for all. */
static bool collect_chunk(struct range *range, size_t index, struct sweep *sweep, struct stretch *list, size_t *used)
{
    struct chunk *chunk = &range->chunks[index];
    uint32_t idle;

    while ((idle = chunk->dirty & (sweep->aged ? chunk->aged : UINT32_MAX))) {
        unsigned first = (unsigned)__builtin_ctz(idle);
        unsigned count = (unsigned)__builtin_ctzll(~((uint64_t)idle >> first));
        size_t slice = index * CHUNK_SLICES + first;
        if (!note(list, used, range, slice, count, chunk->moved))
            return false;
        slices_claim(range, slice, count);
        sweep->wanted -= min_size(sweep->wanted, count);
    }
    chunk->aged = chunk->dirty;
    if (chunk->free == UINT32_MAX && !chunk->dirty)
        chunk->moved = 0; /* fresh pages will merge with their neighbours */
    return true;
}

/* Up to a batch of what is to be purged; 0 when the walk is over. */
static size_t collect(struct stretch *list, struct sweep *sweep)
{
    size_t used = 0;

    for (; sweep->range < ranges.count; sweep->range++, sweep->chunk = 0) {
        struct range *range = &ranges.list[sweep->range];
        for (; sweep->chunk < range->committed >> CHUNK_SHIFT; sweep->chunk++)
            if (!sweep->wanted || !collect_chunk(range, sweep->chunk, sweep, list, &used))
                return used;
    }
    return used;
}

/* Returns whether the memory is gone; where it is locked (mlock), it stays. */
static bool purge(const struct stretch *s)
{
    void *address = range_address(s->range, s->slice);
    size_t size = s->count << SLICE_SHIFT;

    if (s->moved && sys_remap_fresh(address, size) == 0)
        return true;
    return sys_purge(address, size) == 0;
}

/* Returns the slices given back. */
static size_t purge_batch(struct sweep *sweep)
{
    struct stretch list[BATCH];
    bool gone[BATCH];
    size_t purged = 0;

    lock_take(&ranges.lock);
    size_t used = collect(list, sweep);
    lock_give(&ranges.lock);
    for (size_t i = 0; i < used; i++)
        gone[i] = purge(&list[i]);
    lock_take(&ranges.lock);
    for (size_t i = 0; i < used; i++) {
        slices_release(list[i].range, list[i].slice, list[i].count, !gone[i]);
        purged += gone[i] ? list[i].count : 0;
        ranges.moves -= gone[i] && list[i].moved && ranges.moves;
    }
    lock_give(&ranges.lock);
    return purged;
}

static bool is_over(const struct sweep *sweep)
{
    return sweep->range >= __atomic_load_n(&ranges.count, __ATOMIC_RELAXED);
}

/* The purge lock is held. Returns the slices given back. */
static size_t purge_wanted(struct sweep *sweep)
{
    size_t purged = 0;

    while (sweep->wanted && !is_over(sweep))
        purged += purge_batch(sweep);
    return purged;
}

/* One step of the sweep that a period's end began. Where another thread is at it, it will do. */
static void step(bool begin)
{
    if (!lock_try(&purge_lock))
        return;
    if (begin && !sweeping)
        ageing = (struct sweep){.aged = true};
    ageing.wanted = max_size(STEP, __atomic_load_n(&ranges.dirty_slices, __ATOMIC_RELAXED) / STEP_SHARE);
    purge_wanted(&ageing);
    __atomic_store_n(&sweeping, !is_over(&ageing), __ATOMIC_RELAXED);
    lock_give(&purge_lock);
}

uint32_t range_tick(void)
{
    uint64_t now = sys_now_ms();
    bool purging = __atomic_load_n(&ranges.purging, __ATOMIC_RELAXED);

    if (!purging || now - __atomic_load_n(&ranges.purged_ms, __ATOMIC_RELAXED) < ranges.purge_ms) {
        if (UNLIKELY(__atomic_load_n(&sweeping, __ATOMIC_RELAXED)))
            step(false);
        return __atomic_load_n(&ranges.period, __ATOMIC_RELAXED);
    }
    lock_take(&ranges.lock);
    bool due = now - ranges.purged_ms >= ranges.purge_ms;
    uint32_t period = ranges.period;
    if (due) {
        __atomic_store_n(&ranges.purged_ms, now, __ATOMIC_RELAXED);
        __atomic_store_n(&ranges.period, period + 1, __ATOMIC_RELAXED);
    }
    bool dirty = ranges.dirty_slices;
    lock_give(&ranges.lock);
    if (due && dirty)
        step(true);
    return period + due;
}

size_t range_trim(size_t keep)
{
    size_t idle = __atomic_load_n(&ranges.dirty_slices, __ATOMIC_RELAXED);
    size_t slices = keep >> SLICE_SHIFT;

    if (idle <= slices)
        return 0;
    struct sweep sweep = {.wanted = idle - slices};
    lock_take(&purge_lock);
    size_t purged = purge_wanted(&sweep);
    lock_give(&purge_lock);
    return purged << SLICE_SHIFT;
}
