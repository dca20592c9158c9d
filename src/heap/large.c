/* large.c - see large.h. */
#include "heap/large.h"

#include "heap/observe.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>

#define KEPT_MAX (8 * MIB)

static size_t slices_for(size_t size)
{
    return divide_up(size, SLICE_SIZE);
}

static void record(const struct run *run)
{
    struct slab *slab = slab_record(run->range, run->slice);

    lock_take(&heap_carving);
    *slab = (struct slab){
        .start = range_address(run->range, run->slice),
        .slices = (uint32_t)run->count,
        .objects = 1,
        .size_class = CLASS_LARGE,
    };
    __atomic_store_n(&run->range->map[run->slice], CLASS_LARGE, __ATOMIC_RELEASE);
    lock_give(&heap_carving);
}

/*
 * The run that a heap freed last is kept as it is, for an allocation of its size or little less: a program that
 * allocates and frees the same large size in a loop meets neither lock nor kernel. Its map entry is 0 meanwhile.
 */
static void *reuse_kept(struct heap *heap, size_t count)
{
    struct kept *kept = &heap->kept;

    if (count > kept->count || count < kept->count - (kept->count >> HEADROOM_SHIFT))
        return NULL;
    __atomic_store_n(&kept->range->map[kept->slice], CLASS_LARGE, __ATOMIC_RELEASE);
    kept->count = 0;
    return range_address(kept->range, kept->slice);
}

void heap_drop_kept(struct heap *heap)
{
    struct kept *kept = &heap->kept;

    if (kept->count)
        range_give(kept->range, kept->slice, kept->count, false);
    kept->count = 0;
}

/* Before memory that was never touched, runs and slabs that only wait to be used again. */
static bool take_run(struct heap *heap, size_t count, size_t align, struct run *out)
{
    if (range_take_warm(count, align, out))
        return true;
    lock_take(&heap->lock);
    heap_flush_runs(heap);
    lock_give(&heap->lock);
    return range_take(count, align, out) == 0;
}

void *large_take(struct heap *heap, size_t size, size_t align, bool *clean)
{
    size_t count = slices_for(size);
    void *kept = align <= SLICE_SIZE ? reuse_kept(heap, count) : NULL;
    struct run run;

    *clean = false;
    if (kept)
        return kept;
    heap_tick(heap);
    if (!take_run(heap, count, max_size(1, align >> SLICE_SHIFT), &run))
        return NULL;
    record(&run);
    *clean = run.clean;
    return range_address(run.range, run.slice);
}

/* Memory whose content may not outlive its free. */
static void wipe(const struct object *o, size_t count)
{
    if (sys_purge(o->start, count << SLICE_SHIFT) < 0)
        memset(o->start, 0, count << SLICE_SHIFT);
}

bool large_give(struct heap *heap, const struct object *o)
{
    uint16_t expected = CLASS_LARGE;
    size_t count = o->slab->slices;

    if (!__atomic_compare_exchange_n(&o->range->map[o->slice], &expected, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return false;
    if (observers.hardened)
        wipe(o, count);
    if (!heap || o->slab->clean || count > KEPT_MAX >> SLICE_SHIFT) {
        range_give(o->range, o->slice, count, o->slab->clean);
        return true;
    }
    if (heap->kept.count) {
        heap_tick(heap);
        heap_drop_kept(heap);
    }
    heap->kept = (struct kept){.range = o->range, .slice = o->slice, .count = count};
    return true;
}

static bool grow(const struct object *o, size_t have, size_t want)
{
    size_t room = want + (want >> HEADROOM_SHIFT);

    if (range_take_at(o->range, o->slice + have, room - have) == 0)
        want = room;
    else if (range_take_at(o->range, o->slice + have, want - have) < 0)
        return false;
    o->slab->slices = (uint32_t)want;
    return true;
}

bool large_resize(const struct object *o, size_t size)
{
    size_t have = o->slab->slices;
    size_t want = slices_for(size);

    if (want > have)
        return grow(o, have, want);
    if (want < have - (have >> HEADROOM_SHIFT)) {
        o->slab->slices = (uint32_t)want;
        range_give(o->range, o->slice + want, have - want, false);
    }
    return true;
}

static bool is_run(const struct object *o)
{
    return o->class == CLASS_LARGE || class_is_run(o->class);
}

int large_move_pages(const struct object *from, const struct object *to, size_t size)
{
    if (size < MOVE_MIN || !is_run(from) || !is_run(to))
        return -EAGAIN;
    size_t count = slices_for(size);
    int error = range_move_pages(from->range, from->slice, to->range, to->slice, count);
    from->slab->clean = error == 0 && from->class == CLASS_LARGE && count == from->slab->slices;
    return error;
}
