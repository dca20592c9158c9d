/*
 * image.c - see image.h.
 *
 * Records are read a chunk at a time, and with them the bitmaps of slabs of few objects; others lie elsewhere. When the
 * bitmaps have been read, the record must still be the same, or another slab may have taken the place, or the bitmaps,
 * of the first: then it is read again.
 *
 * What others have freed is in the remote bits until the owner moves it over to the free bits; so the remote ones are
 * read first: a bit on its way is seen twice rather than not at all.
 */
#include "image/image.h"

#include "sample/root.h"

#include <errno.h>
#include <string.h>

enum {
    WORDS_MAX = 128,
    TRIES = 4,
    VERSION_MAX = 1000, /* bytes that merely begin like a root are not taken for one of another version */
    ROOT_SIZE_MAX = 4096,
    SLOTS_AT_ONCE = 64,
};

static_assert((int)CLASS_COUNT < (int)IMAGE_CLASSES && (int)CLASS_LARGE == (int)IMAGE_LARGE,
              "classes keep their numbers");
static_assert((int)RANGE_MAX <= (int)IMAGE_RANGES, "every range has a place");
static_assert(IMAGE_SLICE == SLICE_SIZE, "a slice is a slice");
static_assert(sizeof(struct tally) == sizeof(struct image_tally), "tallies are handed on as they are");

struct walk {
    const struct image *image;
    const struct image_visitor *visitor;
};

static int copy_self(void *context, uintptr_t address, void *to, size_t size)
{
    (void)context;
    memcpy(to, (const void *)address, size);
    return 0;
}

const struct image_source image_self = {.read = copy_self};

static int get(const struct image_source *source, const volatile void *address, void *to, size_t size)
{
    return source->read(source->context, (uintptr_t)address, to, size);
}

int image_get(const struct image *image, uintptr_t address, void *to, size_t size)
{
    return image->source->read(image->source->context, address, to, size);
}

/* --- what a heap is made of --- */

static int open_classes(struct image *out, const struct class_table *at)
{
    struct size_class list[CLASS_COUNT];
    int error = get(out->source, at->list, list, sizeof(list));

    if (error || !list[0].size)
        return error; /* nothing has been allocated yet */
    for (unsigned class = 0; class < CLASS_COUNT; class ++) {
        const struct size_class *c = &list[class];
        if (!c->size || !c->slices || !c->objects || divide_up(c->objects, WORD_BITS) > WORDS_MAX)
            return -EPROTO;
        out->classes[class] =
            (struct image_class){.object_size = c->size, .objects = c->objects, .span = c->slices * SLICE_SIZE};
    }
    out->class_count = CLASS_COUNT;
    return 0;
}

static bool is_sound(const struct range *range)
{
    return range->committed <= range->size && range->committed % CHUNK_SIZE == 0 && range->base % SLICE_SIZE == 0 &&
           range->size <= UINTPTR_MAX - range->base;
}

static int open_range(struct image *out, const struct range *at)
{
    struct range range;
    int error = get(out->source, at, &range, sizeof(range));

    if (error)
        return error;
    if (!is_sound(&range))
        return -EPROTO;
    out->ranges[out->range_count++] = (struct image_range){
        .base = range.base,
        .size = range.size,
        .committed = range.committed,
        .map = (uintptr_t)range.map,
        .records = (uintptr_t)range.records,
        .chunks = (uintptr_t)range.chunks,
    };
    return 0;
}

static int open_ranges(struct image *out, const struct range_set *at)
{
    uint32_t count;
    size_t dirty = 0;
    int error = get(out->source, &at->count, &count, sizeof(count));

    for (uint32_t i = 0; !error && i < count && i < RANGE_MAX; i++)
        error = open_range(out, &at->list[i]);
    if (!error)
        error = get(out->source, &at->dirty_slices, &dirty, sizeof(dirty));
    if (!error)
        error = get(out->source, &at->metadata_bytes, &out->metadata, sizeof(out->metadata));
    if (!error)
        error = get(out->source, &at->meta_blocks, &out->blocks, sizeof(out->blocks));
    out->own[0] = (struct image_span){.start = (uintptr_t)at, .size = sizeof(*at)};
    out->dirty = dirty << SLICE_SHIFT;
    return error;
}

