/*
 * image.c - see image.h.
 *
 * Slabs are counted first: what is not marked free in one is in use. Then what magazines hold is
 * taken off, since they hold objects that no bitmap marks.
 */
#include "image/image.h"

#include "heap/root.h"

#include <errno.h>
#include <string.h>

enum { WORDS_MAX = 128 };

struct reading {
    const struct image_source *source;
    struct image_figures *out;
    struct size_class classes[CLASS_COUNT];
};

static int copy_self(void *context, uintptr_t address, void *to, size_t size)
{
    (void)context;
    memcpy(to, (const void *)address, size);
    return 0;
}

const struct image_source image_self = {.read = copy_self};

static int get(const struct reading *r, const volatile void *address, void *to, size_t size)
{
    return r->source->read(r->source->context, (uintptr_t)address, to, size);
}

static int count_free(const struct reading *r, const volatile void *bits, size_t words, uint64_t *count)
{
    uint64_t buffer[WORDS_MAX];
    int error = get(r, bits, buffer, words * sizeof(buffer[0]));

    for (size_t w = 0; !error && w < words; w++)
        *count += count_bits(buffer[w]);
    return error;
}

static int add_slab(struct reading *r, unsigned class, const struct slab *slab)
{
    struct image_class *to = &r->out->classes[class];
    const struct size_class *c = &r->classes[class];
    uint64_t free = 0;

    int error = count_free(r, slab->free_bits, c->words, &free);
    if (!error)
        error = count_free(r, slab->remote_bits, c->words, &free);
    if (error)
        return error;
    if (free > c->objects)
        free = c->objects;
    to->slabs++;
    to->free += free;
    to->live += c->objects - free;
    to->span += c->slices * SLICE_SIZE;
    return 0;
}

static void add_large(struct reading *r, const struct slab *slab)
{
    r->out->large.slabs++;
    r->out->large.live++;
    r->out->large.span += slab->slices * SLICE_SIZE;
}

/* Whether the slice is the first of its slab: the others carry the same entry. */
static int is_first(const struct reading *r, unsigned class, size_t slice)
{
    return !(slice & (r->classes[class].mask >> SLICE_SHIFT));
}

static int read_slice(struct reading *r, const struct range *range, size_t slice, uint16_t entry)
{
    unsigned class = entry_class(entry);
    struct slab slab;

    if (!entry || (class != CLASS_LARGE && class >= CLASS_COUNT) || (class < CLASS_COUNT && !is_first(r, class, slice)))
        return 0;
    int error = get(r, range->records + slice * RANGE_RECORD, &slab, sizeof(slab));
    if (error)
        return error;
    if (class == CLASS_LARGE) {
        add_large(r, &slab);
        return 0;
    }
    return slab.size_class == class ? add_slab(r, class, &slab) : 0; /* else just being carved */
}

static int read_range(struct reading *r, const struct range *range)
{
    size_t slices = range->committed >> SLICE_SHIFT;
    uint16_t entries[CHUNK_SLICES];

    for (size_t slice = 0; slice < slices; slice += CHUNK_SLICES) {
        int error = get(r, range->map + slice, entries, sizeof(entries));
        for (size_t i = 0; !error && i < CHUNK_SLICES; i++)
            error = read_slice(r, range, slice + i, entries[i]);
        if (error)
            return error;
    }
    r->out->committed += range->committed;
    return 0;
}

static int read_ranges(struct reading *r, const struct range_set *at)
{
    struct range_set set;
    int error = get(r, at, &set, sizeof(set));

    if (error)
        return error;
    for (uint32_t i = 0; !error && i < set.count && i < RANGE_MAX; i++)
        error = read_range(r, &set.list[i]);
    r->out->dirty = set.dirty_slices << SLICE_SHIFT;
    r->out->metadata = set.metadata_bytes;
    return error;
}

/* `count` objects that no bitmap marks are free all the same. */
static void add_cached(struct reading *r, unsigned class, uint64_t count)
{
    struct image_class *to = &r->out->classes[class];

    if (count > to->live)
        count = to->live;
    to->cached += count;
    to->live -= count;
}

static int read_magazines(struct reading *r, const struct magazine *at, unsigned count)
{
    struct magazine magazines[CLASS_COUNT];
    int error = get(r, at, magazines, count * sizeof(magazines[0]));

    for (unsigned class = 0; !error && class < count; class ++)
        add_cached(r, class, (uint64_t)(magazines[class].top - magazines[class].bottom));
    return error;
}

static int read_tallies(struct reading *r, const struct heap *at)
{
    struct tally tallies[CLASS_COUNT + 1];
    uint64_t frees;
    int error = get(r, at->tallies, tallies, sizeof(tallies));

    if (!error)
        error = get(r, &at->frees, &frees, sizeof(frees));
    if (error)
        return error;
    for (unsigned class = 0; class <= CLASS_COUNT; class ++) {
        struct image_class *to = class == CLASS_COUNT ? &r->out->large : &r->out->classes[class];
        to->allocations += tallies[class].allocations;
        to->requested += tallies[class].requested;
    }
    r->out->frees += frees;
    return 0;
}

static int read_heaps(struct reading *r, const struct heap_table *at)
{
    struct heap *heap;
    uint32_t counts[3];
    int error = get(r, &at->count, counts, sizeof(counts));

    r->out->heaps = counts[0];
    r->out->heaps_in_use = counts[1];
    r->out->heaps_peak = counts[2];
    for (uint32_t i = 0; !error && i < counts[0] && i < HEAP_MAX; i++) {
        error = get(r, &at->list[i], &heap, sizeof(heap));
        if (!error)
            error = read_magazines(r, heap->magazines, CLASS_COUNT);
        if (!error)
            error = read_magazines(r, heap->outbound, OUTBOUND_CLASSES);
        if (!error)
            error = read_tallies(r, heap);
    }
    return error;
}

static int read_classes(struct reading *r, const struct class_table *at)
{
    int error = get(r, at->list, r->classes, sizeof(r->classes));

    r->out->class_count = CLASS_COUNT;
    for (unsigned class = 0; !error && class < CLASS_COUNT; class ++) {
        struct size_class *c = &r->classes[class];
        if (c->words > WORDS_MAX || !c->slices || !c->objects)
            return -EPROTO;
        r->out->classes[class].object_size = c->size;
    }
    return error;
}

static void add_up(struct image_figures *out)
{
    for (unsigned class = 0; class < CLASS_COUNT; class ++) {
        const struct image_class *c = &out->classes[class];
        out->live_objects += c->live;
        out->live_bytes += c->live * c->object_size;
        out->cached_bytes += c->cached * c->object_size;
        out->free_bytes += c->free * c->object_size;
    }
    out->live_objects += out->large.live;
    out->live_bytes += out->large.span;
}

int image_read(const struct image_source *source, uintptr_t root, struct image_figures *out)
{
    struct reading r = {.source = source, .out = out};
    struct root top;

    memset(out, 0, sizeof(*out));
    int error = get(&r, (const void *)root, &top, sizeof(top));
    if (error)
        return error;
    if (top.magic != ROOT_MAGIC || top.version != ROOT_VERSION || top.size != sizeof(top))
        return -EPROTO;
    error = read_classes(&r, top.classes);
    if (!error)
        error = read_ranges(&r, top.ranges);
    if (!error)
        error = read_heaps(&r, top.heaps);
    if (!error)
        add_up(out);
    return error;
}
