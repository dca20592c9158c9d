/*
 * heap.c - a thread's heap from its first allocation to its hand-over.
 *
 * Locking: heaps.lock for the creation of heaps; each heap's own for its slabs. The order: a heap's, heap_visiting,
 * heaps.lock, heap_carving, the range's.
 */
#include "heap/heap.h"

#include "heap/explain.h"
#include "range/meta.h"
#include "sys/sys.h"

#include <string.h>

struct heap_table heaps;

static void *nothing[2];
/* No offset is the start of an object where `inverse` is 0: free() finds no magazine in it, either. */
const struct heap heap_empty = {.magazines = {[0 ... CLASS_COUNT - 1] = {.top = nothing + 1}}};
CPU_THREAD_LOCAL struct thread heap_thread = {.face = (struct heap *)&heap_empty};

void heap_start(bool hardened)
{
    class_start(hardened);
    shelf_start(hardened);
}

/* Lay a magazine out at `slot`, in fresh memory: bottom[-1] is NULL already. Returns the slot after it. */
static void **set_magazine(struct magazine *magazine, unsigned class, void **slot, size_t capacity)
{
    const struct size_class *c = &classes.list[class];
    size_t start = max_size(1, min_size(MAGAZINE_START, MAGAZINE_START_BYTES / c->size));

    slot++;
    *magazine = (struct magazine){
        .top = slot,
        .bottom = slot,
        .end = slot + start,
        .limit = slot + capacity,
        .inverse = c->inverse,
        .mask = c->mask,
        .size = c->size,
    };
    return magazine->limit;
}

static void set_magazines(struct heap *heap)
{
    void **slot = heap->slots;

    for (unsigned class = 0; class < CLASS_COUNT; class ++)
        slot = set_magazine(&heap->magazines[class], class, slot, classes.list[class].capacity);
    for (unsigned class = 0; class < OUTBOUND_CLASSES; class ++)
        slot = set_magazine(&heap->outbound[class], class, slot, OUTBOUND_OBJECTS);
}

static size_t heap_bytes(void)
{
    size_t slots = classes.magazine_slots + CLASS_COUNT + OUTBOUND_CLASSES * (OUTBOUND_OBJECTS + 1);
    return align_up(sizeof(struct heap) + slots * sizeof(void *), PAGE_SIZE);
}

static struct heap *create(void)
{
    lock_take(&heaps.lock);
    uint32_t index = heaps.count;
    struct heap *heap = index < HEAP_MAX ? meta_map(heap_bytes()) : NULL;
    if (heap) {
        uint32_t tag = index + 1 < TAG_NONE ? index + 1 : TAG_OTHER;
        heap->index = (uint16_t)index;
        heap->entry_tag = tag << ENTRY_TAG_SHIFT;
        heap->tag = (tag == TAG_OTHER ? TAG_NONE : tag) << ENTRY_TAG_SHIFT;
        heap->state = HEAP_OWNED;
        heap->width = WIDTH_BUDGET;
        set_magazines(heap);
        heaps.list[index] = heap;
        __atomic_store_n(&heaps.count, index + 1, __ATOMIC_RELEASE);
    }
    lock_give(&heaps.lock);
    return heap;
}

static struct heap *adopt(void)
{
    uint32_t count = __atomic_load_n(&heaps.count, __ATOMIC_ACQUIRE);

