/*
 * shelf.c - the slabs of a heap: carve them, list them, release them.
 *
 * A slab with free objects is either its shelf's current one or in its list; a full one is in neither and has
 * asked for notice. A slab that becomes idle goes back to the range at once, except the
 * current one, so that a heap at the edge of a slab does not carve it again and again; a run of its own does
 * even then, since its magazine is enough of a buffer.
 *
 * Draining. When the sizes that a program uses shift, a class that filled many slabs is left with a few objects in
 * each. What is freed among them is what is allocated next, by way of the magazine, so that none would ever empty. A
 * heap that grows into fresh memory therefore sets its slabs that are less than half full to drain: the map says so,
 * and free() goes the slow way and puts the object into its slab, past the magazine; they empty at the pace at which
 * their objects die. Nothing is allocated from them, until their class has no other slab left.
 *
 * Locking: the heap's lock. heap_carving is held while a record and its map entries come to agree, so that fork() never
 * copies them half-made. Who frees may see `draining` late: then the object goes through a magazine, as any does.
 */
#include "heap/heap.h"

#include "range/meta.h"
#include "sys/sys.h"

#include <string.h>

enum {
    CANDIDATES = 8,  /* partial slabs to choose from */
    SPARE_SHARE = 4, /* the part of a slab's objects that is free in one that others may take */

    /* Bytes of slabs from which on a heap will fill one more: one call for its pages costs less than their faults. */
    POPULATE_FROM = 16 * 1024 * 1024,
};

struct lock heap_carving;
static bool keep_live_bits;

void shelf_start(bool hardened)
{
    keep_live_bits = hardened;
}

/* The bytes of one bitmap of a class; the owner's and the others' do not share a cache line. */
static size_t bitmap_size(const struct size_class *c)
{
    return align_up(c->words * sizeof(uint64_t), CACHE_LINE);
}

static bool set_bitmaps(struct shelf *shelf, const struct size_class *c, struct slab *slab)
{
    if (c->words == 1) {
        slab->free_bits = &slab->own_free;
        slab->remote_bits = &slab->own_remote;
        slab->live_bits = keep_live_bits ? &slab->own_live : NULL;
        return true;
    }
    unsigned char *bits = (unsigned char *)shelf->spare_bits;
    if (bits)
        memcpy(&shelf->spare_bits, bits, sizeof(shelf->spare_bits));
    else
        bits = meta_take(bitmap_size(c) * (keep_live_bits ? 3 : 2));
    if (!bits)
        return false;
    slab->free_bits = (uint64_t *)bits;
    slab->remote_bits = (ATOMIC uint64_t *)(bits + bitmap_size(c));
    slab->live_bits = keep_live_bits ? (ATOMIC uint64_t *)(bits + 2 * bitmap_size(c)) : NULL;
    return true;
}

static void clear_bitmaps(struct slab *slab)
{
    for (size_t w = 0; w < slab->words; w++) {
        slab->free_bits[w] = low_bits((unsigned)min_size(WORD_BITS, slab->objects - w * WORD_BITS));
        __atomic_store_n(&slab->remote_bits[w], 0, __ATOMIC_RELAXED);
        if (slab->live_bits)
            __atomic_store_n(&slab->live_bits[w], 0, __ATOMIC_RELAXED);
    }
}

/* Only the first slice of a run of its own is in the map: the others start no object. */
static size_t mapped_slices(const struct size_class *c)
{
    return c->objects == 1 ? 1 : c->slices;
}

/* Have the map say whose the slab is, and whether it drains. */
static void set_entries(const struct heap *heap, const struct range *range, struct slab *slab, bool draining)
{
    unsigned entry = heap->entry_tag | slab->size_class | (draining ? ENTRY_DRAINS : 0);
    size_t slice = range_slice(range, slab->start);

    __atomic_store_n(&slab->owner, heap->index, __ATOMIC_RELEASE);
    __atomic_store_n(&slab->draining, draining, __ATOMIC_RELAXED);
    for (size_t i = 0; i < mapped_slices(&classes.list[slab->size_class]); i++)
        __atomic_store_n(&range->map[slice + i], (uint16_t)entry, __ATOMIC_RELEASE);
}

