/*
 * rebuild.c - put the heap of a thread that a fork left behind in order, and check one that should be.
 *
 * What can be trusted after fork() copied the memory of running threads is what was true before: every object
 * that the forking thread could know of was allocated before, and its bit is clear. The rest may be half-done.
 * So: objects of the heap's own slabs in magazines are free (their bits may be set already, or not); those of
 * others may have been sent or not, and are given up, some hundreds at most; counts and lists are made anew.
 *
 * Locking: the heap's lock.
 */
#include "heap/explain.h"
#include "heap/heap.h"

typedef void visit_slab(struct heap *heap, struct slab *slab, void *context);

/* Call `visit` for each slab of the heap in one range. */
static void visit_range(struct heap *heap, struct range *range, visit_slab *visit, void *context)
{
    size_t end = __atomic_load_n(&range->committed, __ATOMIC_ACQUIRE) >> SLICE_SHIFT;

    for (size_t slice = 0; slice < end; slice++) {
        unsigned class = entry_class(range_entry(range, slice));
        unsigned tag = entry_tag(range_entry(range, slice));
        if ((tag != heap->entry_tag >> ENTRY_TAG_SHIFT && tag != TAG_OTHER) || class >= CLASS_COUNT)
            continue;
        struct slab *slab = slab_at(range, slice, class);
        if (slab != slab_record(range, slice) || slab_owner(slab) != heap->index || slab->size_class != class)
            continue;
        visit(heap, slab, context);
    }
}

static void visit_slabs(struct heap *heap, visit_slab *visit, void *context)
{
    uint32_t count = __atomic_load_n(&ranges.count, __ATOMIC_ACQUIRE);

    for (uint32_t r = 0; r < count; r++)
        visit_range(heap, &ranges.list[r], visit, context);
}

static void free_cached(const struct heap *heap, unsigned class)
{
    const struct magazine *magazine = &heap->magazines[class];

    for (void **p = magazine->bottom; p < magazine->top; p++) {
        struct range *range = range_find(*p);
        size_t slice = range ? range_slice(range, *p) : 0;
        if (!range || !entry_is(range_entry(range, slice), class))
            continue;
        struct slab *slab = slab_at(range, slice, class);
        if (slab_owner(slab) != heap->index)
            continue;
        size_t index = slab_index(slab, *p);
        slab->free_bits[index / WORD_BITS] |= 1ull << index % WORD_BITS;
    }
}

/* Make the counts of a slab from its bits, and file it. */
static void refile(struct heap *heap, struct slab *slab, void *context)
{
    size_t free = 0;

    (void)context;
    for (size_t w = 0; w < slab->words; w++) {
        slab->free_bits[w] |= __atomic_exchange_n(&slab->remote_bits[w], 0, __ATOMIC_ACQUIRE);
        free += count_bits(slab->free_bits[w]);
    }
    slab->free_count = (uint16_t)free;
    slab->last_word = 0;
    slab->debt = 0;
    slab->listed = false;
    heap_set_owner(heap, slab, false);
    slab->next = slab->prev = NULL;
    __atomic_store_n(&slab->arrivals, 0, __ATOMIC_RELAXED);
    slab_want_notice(slab);
    heap_settle(heap, slab);
}

void heap_rebuild(struct heap *heap)
{
    heap->stale = false;
    for (unsigned class = 0; class < CLASS_COUNT; class ++) {
        free_cached(heap, class);
        heap->magazines[class].top = heap->magazines[class].bottom;
        heap->shelves[class] = (struct shelf){0}; /* spare bitmaps are given up: the list may be half-linked */
    }
    for (unsigned class = 0; class < OUTBOUND_CLASSES; class ++)
        heap->outbound[class].top = heap->outbound[class].bottom;
    heap->kept = (struct kept){0};
    heap->idle_bytes = 0;
    __atomic_store_n(&heap->notices, NULL, __ATOMIC_RELAXED);
    visit_slabs(heap, refile, NULL);
}

static int fault(const char *what, const void *where)
{
    char buffer[256];
    struct text text;

    text_init(&text, buffer, sizeof(buffer));
    text_format(&text, "loam: validate: %s, at %x.\n", what, (uint64_t)(uintptr_t)where);
    report_write(&text);
    return 1;
}

static bool on_shelf(const struct heap *heap, const struct slab *slab)
{
    const struct shelf *shelf = &heap->shelves[slab->size_class];

    if (shelf->current == slab)
        return true;
    for (const struct slab *s = shelf->partial; s; s = s->next)
        if (s == slab)
            return true;
    for (const struct slab *s = shelf->draining; s; s = s->next)
        if (s == slab)
            return true;
    for (const struct slab *s = shelf->idle; s; s = s->next)
        if (s == slab)
            return true;
    return false;
}

static void check_slab(struct heap *heap, struct slab *slab, void *context)
{
    int *faults = context;
    size_t free = 0;

    for (size_t w = 0; w < slab->words; w++) {
        free += count_bits(slab->free_bits[w]);
        if (slab->free_bits[w] & __atomic_load_n(&slab->remote_bits[w], __ATOMIC_RELAXED))
            *faults += fault("an object was freed twice, in the slab", slab->start);
    }
    if (free != slab->free_count)
        *faults += fault("the count of free objects is wrong in the slab", slab->start);
    if (slab->listed && !on_shelf(heap, slab))
        *faults += fault("a listed slab is not in its list", slab->start);
    if (!slab->listed && slab->free_count)
        *faults += fault("a slab with free objects is in no list", slab->start);
}

/* A cached object is one of its class, and not marked free. */
static int check_cached(unsigned class, const void *object)
{
    struct range *range = range_find(object);

    if (!range || !entry_is(range_entry(range, range_slice(range, object)), class))
        return fault("a magazine holds what is no object of its class", object);
    struct slab *slab = slab_at(range, range_slice(range, object), class);
    size_t index = slab_index(slab, object);
    uint64_t free = slab->free_bits[index / WORD_BITS] | slab->remote_bits[index / WORD_BITS];
    if (slab_object(slab, index) != object)
        return fault("a magazine holds what is not the start of an object", object);
    if (free >> index % WORD_BITS & 1)
        return fault("a magazine holds a free object", object);
    return 0;
}

static int check_magazine(unsigned class, const struct magazine *magazine)
{
    int faults = 0;

    if (magazine->top < magazine->bottom || magazine->top > magazine->end || magazine->end > magazine->limit)
        return fault("a magazine's bounds are wrong", magazine);
    for (void **p = magazine->bottom; p < magazine->top; p++)
        faults += check_cached(class, *p);
    return faults;
}

static int check_heap(struct heap *heap)
{
    int faults = 0;

    for (unsigned class = 0; class < CLASS_COUNT; class ++)
        faults += check_magazine(class, &heap->magazines[class]);
    for (unsigned class = 0; class < OUTBOUND_CLASSES; class ++)
        faults += check_magazine(class, &heap->outbound[class]);
    visit_slabs(heap, check_slab, &faults);
    return faults;
}

int heap_faults(void)
{
    int faults = range_validate();

    if (faults)
        fault("chunks and their lists disagree", &ranges);
    for (uint32_t i = 0; i < heaps.count; i++)
        if (!heaps.list[i]->stale)
            faults += check_heap(heaps.list[i]);
    return faults;
}
