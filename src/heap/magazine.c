/*
 * magazine.c - refill and flush: many objects at a time, between a magazine and the bitmaps of slabs.
 *
 * Locking: only the heap's owner is here, and holds its lock.
 */
#include "heap/explain.h"
#include "heap/heap.h"

#include <string.h>

enum {
    FLUSH_GROWTH = 16,             /* part of the heap, and */
    FLUSH_GROWTH_MIN = 512 * 1024, /* bytes, that it may grow by before all magazines are emptied */
};

/* A magazine that is used may hold twice as much next time, as far as the heap's budget goes. */
static void widen(struct heap *heap, struct magazine *magazine)
{
    size_t room = (size_t)(magazine->end - magazine->bottom);
    size_t more = min_size(room, (size_t)(magazine->limit - magazine->end));

    if (more * magazine->size > heap->width)
        return;
    heap->width -= more * magazine->size;
    magazine->end += more;
}

bool heap_refill(struct heap *heap, unsigned class)
{
    struct magazine *magazine = &heap->magazines[class];
    size_t room = (size_t)(magazine->end - magazine->bottom);
    size_t wanted = divide_up(room, 2);

    assert(magazine->top == magazine->bottom);
    struct slab *slab = heap_current_slab(heap, class);
    if (!slab)
        return false;
    size_t count = min_size(wanted, slab->free_count);
    slab_take(slab, magazine->bottom + count, count);
    magazine->top = magazine->bottom + count;
    widen(heap, magazine);
    return true;
}

/*
 * The slab of a cached object. The map has another class when it was freed twice and the first time released the slab.
 */
static struct slab *slab_of_cached(unsigned class, const void *object)
{
    const struct range *range = range_find(object);
    size_t slice = range_slice(range, object);

    if (UNLIKELY(!entry_is(range_entry(range, slice), class)))
        explain_stop(FAULT_DOUBLE_FREE, object);
    return slab_at(range, slice, class);
}

/* A slab is aligned to its size. */
INLINE size_t index_of_cached(const struct size_class *c, void *object)
{
    size_t index = class_index(c, (uintptr_t)object & c->mask);

    if (UNLIKELY(index >= c->objects))
        explain_stop(FAULT_INVALID_FREE, object);
    return index;
}

/*
 * Send the first of `objects`, and those after it that lie in the same word of the same slab's bitmap: objects that
 * were allocated together mostly arrive together. Returns how many.
 */
static size_t send_word(const struct size_class *c, struct slab *slab, void **objects, size_t count)
{
    size_t word = index_of_cached(c, objects[0]) / WORD_BITS;
    uint64_t mask = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        if ((uintptr_t)objects[i] - (uintptr_t)slab->start > c->mask)
            break;
        size_t index = index_of_cached(c, objects[i]);
        uint64_t bit = 1ull << index % WORD_BITS;
        if (index / WORD_BITS != word)
            break;
        if (UNLIKELY(mask & bit))
            explain_stop(FAULT_DOUBLE_FREE, objects[i]);
        mask |= bit;
    }
    heap_send(slab, word, mask);
    return i;
}

/*
 * Mark the first of `objects` free, and those after it that lie in the same slab, which is the heap's own. Returns how
 * many. The word that the last one lay in is at hand: mostly the next lies there too.
 */
static size_t put_run(struct heap *heap, const struct size_class *c, struct slab *slab, void **objects, size_t count)
{
    uint64_t *free_bits = slab->free_bits;
    size_t index = index_of_cached(c, objects[0]);
    size_t word = index / WORD_BITS;
    uint64_t bits = free_bits[word];
    size_t done = 0;

    for (;;) {
        uint64_t bit = 1ull << index % WORD_BITS;
        if (UNLIKELY(bits & bit))
            explain_stop(FAULT_DOUBLE_FREE, objects[done]);
        bits |= bit;
        if (++done == count || (uintptr_t)objects[done] - (uintptr_t)slab->start > c->mask)
            break;
        index = index_of_cached(c, objects[done]);
        if (index / WORD_BITS == word)
            continue;
        free_bits[word] = bits;
        word = index / WORD_BITS;
        bits = free_bits[word];
    }
    free_bits[word] = bits;
    slab->free_count += (uint16_t)done;
    slab->last_word = (uint16_t)word;
    if (UNLIKELY(!slab->listed || slab->free_count == slab->objects))
        heap_settle(heap, slab);
    return done;
}

