/*
 * vector.h - what the algorithms know of a vector; included by the file of each instruction set, which has defined
 * before:
 *
 *   vector    VECTOR bytes, with load, load_aligned, store, store_aligned and splat
 *   flags     what equal(vector, vector) gives: one for each byte, as the processor has it; either() and both() of two
 *   bits      the same as a number, FLAG_BITS for each byte, the first one lowest: bits_of(flags); ALL, if all are
 *             equal
 */
#ifndef LOAM_MEM_VECTOR_H
#define LOAM_MEM_VECTOR_H

#include "base/base.h"

/*
 * Of two ways that are both common, the one to fall through to. To the compiler, what is not likely is rare, and may
 * share its end with others by a jump; a jump more is a fifth of a short call.
 */
#define SOONER(x) __builtin_expect_with_probability(!!(x), 1, 0.6)

/* The first and the last byte that has a flag; there is one. */
INLINE unsigned first_of(bits b)
{
    return (unsigned)__builtin_ctzll(b) / FLAG_BITS;
}

INLINE unsigned last_of(bits b)
{
    return (63u - (unsigned)__builtin_clzll(b)) / FLAG_BITS;
}

/* Without those of the first `count` bytes, count in 0..VECTOR - 1: the next one's becomes the first. */
INLINE bits without_first(bits b, unsigned count)
{
    return b >> count * FLAG_BITS;
}

/* Those of the first `count` bytes only, count in 1..VECTOR. */
INLINE bits only_first(bits b, unsigned count)
{
    return b & ALL >> (VECTOR - count) * FLAG_BITS;
}

/* Without that of the first byte that has one. */
INLINE bits without_lowest(bits b)
{
    return FLAG_BITS == 1 ? b & (b - 1) : b & ~(low_bits(FLAG_BITS) << first_of(b) * FLAG_BITS);
}

INLINE bool any(flags f)
{
    return bits_of(f) != 0;
}

/*
 * Four vectors, at 0, inward(n), n - VECTOR - inward(n) and n - VECTOR, are every size n of VECTOR to 4 * VECTOR:
 * programs draw sizes at random, and a branch that is mispredicted costs more than two vectors that were not needed.
 */
INLINE size_t inward(size_t n)
{
    return (n - 1) / (2 * VECTOR) * VECTOR;
}

INLINE bool in_one_page(const uint8_t *p)
{
    return (uintptr_t)p % PAGE_SIZE <= PAGE_SIZE - VECTOR;
}

INLINE const uint8_t *aligned_down(const uint8_t *p)
{
    return p - (uintptr_t)p % VECTOR;
}

#endif