void heap_set_owner(const struct heap *heap, struct slab *slab, bool draining)
{
    lock_take(&heap_carving);
    set_entries(heap, range_find(slab->start), slab, draining);
    lock_give(&heap_carving);
}

static void describe(struct heap *heap, unsigned class, const struct run *run, struct slab *slab)
{
    const struct size_class *c = &classes.list[class];

    slab->start = range_address(run->range, run->slice);
    slab->slices = c->slices;
    slab->objects = c->objects;
    slab->size_class = (uint8_t) class;
    slab->listed = false;
    slab->clean = run->clean;
    slab->words = (uint8_t)c->words;
    slab->free_count = c->objects;
    slab->quiet_count = 0;
    slab->holed = false;
    slab->last_word = 0;
    slab->debt = 0;
    slab->next = slab->prev = NULL;
    clear_bitmaps(slab);
    __atomic_store_n(&slab->arrivals, 0, __ATOMIC_RELAXED);
    set_entries(heap, run->range, slab, false);
}

static struct slab *carve(struct heap *heap, unsigned class, const struct run *run)
{
    const struct size_class *c = &classes.list[class];
    struct slab *slab = slab_record(run->range, run->slice);

    if (!set_bitmaps(&heap->shelves[class], c, slab)) {
        range_give(run->range, run->slice, run->count, false);
        return NULL;
    }
    lock_take(&heap_carving);
    describe(heap, class, run, slab);
    lock_give(&heap_carving);
    heap->slab_bytes += c->slices * SLICE_SIZE;
    __atomic_fetch_add(&heaps.carved, 1, __ATOMIC_RELAXED);
    return slab;
}

static struct slab **list_of(struct heap *heap, const struct slab *slab)
{
    struct shelf *shelf = &heap->shelves[slab->size_class];
    return slab->draining ? &shelf->draining : &shelf->partial;
}

static void list_slab(struct heap *heap, struct slab *slab)
{
    struct slab **list = list_of(heap, slab);

    slab->listed = true;
    slab->prev = NULL;
    slab->next = *list;
    if (*list)
        (*list)->prev = slab;
    *list = slab;
}

static void unlist_slab(struct heap *heap, struct slab *slab)
{
    if (slab->next)
        slab->next->prev = slab->prev;
    if (slab->prev)
        slab->prev->next = slab->next;
    else
        *list_of(heap, slab) = slab->next;
    slab->listed = false;
}

/* Take a slab away from wherever it is filed, be it the current one, in a list, or full. */
static void unfile(struct heap *heap, struct slab *slab)
{
    struct shelf *shelf = &heap->shelves[slab->size_class];

    if (slab == shelf->current)
        shelf->current = NULL;
    else if (slab->listed)
        unlist_slab(heap, slab);
}

static void drain(struct heap *heap, struct slab *slab)
{
    unlist_slab(heap, slab);
    heap_set_owner(heap, slab, true);
    list_slab(heap, slab);
}

void heap_drain_sparse(struct heap *heap)
{
    for (unsigned class = 0; class < FIRST_RUN; class ++) {
        struct slab *next;
        for (struct slab *slab = heap->shelves[class].partial; slab; slab = next) {
            next = slab->next;
            if (slab->free_count > slab->objects / 2)
                drain(heap, slab);
        }
    }
}

