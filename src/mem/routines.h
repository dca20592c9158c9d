/*
 * routines.h - the routines by size; included by the file of each instruction set, after its vector and what it does for
 * less than one: copy_short, set_short and compare_short, of n in 0..VECTOR - 1. TWO_APART is whether sizes of up to two
 * vectors are a case of their own: it is of use where a vector is a cache line and the processor stores one in a cycle.
 *
 * From COPY_OTHERWISE_FROM and SET_OTHERWISE_FROM bytes on another way is faster: copy_otherwise, of what does not overlap, and
 * set_otherwise.
 */
#ifndef LOAM_MEM_ROUTINES_H
#define LOAM_MEM_ROUTINES_H

#include "mem/compare.h"
#include "mem/copy.h"
#include "mem/find.h"
#include "mem/search.h"
#include "mem/set.h"

/* n > 8 * VECTOR. */
static NOINLINE void *copy_large(uint8_t *to, const uint8_t *from, size_t n)
{
    uintptr_t distance = (uintptr_t)to - (uintptr_t)from;

    if (distance < n)
        copy_down(to, from, n);
    else if (n < COPY_OTHERWISE_FROM || -distance < n)
        copy_up(to, from, n);
    else
        copy_otherwise(to, from, n);
    return to;
}

INLINE void *copy(uint8_t *to, const uint8_t *from, size_t n)
{
    if (LIKELY(n < VECTOR)) {
        copy_short(to, from, n);
        return to;
    }
    if (TWO_APART && LIKELY(n <= 2 * VECTOR)) {
        copy_two(to, from, n);
        return to;
    }
    if (LIKELY(n <= 4 * VECTOR)) {
        copy_four(to, from, n);
        return to;
    }
    if (LIKELY(n <= 8 * VECTOR)) {
        copy_eight(to, from, n);
        return to;
    }
    return copy_large(to, from, n);
}

INLINE void *set(uint8_t *to, int byte, size_t n)
{
    if (LIKELY(n < VECTOR)) {
        set_short(to, (uint8_t)byte, n);
        return to;
    }
    if (TWO_APART && LIKELY(n <= 2 * VECTOR)) {
        set_two(to, splat((uint8_t)byte), n);
        return to;
    }
    if (LIKELY(n <= 4 * VECTOR)) {
        set_four(to, splat((uint8_t)byte), n);
        return to;
    }
    if (LIKELY(n < SET_OTHERWISE_FROM))
        set_blocks(to, splat((uint8_t)byte), n);
    else
        set_otherwise(to, (uint8_t)byte, n);
    return to;
}

INLINE int compare(const uint8_t *a, const uint8_t *b, size_t n)
{
    if (LIKELY(n < VECTOR))
        return compare_short(a, b, n);
    if (TWO_APART && LIKELY(n <= 2 * VECTOR))
        return compare_two(a, b, n);
    return LIKELY(n <= 4 * VECTOR) ? compare_four(a, b, n) : compare_vectors(a, b, n);
}

INLINE void *find(const void *in, int byte, size_t n)
{
    return find_byte(in, (uint8_t)byte, n);
}

INLINE void *find_last(const void *in, int byte, size_t n)
{
    return find_last_byte(in, (uint8_t)byte, n);
}

INLINE void *search(const void *in, size_t n, const void *what, size_t m)
{
    if (m == 0)
        return (void *)in;
    if (n < m)
        return NULL;
    return m == 1 ? find(in, *(const uint8_t *)what, n) : search_vectors(in, n, what, m);
}

#endif