    for (uint32_t i = 0; i < count; i++) {
        uint32_t expected = HEAP_ORPHAN;
        struct heap *heap = heaps.list[i];
        if (__atomic_load_n(&heap->state, __ATOMIC_RELAXED) == HEAP_ORPHAN &&
            __atomic_compare_exchange_n(&heap->state, &expected, HEAP_OWNED, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return heap;
    }
    return NULL;
}

static void count_user(void)
{
    uint32_t now = __atomic_add_fetch(&heaps.in_use, 1, __ATOMIC_RELAXED);
    uint32_t peak = __atomic_load_n(&heaps.in_use_peak, __ATOMIC_RELAXED);

    while (now > peak &&
           !__atomic_compare_exchange_n(&heaps.in_use_peak, &peak, now, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

struct heap *heap_acquire(void)
{
    struct heap *heap = adopt();

    if (!heap)
        heap = create();
    if (!heap)
        return NULL;
    lock_take(&heap->lock);
    if (heap->stale)
        heap_rebuild(heap);
    lock_give(&heap->lock);
    __atomic_store_n(&heap->period, __atomic_load_n(&ranges.period, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    heap->thread = sys_thread();
    count_user();
    return heap;
}

void heap_release(struct heap *heap)
{
    lock_take(&heap->lock);
    heap_expect_successor(heap);
    heap_flush_slabs(heap);
    lock_give(&heap->lock);
    heap_drop_kept(heap);
    heap_lend_back(heap);
}

void heap_lend_back(struct heap *heap)
{
    __atomic_fetch_sub(&heaps.in_use, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&heap->state, HEAP_ORPHAN, __ATOMIC_RELEASE);
}

size_t heap_trim(struct heap *heap)
{
    lock_take(&heap->lock);
    heap_flush_all(heap);
    size_t purged = heap_purge_holes(heap, true);
    lock_give(&heap->lock);
    return purged + heap_sweep(heap, true);
}

/* In each period, all that waits here goes where others can use it, once: what is in use will be back at once. */
void heap_tick(struct heap *heap)
{
    uint32_t period = range_tick();

    if (LIKELY(period == heap->period))
        return;
    __atomic_store_n(&heap->period, period, __ATOMIC_RELAXED);
    lock_take(&heap->lock);
    heap_flush_all(heap);
    heap_purge_holes(heap, false);
    lock_give(&heap->lock);
    if (__atomic_exchange_n(&heaps.swept, period, __ATOMIC_RELAXED) != period)
        heap_sweep(heap, false);
}

/* The owner's way from a magazine to the slabs, and lock_give() is the way back. */
static void enter(struct heap *heap)
{
    heap_tick(heap);
    __atomic_store_n(&heap->seen, __atomic_load_n(&heaps.carved, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    lock_take(&heap->lock);
}

static bool refill(struct heap *heap, unsigned class)
{
    enter(heap);
    bool filled = heap_refill(heap, class);
    lock_give(&heap->lock);
    return filled;
}

void *heap_take(struct heap *heap, unsigned class)
{
    struct magazine *magazine = &heap->magazines[class];

    if (UNLIKELY(magazine->top == magazine->bottom) && !refill(heap, class))
        return NULL;
    return *--magazine->top;
}

void *heap_take_zeroed(struct heap *heap, unsigned class)
{
    struct magazine *magazine = &heap->magazines[class];
    bool fresh = class_is_run(class) && magazine->top == magazine->bottom;
    void *object = heap_take(heap, class);

    if (!object)
        return NULL;
    if (fresh) {
        struct range *range = range_find(object);
        if (slab_record(range, range_slice(range, object))->clean)
            return object;
    }
    return memset(object, 0, classes.list[class].size);
}

void heap_push(struct heap *heap, unsigned class, bool foreign, void *object)
{
    bool outbound = foreign && class < OUTBOUND_CLASSES;
    struct magazine *magazine = outbound ? &heap->outbound[class] : &heap->magazines[class];

    if (UNLIKELY(magazine->top[-1] == object))
        explain_stop(FAULT_DOUBLE_FREE, object);
    if (UNLIKELY(magazine->top == magazine->end)) {
        enter(heap);
        heap_flush(heap, class, magazine, divide_up((size_t)(magazine->end - magazine->bottom), 2));
        lock_give(&heap->lock);
    }
    *magazine->top++ = object;
}

/* Past all magazines, into a slab that drains. */
static void put_straight(struct heap *heap, struct slab *slab, size_t word, uint64_t bit)
{
    lock_take(&heap->lock);
    bool own = slab_owner(slab) == heap->index;
    if (own) {
        slab_put(slab, word, bit);
        if (slab->free_count == slab->objects)
            heap_settle(heap, slab);
    }
    lock_give(&heap->lock);
    if (!own)
        heap_send(slab, word, bit);
}

void heap_put(struct heap *heap, struct slab *slab, size_t index)
{
    size_t word = index / WORD_BITS;
    uint64_t bit = 1ull << index % WORD_BITS;

    if (!heap)
        heap_send(slab, word, bit);
    else if (slab_drains(slab))
        put_straight(heap, slab, word, bit);
    else
        heap_push(heap, slab->size_class, slab_owner(slab) != heap->index, slab_object(slab, index));
}

void heap_lock_all(void)
{
    lock_take(&heap_visiting);
    lock_take(&heaps.lock);
    lock_take(&heap_carving);
    range_lock_all();
}

void heap_unlock_all(void)
{
    range_unlock_all();
    lock_give(&heap_carving);
    lock_give(&heaps.lock);
    lock_give(&heap_visiting);
}

/*
 * A forked child has one thread. The others' heaps were copied in the middle of whatever they did, page
 * by page. They become orphans that are put in order when somebody needs them: a child that only executes a
 * program pays nothing.
 */
void heap_after_fork(struct heap *own)
{
    lock_init(&heap_visiting);
    lock_init(&heaps.lock);
    lock_init(&heap_carving);
    range_init_locks();
    for (uint32_t i = 0; i < heaps.count; i++) {
        struct heap *heap = heaps.list[i];
        lock_init(&heap->lock);
        if (heap == own || (heap->state == HEAP_ORPHAN && !heap->stale))
            continue;
        heap->stale = true;
        __atomic_store_n(&heap->state, HEAP_ORPHAN, __ATOMIC_RELAXED);
    }
    heaps.in_use = own ? 1 : 0;
    if (own)
        own->thread = sys_thread();
}