static int open_heaps(struct image *out, const struct heap_table *at)
{
    uint32_t counts[3];
    int error = get(out->source, &at->count, counts, sizeof(counts));

    if (error)
        return error;
    if (counts[0] > HEAP_MAX)
        return -EPROTO;
    out->heaps = counts[0];
    out->heaps_in_use = counts[1];
    out->heaps_peak = counts[2];
    out->heap_list = (uintptr_t)at->list;
    return 0;
}

static int open_slots(struct image *out, const struct slots *at)
{
    struct slots set;
    int error = get(out->source, at, &set, offsetof(struct slots, bands));

    if (error || !set.size)
        return error;
    if (set.band_count > BAND_MAX || set.band_shift >= 64 || set.size != (size_t)set.band_count << set.band_shift)
        return -EPROTO;
    out->slots = (uintptr_t)at;
    out->slot_area = set.base;
    out->slot_area_size = set.size;
    out->slot_records = (struct image_span){.start = (uintptr_t)set.records, .size = set.records_size};
    return 0;
}

static int open_watched(struct image *out, const struct root *top)
{
    struct fences fence;
    struct stacks stack;
    int error = open_slots(out, top->slots);

    if (!error)
        error = get(out->source, top->fences, &fence, sizeof(fence));
    if (!error)
        error = get(out->source, top->stacks, &stack, sizeof(stack));
    if (error)
        return error;
    if (fence.slices > SIZE_MAX / sizeof(struct fact) / FENCE_FACTS)
        return -EPROTO;
    out->facts =
        (struct image_span){.start = (uintptr_t)fence.facts, .size = fence.slices * FENCE_FACTS * sizeof(struct fact)};
    out->stacks = (struct image_span){.start = (uintptr_t)stack.base, .size = stack.size};
    out->own[1] = (struct image_span){.start = (uintptr_t)top->slots, .size = sizeof(struct slots)};
    return 0;
}

bool image_begins_root(uint64_t word)
{
    return word == ROOT_MAGIC;
}

static int check_root(const struct root *top, uintptr_t address)
{
    if (top->magic != ROOT_MAGIC || top->version == 0 || top->version > VERSION_MAX || top->size > ROOT_SIZE_MAX)
        return -ENOENT;
    if (top->version != ROOT_VERSION || top->size != sizeof(*top))
        return -EPROTO;
    return (uintptr_t)top->self == address ? 0 : -ENOENT;
}

int image_open(const struct image_source *source, uintptr_t root, struct image *out)
{
    struct root top;

    *out = (struct image){.source = source};
    int error = get(source, (const void *)root, &top, sizeof(top));
    if (!error)
        error = check_root(&top, root);
    if (!error)
        error = open_classes(out, top.classes);
    if (!error)
        error = open_ranges(out, top.ranges);
    if (!error)
        error = open_heaps(out, top.heaps);
    if (!error)
        error = open_watched(out, &top);
    return error;
}

size_t image_slices(const struct image *image)
{
    return image_slice(image, UINTPTR_MAX);
}

size_t image_slice(const struct image *image, uintptr_t address)
{
    size_t before = 0;

    for (unsigned i = 0; i < image->range_count; i++) {
        const struct image_range *range = &image->ranges[i];
        if (address - range->base < range->committed)
            return before + (address - range->base) / IMAGE_SLICE;
        before += range->committed / IMAGE_SLICE;
    }
    return before;
}

/* --- slabs --- */

static int visit_slab(const struct walk *w, const struct image_slab *slab)
{
    return w->visitor->slab ? w->visitor->slab(w->visitor->context, slab) : 0;
}

static int visit_large(const struct walk *w, const struct slab *slab, uintptr_t start)
{
    struct image_slab out = {
        .start = start,
        .span = slab->slices * SLICE_SIZE,
        .class = IMAGE_LARGE,
        .object_size = slab->slices * SLICE_SIZE,
        .objects = 1,
        .free_bits = &(uint64_t){0},
    };
    return visit_slab(w, &out);
}

static bool is_same(const struct slab *a, const struct slab *b)
{
    return a->start == b->start && a->size_class == b->size_class && a->free_bits == b->free_bits &&
           a->remote_bits == b->remote_bits;
}

