/* class.c - see class.h. */
#include "heap/class.h"

struct class_table classes;

enum {
    SLAB_OBJECTS_MIN = 8, /* a slab takes more slices rather than hold fewer */
    FRAMED_MIN = 1024,    /* from here on, a class for a power of two with a header */
};

/* The next size after `size`. */
static size_t next_size(size_t size)
{
    if (size < 16)
        return size + 8;
    if (size < 256)
        return size + 16;
    size_t doubling = (size_t)1 << floor_log2(size);
    if (size >= SLAB_MAX)
        return size + doubling / 4;
    size_t framed = doubling < PAGE_SIZE ? doubling + 16 : align_down(doubling * 16 / 15, 16);
    if (size == doubling && size >= FRAMED_MIN)
        return framed;
    return (size == framed ? doubling : size) + doubling / 8;
}

/*
 * Small objects pass through in larger numbers: the bytes that wait in a magazine are few all the same. But each may be
 * the last of its slab, and if they are `scattered`, most are.
 */
static size_t magazine_capacity(size_t size, bool scattered)
{
    size_t bytes = size <= TINY_MAX ? TINY_BYTES : MAGAZINE_BYTES;
    size_t wanted = scattered ? MAGAZINE_MIN : max_size(MAGAZINE_MIN, bytes / size);
    return min_size(wanted, max_size(1, MAGAZINE_BYTES_MAX / size));
}

static struct size_class describe(size_t size, bool scattered)
{
    struct size_class c = {.size = (uint32_t)size};
    size_t step = size;

    if (size > SLAB_MAX) {
        c.slices = (uint16_t)divide_up(size, SLICE_SIZE);
        c.mask = SLICE_SIZE - 1;
        c.objects = 1;
        step = SLICE_SIZE;
    } else {
        c.slices = 1;
        while (c.slices * SLICE_SIZE < size * SLAB_OBJECTS_MIN)
            c.slices *= 2;
        c.mask = (uint32_t)(c.slices * SLICE_SIZE - 1);
        c.objects = (uint16_t)(c.slices * SLICE_SIZE / size);
    }
    c.inverse = UINT64_MAX / step + 1;
    c.words = (uint16_t)divide_up(c.objects, WORD_BITS);
    c.capacity = (uint16_t)magazine_capacity(size, scattered);
    return c;
}

static void fill_table(uint8_t *table, size_t entries, unsigned shift)
{
    unsigned class = 0;

    for (size_t i = 0; i < entries; i++) {
        while (classes.list[class].size < i << shift)
            class ++;
        table[i] = (uint8_t) class;
    }
}

void class_start(bool scattered)
{
    size_t size = 8;

    classes.magazine_slots = 0;
    for (unsigned i = 0; i < CLASS_COUNT; i++, size = next_size(size)) {
        classes.list[i] = describe(size, scattered);
        classes.magazine_slots += classes.list[i].capacity;
    }
    assert(classes.list[CLASS_COUNT - 1].size == CLASS_MAX);
    assert(classes.list[FIRST_RUN - 1].size == SLAB_MAX);
    fill_table(classes.of_small, LENGTH(classes.of_small), SMALL_STEP_SHIFT);
    fill_table(classes.of_slab, LENGTH(classes.of_slab), SLAB_STEP_SHIFT);
}

/* Four classes per doubling: the two bits below the highest of size - 1 say which. */
unsigned class_of_run(size_t size)
{
    unsigned doubling = floor_log2(size - 1);

    return FIRST_RUN + (doubling - SLAB_MAX_SHIFT) * 4 + (unsigned)((size - 1) >> (doubling - 2) & 3);
}

/* From a multiple of the alignment on: the next class that is one is at most a few away. */
unsigned class_of_aligned(size_t size, size_t align)
{
    if (align > SLICE_SIZE || size > CLASS_MAX)
        return CLASS_COUNT;
    unsigned class = class_of(align_up(size, align));
    while (classes.list[class].size <= SLAB_MAX && (classes.list[class].size & (align - 1)) != 0)
        class ++;
    return class;
}