static void release(struct heap *heap, struct slab *slab)
{
    struct shelf *shelf = &heap->shelves[slab->size_class];
    struct range *range = range_find(slab->start);
    size_t slice = range_slice(range, slab->start);

    unfile(heap, slab);
    if (slab->words > 1) {
        memcpy(slab->free_bits, &shelf->spare_bits, sizeof(shelf->spare_bits));
        shelf->spare_bits = slab->free_bits;
    }
    heap->slab_bytes -= slab->slices * SLICE_SIZE;
    range_give(range, slice, slab->slices, false);
}

/*
 * Where slabs are released and then missed, over and over, some are kept: as many as a shelf missed since the last
 * tick, which lets them go again.
 */
static void keep_or_release(struct heap *heap, struct slab *slab)
{
    struct shelf *shelf = &heap->shelves[slab->size_class];

    if (shelf->idle_count == shelf->idle_max || slab->draining) {
        shelf->released++;
        release(heap, slab);
        return;
    }
    unfile(heap, slab);
    slab->listed = true;
    slab->next = shelf->idle;
    shelf->idle = slab;
    shelf->idle_count++;
}

static struct slab *take_idle(struct shelf *shelf)
{
    struct slab *slab = shelf->idle;

    if (slab) {
        shelf->idle = slab->next;
        shelf->idle_count--;
    }
    return slab;
}

/* Let the shelf keep one idle slab more, within the heap's budget. Returns whether it may. */
static bool keep_one_more(struct heap *heap, unsigned class)
{
    size_t size = classes.list[class].slices * SLICE_SIZE;

    if (heap->idle_bytes + size > IDLE_BUDGET)
        return false;
    heap->shelves[class].idle_max++;
    heap->idle_bytes += size;
    return true;
}

/* A slab must be carved: would one that was released have served? */
static void count_miss(struct heap *heap, unsigned class)
{
    struct shelf *shelf = &heap->shelves[class];

    if (shelf->released && keep_one_more(heap, class))
        shelf->released--;
}

void heap_expect_successor(struct heap *heap)
{
    for (unsigned class = 0; class < FIRST_RUN; class ++)
        if (heap->shelves[class].current && !heap->shelves[class].idle_max)
            keep_one_more(heap, class);
}

void heap_drop_idle(struct heap *heap)
{
    for (unsigned class = 0; class < CLASS_COUNT; class ++) {
        struct shelf *shelf = &heap->shelves[class];
        struct slab *slab;
        while ((slab = take_idle(shelf))) {
            slab->listed = false;
            release(heap, slab);
        }
        shelf->idle_max = shelf->released = 0;
    }
    heap->idle_bytes = 0;
}

void heap_settle(struct heap *heap, struct slab *slab)
{
    slab->clean = false;
    if (slab == heap->shelves[slab->size_class].current && !class_is_run(slab->size_class))
        return;
    while (slab->free_count == slab->objects) {
        if (slab_is_idle(slab)) {
            keep_or_release(heap, slab);
            return;
        }
        if (slab_want_notice(slab)) /* a thread has set its bits and not counted them yet: it will tell */
            break;
        slab_collect(slab);
    }
    if (slab->free_count && !slab->listed)
        list_slab(heap, slab);
}

static void collect_list(struct heap *heap, struct slab *slab)
{
    for (struct slab *next; slab; slab = next) {
        next = slab->next;
        if (!(__atomic_load_n(&slab->arrivals, __ATOMIC_RELAXED) & ARRIVALS_COUNT))
            continue;
        slab_collect(slab);
        heap_settle(heap, slab);
    }
}

void heap_collect(struct heap *heap)
{
    heap_drain_notices(heap);
    for (unsigned class = 0; class < FIRST_RUN; class ++) {
        collect_list(heap, heap->shelves[class].partial);
        collect_list(heap, heap->shelves[class].draining);
    }
}

/* Of the first slabs of the list, the one with the fewest free objects: so that the others may empty. */
static struct slab *fullest(struct slab *list)
{
    struct slab *best = list;
    int left = CANDIDATES;

    for (struct slab *slab = list; slab && left--; slab = slab->next)
        if (slab->free_count < best->free_count)
            best = slab;
    return best;
}