/* Mark one object of the heap's own slab free. */
INLINE void put_one(struct heap *heap, const struct size_class *c, struct slab *slab, void *object)
{
    size_t index = index_of_cached(c, object);
    uint64_t *word = &slab->free_bits[index / WORD_BITS];
    uint64_t bit = 1ull << index % WORD_BITS;

    if (UNLIKELY(*word & bit))
        explain_stop(FAULT_DOUBLE_FREE, object);
    *word |= bit;
    slab->last_word = (uint16_t)(index / WORD_BITS);
    if (UNLIKELY(++slab->free_count == slab->objects || !slab->listed))
        heap_settle(heap, slab);
}

/*
 * Whether objects mostly lie near the one before, as the first few tell. Where they do not, a branch on whether the
 * next lies in the same slab could not be predicted, and costs more than to look each of them up.
 */
static bool mostly_near(const struct size_class *c, void **objects, size_t count)
{
    size_t looked = min_size(count, 8);
    size_t near = 0;

    for (size_t i = 1; i < looked; i++)
        near += (uintptr_t)objects[i] - (uintptr_t)objects[i - 1] + WORD_BITS * c->size < 2 * WORD_BITS * c->size;
    return near > looked / 2;
}

/* Objects of what one look at the map does not show to be the heap's own. Returns how many. */
static size_t put_others(struct heap *heap, unsigned class, void **objects, size_t count)
{
    const struct size_class *c = &classes.list[class];
    struct slab *slab = slab_of_cached(class, objects[0]);

    return slab_owner(slab) == heap->index ? put_run(heap, c, slab, objects, count)
                                           : send_word(c, slab, objects, count);
}

/* The heap's own objects in the first range are found by one look at the map; without a tag of its own it has none. */
static void put_objects(struct heap *heap, unsigned class, void **objects, size_t count)
{
    const struct size_class c = classes.list[class];
    const struct range *range = &ranges.list[0];
    const uint16_t own = heap->tag == heap->entry_tag ? heap_entry(heap, class) : ENTRY_NONE;
    const bool near = mostly_near(&c, objects, count);
    void **end = objects + count;

    while (objects < end) {
        size_t offset;
        if (UNLIKELY(!range_first(objects[0], &offset) || range_entry(range, offset >> SLICE_SHIFT) != own)) {
            objects += put_others(heap, class, objects, (size_t)(end - objects));
            continue;
        }
        struct slab *slab = slab_record(range, (offset & ~(size_t)c.mask) >> SLICE_SHIFT);
        if (near)
            objects += put_run(heap, &c, slab, objects, (size_t)(end - objects));
        else
            put_one(heap, &c, slab, *objects++);
    }
}

void heap_flush(struct heap *heap, unsigned class, struct magazine *magazine, size_t count)
{
    size_t held = (size_t)(magazine->top - magazine->bottom);

    count = min_size(count, held);
    put_objects(heap, class, magazine->bottom, count);
    memmove(magazine->bottom, magazine->bottom + count, (held - count) * sizeof(void *));
    magazine->top -= count;
    if (count < held) /* it was full */
        widen(heap, magazine);
}

void heap_flush_slabs(struct heap *heap)
{
    for (unsigned class = 0; class < OUTBOUND_CLASSES; class ++)
        heap_flush(heap, class, &heap->outbound[class], SIZE_MAX);
    for (unsigned class = 0; class < CLASS_COUNT; class ++) {
        heap_flush(heap, class, &heap->magazines[class], SIZE_MAX);
        heap_retire_current(heap, class);
    }
}

void heap_flush_all(struct heap *heap)
{
    heap_flush_slabs(heap);
    heap_collect(heap);
    heap_drop_idle(heap);
    heap_drop_kept(heap);
}

void heap_flush_runs(struct heap *heap)
{
    for (unsigned class = FIRST_RUN; class < CLASS_COUNT; class ++)
        heap_flush(heap, class, &heap->magazines[class], SIZE_MAX);
    heap_drop_idle(heap);
    heap_drop_kept(heap);
}

/*
 * Memory that was never touched comes last: runs and idle slabs of other classes are given up before. Magazines of
 * other classes may pin many slabs more, an object here and there; where the heap has grown by a part of itself it is
 * worth the time to empty them, which is little beside that of the page faults.
 */
void heap_spare_fresh(struct heap *heap, size_t size)
{
    heap_flush_runs(heap);
    heap->fresh_bytes += size;
    if (heap->fresh_bytes < max_size(FLUSH_GROWTH_MIN, heap->slab_bytes / FLUSH_GROWTH))
        return;
    heap->fresh_bytes = 0;
    heap_flush_all(heap);
    heap_drain_sparse(heap);
}
