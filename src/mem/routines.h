/*
 * routines.h - the routines by size; included by the file of each instruction set, after its vector and what it does
 * for less than one: copy_short, set_short and compare_short, of n in 0..VECTOR - 1.
 *
 * From COPY_OTHERWISE_FROM and SET_OTHERWISE_FROM bytes on another way is faster: copy_otherwise, of what does not
 * overlap, and set_otherwise.
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

static NOINLINE void *set_large(uint8_t *to, uint8_t byte, size_t n)
{
    if (SOONER(n < SET_OTHERWISE_FROM))
        set_blocks(to, splat(byte), n, store_aligned);
    else
        set_otherwise(to, byte, n);
    return to;
}

/* n >= VECTOR, here and in set_long and compare_long. */
INLINE void *copy_long(uint8_t *to, const uint8_t *from, size_t n)
{
    if (SOONER(n <= 4 * VECTOR))
        copy_four(to, from, n);
    else if (SOONER(n <= 8 * VECTOR))
        copy_eight(to, from, n);
    else
        return copy_large(to, from, n);
    return to;
}

INLINE void *set_long(uint8_t *to, uint8_t byte, size_t n)
{
    if (SOONER(n <= 4 * VECTOR))
        set_four(to, splat(byte), n);
    else
        return set_large(to, byte, n);
    return to;
}

INLINE int compare_long(const uint8_t *a, const uint8_t *b, size_t n)
{
    return SOONER(n <= 4 * VECTOR) ? compare_four(a, b, n) : compare_vectors(a, b, n);
}

INLINE void *find(const void *in, int byte, size_t n)
{
    return n - 1 < VECTOR ? find_short(in, (uint8_t)byte, n) : find_long(in, (uint8_t)byte, n);
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