/* The objects that the slab's bitmaps, wherever they lie, mark free. Returns 0 or -errno. */
static int read_free(const struct walk *w, const struct slab *slab, size_t words, uint64_t *free)
{
    uint64_t remote[WORDS_MAX];

    if (words == 1) {
        free[0] = slab->own_free | slab->own_remote;
        return 0;
    }
    int error = get(w->image->source, slab->remote_bits, remote, words * sizeof(remote[0]));
    if (!error)
        error = get(w->image->source, slab->free_bits, free, words * sizeof(free[0]));
    for (size_t i = 0; !error && i < words; i++)
        free[i] |= remote[i];
    return error;
}

/* Of objects that are watched, those are free too that the program has freed, and that only wait to be used again. */
static void add_held(const struct image *image, const struct image_slab *slab, uint64_t *free)
{
    struct fact facts[WORD_BITS];
    size_t offset = slab->start - image->ranges[0].base;
    size_t at = (offset >> SLICE_SHIFT) * FENCE_FACTS * sizeof(facts[0]);

    if (!image->facts.size || offset >= image->ranges[0].size || at >= image->facts.size)
        return;
    for (size_t i = 0; i < slab->objects; i += WORD_BITS) {
        size_t count = min_size(WORD_BITS, slab->objects - i);
        int error = image_get(image, image->facts.start + at + i * sizeof(facts[0]), facts, count * sizeof(facts[0]));
        if (error)
            return; /* not accessible: none of these was ever watched */
        for (size_t j = 0; j < count; j++)
            if (facts[j].life == LIFE_FREED && facts[j].class == slab->class)
                free[i / WORD_BITS] |= 1ull << j;
    }
}

/* Returns 0, -errno, or -EAGAIN when another slab has taken the place meanwhile. */
static int read_slab(const struct walk *w, const struct slab *slab, uintptr_t record, unsigned class)
{
    const struct image_class *c = &w->image->classes[class];
    size_t words = divide_up(c->objects, WORD_BITS);
    uint64_t free[WORDS_MAX];
    struct slab after;
    struct image_slab out = {
        .start = (uintptr_t)slab->start,
        .span = c->span,
        .class = class,
        .heap = slab->owner,
        .object_size = c->object_size,
        .objects = c->objects,
        .free_bits = free,
    };

    int error = read_free(w, slab, words, free);
    if (!error)
        error = get(w->image->source, (const void *)record, &after, sizeof(after));
    if (error)
        return error;
    if (!is_same(slab, &after))
        return -EAGAIN;
    add_held(w->image, &out, free);
    free[words - 1] &= low_bits((unsigned)(c->objects - (words - 1) * WORD_BITS));
    for (size_t i = 0; i < words; i++)
        out.free += count_bits(free[i]);
    return visit_slab(w, &out);
}

/* A slab begins at `slice`, the map says: its record is `slab`, unless it is just being carved or released. */
static int read_run(const struct walk *w, const struct image_range *range, size_t slice, uint16_t entry,
                    struct slab *slab)
{
    unsigned class = entry_class(entry);
    uintptr_t start = range->base + (slice << SLICE_SHIFT);
    uintptr_t record = range->records + slice * RANGE_RECORD;
    int error = -EAGAIN;

    for (int i = 0; error == -EAGAIN && i < TRIES; i++) {
        if (i > 0 && (error = get(w->image->source, (const void *)record, slab, sizeof(*slab))) < 0)
            return error;
        if (slab->size_class != class || (uintptr_t)slab->start != start)
            return 0;
        error = class == CLASS_LARGE ? visit_large(w, slab, start) : read_slab(w, slab, record, class);
    }
    return error == -EAGAIN ? 0 : error;
}

/* Whether the slice may be the first of a slab: others carry the same entry. */
static bool may_begin(const struct image *image, size_t slice, uint16_t entry)
{
    unsigned class = entry_class(entry);

    if (!entry || (class != CLASS_LARGE && class >= CLASS_COUNT))
        return false;
    return class == CLASS_LARGE || class_is_run(class) || slice % (image->classes[class].span >> SLICE_SHIFT) == 0;
}