/* A slab with free objects from those the heap has; NULL when all are full. */
static struct slab *next_slab(struct heap *heap, unsigned class)
{
    struct shelf *shelf = &heap->shelves[class];

    if (!shelf->partial)
        heap_drain_notices(heap);
    struct slab *slab = fullest(shelf->partial ? shelf->partial : shelf->draining);
    if (!slab)
        return take_idle(shelf);
    unlist_slab(heap, slab);
    if (slab->draining)
        heap_set_owner(heap, slab, false);
    return slab;
}

/* The one with the most free objects of the current slab and the first of the list; NULL where there is none. */
static struct slab *emptiest(const struct shelf *shelf)
{
    struct slab *best = shelf->current;
    int left = CANDIDATES;

    if (best)
        slab_collect(best);
    for (struct slab *slab = shelf->partial; slab && left--; slab = slab->next)
        if (!best || slab->free_count > best->free_count)
            best = slab;
    return best;
}

/* A slab that the heap can do without while it allocates: worth the move, and not soon missed. NULL for none. */
static struct slab *spare_slab(struct heap *heap, unsigned class)
{
    struct shelf *shelf = &heap->shelves[class];

    heap_drain_notices(heap);
    struct slab *slab = take_idle(shelf);
    if (slab)
        return slab;
    slab = emptiest(shelf);
    if (!slab || slab->free_count <= slab->objects / SPARE_SHARE)
        return NULL;
    unfile(heap, slab);
    return slab;
}

struct slab *heap_take_over(struct heap *heap, struct heap *from, unsigned class, bool any)
{
    struct slab *slab = any ? next_slab(from, class) : NULL;

    if (!slab)
        slab = spare_slab(from, class);
    if (!slab)
        return NULL;
    from->slab_bytes -= slab->slices * SLICE_SIZE;
    heap->slab_bytes += slab->slices * SLICE_SIZE;
    heap_set_owner(heap, slab, false);
    return slab;
}

/* A slab that the heap has not had: fresh memory comes last. NULL when there is none. */
static struct slab *new_slab(struct heap *heap, unsigned class)
{
    const struct size_class *c = &classes.list[class];
    struct run run;

    count_miss(heap, class);
    if (!range_take_warm(c->slices, mapped_slices(c), &run)) {
        struct slab *adopted = heap_adopt_slab(heap, class);
        if (adopted)
            return adopted;
        heap_spare_fresh(heap, c->slices * SLICE_SIZE);
        if (range_take(c->slices, mapped_slices(c), &run) < 0)
            return NULL;
        if (run.clean && run.count == 1 && !class_is_run(class) && heap->slab_bytes >= POPULATE_FROM)
            sys_populate(range_address(run.range, run.slice), SLICE_SIZE); /* else its pages come one by one */
    }
    return carve(heap, class, &run);
}

struct slab *heap_current_slab(struct heap *heap, unsigned class)
{
    struct shelf *shelf = &heap->shelves[class];

    for (;;) {
        struct slab *slab = shelf->current;
        if (slab && slab->free_count)
            return slab;
        if (slab) {
            slab_collect(slab);
            if (slab->free_count || !slab_want_notice(slab))
                continue;
            slab->listed = false;
            shelf->current = NULL;
        }
        slab = next_slab(heap, class);
        if (!slab)
            slab = new_slab(heap, class);
        if (!slab)
            return NULL;
        slab->listed = true;
        shelf->current = slab;
    }
}

void heap_retire_current(struct heap *heap, unsigned class)
{
    struct shelf *shelf = &heap->shelves[class];
    struct slab *slab = shelf->current;

    if (!slab)
        return;
    shelf->current = NULL;
    slab->listed = false;
    do
        slab_collect(slab);
    while (!slab->free_count && !slab_want_notice(slab));
    heap_settle(heap, slab);
}
