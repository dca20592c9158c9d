/*
 * set.h - memset in terms of a vector; included by the file of each instruction set, after its vector.
 *
 * As in copy.h: pieces that overlap up to four vectors, then aligned blocks between a head and a tail.
 */
#ifndef LOAM_MEM_SET_H
#define LOAM_MEM_SET_H

#include "mem/vector.h"

/* n in VECTOR..2 * VECTOR. */
INLINE void set_two(uint8_t *to, vector value, size_t n)
{
    store(to, value);
    store(to + n - VECTOR, value);
}

/* n in VECTOR..4 * VECTOR. */
INLINE void set_four(uint8_t *to, vector value, size_t n)
{
    size_t second = inward(n), fourth = n - VECTOR;
    store(to, value);
    store(to + second, value);
    store(to + fourth - second, value);
    store(to + fourth, value);
}

/* n > 4 * VECTOR; `put` stores a vector that is aligned. */
INLINE void set_blocks(uint8_t *to, vector value, size_t n, void (*put)(uint8_t *, vector))
{
    uint8_t *end = to + n - 4 * VECTOR;

    store(to, value);
    for (to += VECTOR - (uintptr_t)to % VECTOR; to < end; to += 4 * VECTOR) {
        put(to, value), put(to + VECTOR, value);
        put(to + 2 * VECTOR, value), put(to + 3 * VECTOR, value);
    }
    set_four(end, value, 4 * VECTOR);
}

#endif