static int walk_chunk(const struct walk *w, const struct image_range *range, size_t first)
{
    uint16_t entries[CHUNK_SLICES];
    unsigned char records[CHUNK_SLICES][RANGE_RECORD] __attribute__((aligned(CACHE_LINE)));
    int error = image_get(w->image, range->map + first * sizeof(entries[0]), entries, sizeof(entries));

    if (!error)
        error = image_get(w->image, range->records + first * RANGE_RECORD, records, sizeof(records));
    for (size_t i = 0; !error && i < CHUNK_SLICES; i++)
        if (may_begin(w->image, first + i, entries[i]))
            error = read_run(w, range, first + i, entries[i], (struct slab *)records[i]);
    return error;
}

static int walk_range(const struct walk *w, const struct image_range *range)
{
    size_t slices = range->committed >> SLICE_SHIFT;
    int error = 0;

    for (size_t first = 0; !error && first < slices; first += CHUNK_SLICES)
        error = walk_chunk(w, range, first);
    return error;
}

static int walk_slice(const struct walk *w, const struct image_range *range, size_t slice, uint16_t entry)
{
    struct slab slab;
    int error = image_get(w->image, range->records + slice * RANGE_RECORD, &slab, sizeof(slab));

    return error ? error : read_run(w, range, slice, entry, &slab);
}

/*
 * The entry of the slice that the run which holds `slice` begins with: of a slab it can be told, of any other run all
 * slices but the first have none. *first is that slice; 0 when there is no such run.
 */
static int find_first(const struct image *image, const struct image_range *range, size_t slice, size_t *first,
                      uint16_t *entry)
{
    uint16_t entries[CHUNK_SLICES];

    *entry = 0;
    for (size_t end = slice + 1; end > 0 && !*entry;) {
        size_t start = align_down(end - 1, CHUNK_SLICES);
        int error = image_get(image, range->map + start * sizeof(entries[0]), entries, sizeof(entries));
        if (error)
            return error;
        while (end > start && !*entry)
            *entry = entries[--end - start];
        *first = end;
    }
    unsigned class = entry_class(*entry);
    if (*entry && class < CLASS_COUNT && !class_is_run(class))
        *first = align_down(*first, image->classes[class].span >> SLICE_SHIFT);
    return 0;
}

/* --- objects between guards --- */

static int visit_slot(const struct walk *w, const struct slot *slot)
{
    struct image_slab out = {
        .start = slot->start,
        .span = max_size(slot->size, 1),
        .guarded = true,
        .class = IMAGE_LARGE,
        .object_size = max_size(slot->size, 1),
        .objects = 1,
        .free_bits = &(uint64_t){0},
    };
    bool sound = slot->start - w->image->slot_area < w->image->slot_area_size && slot->size <= w->image->slot_area_size;

    return slot->life == LIFE_LIVE && sound ? visit_slab(w, &out) : 0;
}

static int walk_band(const struct walk *w, const struct band *band)
{
    struct slot some[SLOTS_AT_ONCE];
    int error = 0;

    for (size_t i = 0; !error && i < min_size(band->made, band->count); i += SLOTS_AT_ONCE) {
        size_t count = min_size(SLOTS_AT_ONCE, band->made - i);
        error = get(w->image->source, band->slots + i, some, count * sizeof(some[0]));
        for (size_t j = 0; !error && j < count; j++)
            error = visit_slot(w, &some[j]);
    }
    return error;
}

/* Band by band, and so in the order of addresses. */
static int walk_slots(const struct walk *w)
{
    struct slots set;
    int error = w->image->slot_area_size ? image_get(w->image, w->image->slots, &set, sizeof(set)) : -ENOENT;

    if (error)
        return error == -ENOENT ? 0 : error;
    for (uint32_t i = 0; !error && i < min_size(set.band_count, BAND_MAX); i++)
        error = walk_band(w, &set.bands[i]);
    return error;
}

struct at {
    uintptr_t address;
    const struct image_visitor *visitor;
};

static int visit_if_holds(void *context, const struct image_slab *slab)
{
    const struct at *at = context;
    return at->address - slab->start < slab->span ? at->visitor->slab(at->visitor->context, slab) : 0;
}

