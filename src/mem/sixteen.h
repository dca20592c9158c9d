/*
 * sixteen.h - buffers of 16 to 63 bytes by vectors of 16 bytes, for instruction sets whose own vector is longer.
 *
 * Four vectors at fixed places are every such size: one at each end and, from 32 bytes on, one further inward of each.
 */
#ifndef LOAM_MEM_SIXTEEN_H
#define LOAM_MEM_SIXTEEN_H

#include "base/base.h"

#include <emmintrin.h>

INLINE __m128i load_16(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

INLINE void store_16(uint8_t *p, __m128i v)
{
    _mm_storeu_si128((__m128i *)p, v);
}

INLINE size_t inward_16(size_t n)
{
    return n / 32 * 16;
}

INLINE void copy_16_to_63(uint8_t *to, const uint8_t *from, size_t n)
{
    size_t second = inward_16(n), fourth = n - 16, third = fourth - second;
    __m128i a = load_16(from), b = load_16(from + second), c = load_16(from + third), d = load_16(from + fourth);
    store_16(to, a);
    store_16(to + second, b);
    store_16(to + third, c);
    store_16(to + fourth, d);
}

INLINE void set_16_to_63(uint8_t *to, uint8_t byte, size_t n)
{
    __m128i value = _mm_set1_epi8((char)byte);
    size_t second = inward_16(n), fourth = n - 16;
    store_16(to, value);
    store_16(to + second, value);
    store_16(to + fourth - second, value);
    store_16(to + fourth, value);
}

/* A bit for each byte that differs. */
INLINE uint64_t unequal_16(const uint8_t *a, const uint8_t *b)
{
    return 0xffffu ^ (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(load_16(a), load_16(b)));
}

INLINE uint64_t unequal_16_to_63(const uint8_t *a, const uint8_t *b, size_t n)
{
    size_t second = inward_16(n), fourth = n - 16, third = fourth - second;
    return unequal_16(a, b) | unequal_16(a + second, b + second) << second | unequal_16(a + third, b + third) << third |
           unequal_16(a + fourth, b + fourth) << fourth;
}

#endif
