/*
 * avx2.c - the routines by vectors of 32 bytes.
 */
#include "mem/mem.h"
#include "mem/sixteen.h"
#include "mem/small.h"

#include <immintrin.h>

typedef __m256i vector;
typedef __m256i flags; /* a byte of ones for each */
typedef uint32_t bits;

enum { VECTOR = sizeof(vector), FLAG_BITS = 1 };

static const bits ALL = UINT32_MAX;

INLINE vector load(const uint8_t *p)
{
    return _mm256_loadu_si256((const vector *)p);
}

INLINE vector load_aligned(const uint8_t *p)
{
    return _mm256_load_si256((const vector *)p);
}

INLINE void store(uint8_t *p, vector v)
{
    _mm256_storeu_si256((vector *)p, v);
}

INLINE void store_aligned(uint8_t *p, vector v)
{
    _mm256_store_si256((vector *)p, v);
}

INLINE void stream(uint8_t *p, vector v)
{
    _mm256_stream_si256((vector *)p, v);
}

INLINE vector splat(uint8_t byte)
{
    return _mm256_set1_epi8((char)byte);
}

INLINE flags equal(vector a, vector b)
{
    return _mm256_cmpeq_epi8(a, b);
}

INLINE flags either(flags a, flags b)
{
    return _mm256_or_si256(a, b);
}

INLINE flags both(flags a, flags b)
{
    return _mm256_and_si256(a, b);
}

INLINE bits bits_of(flags f)
{
    return (bits)_mm256_movemask_epi8(f);
}

#include "mem/compare.h"

/* What is less than a vector. */
INLINE void copy_short(uint8_t *to, const uint8_t *from, size_t n)
{
    if (n >= 16)
        copy_16_to_63(to, from, n);
    else
        copy_to_16(to, from, n);
}

INLINE void set_short(uint8_t *to, uint8_t byte, size_t n)
{
    if (n >= 16)
        set_16_to_63(to, byte, n);
    else
        set_to_16(to, byte * REPEATED, n);
}

INLINE int compare_short(const uint8_t *a, const uint8_t *b, size_t n)
{
    return n >= 16 ? order_at(a, b, (bits)unequal_16_to_63(a, b, n)) : compare_to_16(a, b, n);
}

#include "mem/stream.h"

static const size_t COPY_OTHERWISE_FROM = STREAM_COPY_FROM, SET_OTHERWISE_FROM = STREAM_SET_FROM;

INLINE void copy_otherwise(uint8_t *to, const uint8_t *from, size_t n)
{
    stream_copy(to, from, n);
}

INLINE void set_otherwise(uint8_t *to, uint8_t byte, size_t n)
{
    stream_set(to, splat(byte), n);
}

#include "mem/routines.h"

#define LEVEL avx2
#include "mem/level.h"
