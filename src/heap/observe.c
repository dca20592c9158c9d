/*
 * observe.c - see observe.h.
 *
 * A live bit per object tells hardened mode what is allocated. Whoever frees clears it, from any thread, in one
 * atomic step: of two threads that free the same object, one is told so at once.
 */
#include "heap/observe.h"

#include "heap/explain.h"
#include "sys/sys.h"

#include <string.h>

/* A heap's own counts join the total in steps of this many bytes: the peak is exact to one step per thread. */
enum { TALLY_STEP = 32 * 1024 };

struct observers observers;

/* Source: G. Marsaglia, "Xorshift RNGs", 2003. Unpredictable by its seed: an address, and the clock. */
static uint64_t next_random(struct heap *heap)
{
    uint64_t x = heap->random;

    if (!x)
        x = (uint64_t)(uintptr_t)heap ^ (uint64_t)(uintptr_t)&x << 17 ^ sys_now_ns();
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return heap->random = x;
}

/* Bring a random one of the objects in the magazine to its top. */
static void shuffle(struct heap *heap, struct magazine *magazine)
{
    size_t held = (size_t)(magazine->top - magazine->bottom);

    if (held < 2)
        return;
    void **other = magazine->bottom + next_random(heap) % held;
    void *top = magazine->top[-1];
    magazine->top[-1] = *other;
    *other = top;
}

static struct slab *slab_of(const void *object, unsigned class)
{
    struct range *range = range_find(object);
    return slab_at(range, range_slice(range, object), class);
}

static void set_live(const void *object, unsigned class)
{
    struct slab *slab = slab_of(object, class);
    size_t index = slab_index(slab, object);

    __atomic_fetch_or(&slab->live_bits[index / WORD_BITS], 1ull << index % WORD_BITS, __ATOMIC_RELAXED);
}

static void clear_live(const struct object *o)
{
    uint64_t bit = 1ull << o->index % WORD_BITS;
    uint64_t old = __atomic_fetch_and(&o->slab->live_bits[o->index / WORD_BITS], ~bit, __ATOMIC_ACQ_REL);

    if (!(old & bit))
        explain_stop(FAULT_DOUBLE_FREE, o->start);
}

static void raise_peak(int64_t bytes, int64_t objects)
{
    int64_t peak = __atomic_load_n(&observers.peak_bytes, __ATOMIC_RELAXED);

    while (bytes > peak) {
        if (__atomic_compare_exchange_n(&observers.peak_bytes, &peak, bytes, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED)) {
            __atomic_store_n(&observers.objects_at_peak, objects, __ATOMIC_RELAXED);
            return;
        }
    }
}

static void add_live(int64_t bytes, int64_t objects)
{
    int64_t all = __atomic_add_fetch(&observers.live_bytes, bytes, __ATOMIC_RELAXED);
    int64_t count = __atomic_add_fetch(&observers.live_objects, objects, __ATOMIC_RELAXED);

    raise_peak(all, count);
}

void observe_settle(struct heap *heap)
{
    add_live(heap->live_bytes, heap->live_objects);
    heap->live_bytes = 0;
    heap->live_objects = 0;
}

/* An object of `bytes` came (count 1) or went (-1). */
static void count_live(struct heap *heap, int64_t bytes, int64_t count)
{
    if (!heap) {
        add_live(bytes * count, count);
        return;
    }
    heap->live_bytes += bytes * count;
    heap->live_objects += count;
    heap->frees += count < 0;
    if (heap->live_bytes >= TALLY_STEP || heap->live_bytes <= -TALLY_STEP)
        observe_settle(heap);
}

static void count_allocation(struct heap *heap, unsigned class, size_t requested)
{
    heap->tallies[class].allocations++;
    heap->tallies[class].requested += requested;
}

void observe_new(void *object, size_t size)
{
    if (observers.perturb)
        memset(object, observers.perturb ^ 0xff, size);
}

void *observed_take(struct heap *heap, unsigned class, size_t size, bool zeroed)
{
    if (observers.hardened)
        shuffle(heap, &heap->magazines[class]);
    void *object = zeroed ? heap_take_zeroed(heap, class) : heap_take(heap, class);
    if (!object)
        return NULL;
    if (observers.hardened)
        set_live(object, class);
    if (!zeroed)
        observe_new(object, size);
    if (observers.tally) {
        count_allocation(heap, class, size);
        count_live(heap, classes.list[class].size, 1);
    }
    return object;
}

void observed_put(struct heap *heap, const struct object *o)
{
    if (observers.hardened) {
        clear_live(o);
        memset(o->start, 0, o->size);
    }
    if (observers.perturb)
        memset(o->start, observers.perturb, o->size);
    if (observers.tally)
        count_live(heap, (int64_t)o->size, -1);
    heap_put(heap, o->slab, o->index);
}

void observe_large(struct heap *heap, int64_t delta, size_t requested)
{
    if (delta > 0 && heap)
        count_allocation(heap, CLASS_COUNT, requested);
    count_live(heap, delta > 0 ? delta : -delta, delta > 0 ? 1 : -1);
}

void observe_after_fork(void)
{
    for (uint32_t i = 0; i < heaps.count; i++) {
        struct heap *heap = heaps.list[i];
        add_live(heap->live_bytes, heap->live_objects);
        heap->live_bytes = heap->live_objects = 0;
        heap->frees = 0;
        memset(heap->tallies, 0, sizeof(heap->tallies));
    }
    observers.peak_bytes = 0;
    raise_peak(observers.live_bytes, observers.live_objects);
}