int image_walk_at(const struct image *image, uintptr_t address, const struct image_visitor *visitor)
{
    struct at at = {.address = address, .visitor = visitor};
    const struct image_visitor only = {.slab = visit_if_holds, .context = &at};
    struct walk w = {.image = image, .visitor = &only};
    size_t first;
    uint16_t entry;

    for (unsigned i = 0; i < image->range_count; i++) {
        const struct image_range *range = &image->ranges[i];
        if (address - range->base >= range->committed)
            continue;
        int error = find_first(image, range, (address - range->base) >> SLICE_SHIFT, &first, &entry);
        if (error)
            return error;
        return may_begin(image, first, entry) ? walk_slice(&w, range, first, entry) : 0;
    }
    return address - image->slot_area < image->slot_area_size ? walk_slots(&w) : 0;
}

/* --- heaps --- */

/* How many slots lie from one to the other; 0 for what cannot be. */
static size_t slots_between(void **from, void **to)
{
    size_t count = ((uintptr_t)to - (uintptr_t)from) / sizeof(*from);
    return to > from && count <= UINT16_MAX ? count : 0;
}

/* `locked`: the heap is, for a refill or a flush of one of its magazines in all likelihood. */
static int walk_magazines(const struct walk *w, unsigned heap, bool locked, const struct magazine *at, unsigned count)
{
    struct magazine magazines[CLASS_COUNT];
    int error = get(w->image->source, at, magazines, count * sizeof(magazines[0]));

    for (unsigned class = 0; !error && class < count; class ++) {
        const struct magazine *m = &magazines[class];
        struct image_magazine out = {
            .heap = heap,
            .class = class,
            .slots = (uintptr_t)m->bottom,
            .count = slots_between(m->bottom, m->top),
            .unsettled = locked ? slots_between(m->top, m->limit) : 0,
        };
        if (out.count || out.unsettled)
            error = w->visitor->magazine(w->visitor->context, &out);
    }
    return error;
}

static int walk_both(const struct walk *w, unsigned index, const struct heap *at)
{
    struct lock lock;
    int error = get(w->image->source, &at->lock, &lock, sizeof(lock));

    if (!error)
        error = walk_magazines(w, index, lock.word != 0, at->magazines, CLASS_COUNT);
    return error ? error : walk_magazines(w, index, lock.word != 0, at->outbound, OUTBOUND_CLASSES);
}

static int visit_heap(const struct walk *w, unsigned index, const struct heap *at)
{
    struct heap head;
    struct image_tally tallies[CLASS_COUNT + 1];
    int error = get(w->image->source, at, &head, offsetof(struct heap, shelves));

    if (!error)
        error = get(w->image->source, &at->thread, &head.thread, sizeof(head.thread));
    if (!error)
        error = get(w->image->source, &at->kept, &head.kept, sizeof(head.kept));
    if (!error)
        error = get(w->image->source, at->tallies, tallies, sizeof(tallies));
    if (!error)
        error = get(w->image->source, &at->frees, &head.frees, sizeof(head.frees));
    if (error)
        return error;
    struct image_heap out = {
        .index = index,
        .thread = head.thread,
        .in_use = head.state == HEAP_OWNED,
        .kept = head.kept.count << SLICE_SHIFT,
        .frees = head.frees,
        .tallies = tallies,
    };
    return w->visitor->heap(w->visitor->context, &out);
}

int image_walk_heaps(const struct image *image, const struct image_visitor *visitor)
{
    const struct walk whole = {.image = image, .visitor = visitor}, *w = &whole;
    const struct heap *heap;
    int error = 0;

    for (unsigned i = 0; !error && i < w->image->heaps; i++) {
        error = image_get(w->image, w->image->heap_list + i * sizeof(heap), &heap, sizeof(heap));
        if (!error && w->visitor->heap)
            error = visit_heap(w, i, heap);
        if (!error && w->visitor->magazine)
            error = walk_both(w, i, heap);
    }
    return error;
}

int image_walk(const struct image *image, const struct image_visitor *visitor)
{
    struct walk w = {.image = image, .visitor = visitor};
    int error = 0;

    for (unsigned i = 0; !error && i < image->range_count; i++)
        error = walk_range(&w, &image->ranges[i]);
    if (!error)
        error = walk_slots(&w);
    return error ? error : image_walk_heaps(image, visitor);
}
