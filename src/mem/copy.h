/*
 * copy.h - memmove in terms of a vector; included by the file of each instruction set, after its vector.
 *
 * Up to BATCH vectors everything is loaded before anything is stored, so that no overlap matters. Beyond, blocks of four
 * vectors go from the end that the overlap leaves whole: upwards, unless the target begins inside the source. The
 * vectors at both ends are loaded before the first block is stored and stored after the last, so that the blocks between
 * begin where the target is aligned - a store that crosses a line costs twice, a load does not - and need no
 * remainder.
 */
#ifndef LOAM_MEM_COPY_H
#define LOAM_MEM_COPY_H

#include "mem/vector.h"

enum { BLOCK = 4 * VECTOR };

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
    from += n - BLOCK;
    vector e = load(from), f = load(from + VECTOR), g = load(from + 2 * VECTOR), h = load(from + 3 * VECTOR);
    store(to, a), store(to + VECTOR, b), store(to + 2 * VECTOR, c), store(to + 3 * VECTOR, d);
    to += n - BLOCK;
    store(to, e), store(to + VECTOR, f), store(to + 2 * VECTOR, g), store(to + 3 * VECTOR, h);
}

INLINE void copy_block(uint8_t *to, const uint8_t *from)
{
    vector a = load(from), b = load(from + VECTOR), c = load(from + 2 * VECTOR), d = load(from + 3 * VECTOR);
    store_aligned(to, a);
    store_aligned(to + VECTOR, b);
    store_aligned(to + 2 * VECTOR, c);
    store_aligned(to + 3 * VECTOR, d);
}

/* n > BLOCK; the target does not begin inside the source. */
INLINE void copy_up(uint8_t *to, const uint8_t *from, size_t n)
{
    vector head = load(from);
    const uint8_t *tail = from + n - BLOCK;
    vector a = load(tail), b = load(tail + VECTOR), c = load(tail + 2 * VECTOR), d = load(tail + 3 * VECTOR);
    uint8_t *end = to + n - BLOCK;
    size_t skip = VECTOR - (uintptr_t)to % VECTOR;

    uint8_t *at = to + skip;
    from += skip;
    for (; at < end; at += BLOCK, from += BLOCK)
        copy_block(at, from);
    store(end, a), store(end + VECTOR, b), store(end + 2 * VECTOR, c), store(end + 3 * VECTOR, d);
    store(to, head);
}

/* n > BLOCK. */
INLINE void copy_down(uint8_t *to, const uint8_t *from, size_t n)
{
    vector a = load(from), b = load(from + VECTOR), c = load(from + 2 * VECTOR), d = load(from + 3 * VECTOR);
    vector tail = load(from + n - VECTOR);
    uint8_t *end = to + n;
    uint8_t *at = (uint8_t *)aligned_down(end - 1);

    from += at - to;
    for (; at - to > BLOCK; at -= BLOCK, from -= BLOCK)
        copy_block(at - BLOCK, from - BLOCK);
    store(to, a), store(to + VECTOR, b), store(to + 2 * VECTOR, c), store(to + 3 * VECTOR, d);
    store(end - VECTOR, tail);
}

#endif
