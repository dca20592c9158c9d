/*
 * copy.h - memmove in terms of a vector; included by the file of each instruction set, after its vector.
 *
 * Up to eight vectors everything is loaded before anything is stored, so that no overlap matters. Beyond, blocks go
 * from the end that the overlap leaves whole: upwards, unless the target begins inside the source. What lies at both
 * ends is loaded before the first block is stored and stored after the last, so that the blocks between begin where the
 * target is aligned - a store that crosses a line costs twice, a load does not - and need no remainder.
 */
#ifndef LOAM_MEM_COPY_H
#define LOAM_MEM_COPY_H

#include "mem/vector.h"

/* A block of long vectors is two: more of it would be at the end, where stores cross lines. */
enum { BLOCK = VECTOR < 64 ? 4 * VECTOR : 2 * VECTOR };

/* n in VECTOR..2 * VECTOR. */
INLINE void copy_two(uint8_t *to, const uint8_t *from, size_t n)
{
    vector head = load(from), tail = load(from + n - VECTOR);
    store(to, head);
    store(to + n - VECTOR, tail);
}

/* n in VECTOR..4 * VECTOR. */
INLINE void copy_four(uint8_t *to, const uint8_t *from, size_t n)
{
    size_t second = inward(n), fourth = n - VECTOR, third = fourth - second;
    vector a = load(from), b = load(from + second), c = load(from + third), d = load(from + fourth);
    store(to, a);
    store(to + second, b);
    store(to + third, c);
    store(to + fourth, d);
}

/* n in 4 * VECTOR..8 * VECTOR. */
INLINE void copy_eight(uint8_t *to, const uint8_t *from, size_t n)
{
    vector a = load(from), b = load(from + VECTOR), c = load(from + 2 * VECTOR), d = load(from + 3 * VECTOR);
    from += n - 4 * VECTOR;
    vector e = load(from), f = load(from + VECTOR), g = load(from + 2 * VECTOR), h = load(from + 3 * VECTOR);
    store(to, a), store(to + VECTOR, b), store(to + 2 * VECTOR, c), store(to + 3 * VECTOR, d);
    to += n - 4 * VECTOR;
    store(to, e), store(to + VECTOR, f), store(to + 2 * VECTOR, g), store(to + 3 * VECTOR, h);
}

struct block {
    vector v[BLOCK / VECTOR];
};

INLINE struct block load_block(const uint8_t *from)
{
    struct block block;

    for (int i = 0; i < BLOCK / VECTOR; i++)
        block.v[i] = load(from + i * VECTOR);
    return block;
}

INLINE void store_block(uint8_t *to, const struct block *block)
{
    for (int i = 0; i < BLOCK / VECTOR; i++)
        store(to + i * VECTOR, block->v[i]);
}

INLINE void copy_block(uint8_t *to, const uint8_t *from)
{
    struct block block = load_block(from);
    for (int i = 0; i < BLOCK / VECTOR; i++)
        store_aligned(to + i * VECTOR, block.v[i]);
}

/* n > BLOCK; the target does not begin inside the source. */
INLINE void copy_up(uint8_t *to, const uint8_t *from, size_t n)
{
    vector head = load(from);
    struct block tail = load_block(from + n - BLOCK);
    uint8_t *end = to + n - BLOCK;
    size_t skip = VECTOR - (uintptr_t)to % VECTOR;

    uint8_t *at = to + skip;
    from += skip;
    for (; at < end; at += BLOCK, from += BLOCK)
        copy_block(at, from);
    store_block(end, &tail);
    store(to, head);
}

/* n > BLOCK. */
INLINE void copy_down(uint8_t *to, const uint8_t *from, size_t n)
{
    struct block head = load_block(from);
    vector tail = load(from + n - VECTOR);
    uint8_t *end = to + n;
    uint8_t *at = (uint8_t *)aligned_down(end - 1);

    from += at - to;
    for (; at - to > BLOCK; at -= BLOCK, from -= BLOCK)
        copy_block(at - BLOCK, from - BLOCK);
    store_block(to, &head);
    store(end - VECTOR, tail);
}

#endif
