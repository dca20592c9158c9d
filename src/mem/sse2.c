/*
 * sse2.c - the routines by vectors of 16 bytes: what every x86-64 processor has.
 */
#include "mem/mem.h"
#include "mem/short.h"

#include <emmintrin.h>

typedef __m128i vector;
typedef __m128i flags; /* a byte of ones for each */
typedef uint32_t bits;

enum { VECTOR = sizeof(vector), FLAG_BITS = 1 };

static const bits ALL = 0xffff;

INLINE vector load(const uint8_t *p)
{
    return _mm_loadu_si128((const vector *)p);
}

INLINE vector load_aligned(const uint8_t *p)
{
    return _mm_load_si128((const vector *)p);
}

INLINE void store(uint8_t *p, vector v)
{
    _mm_storeu_si128((vector *)p, v);
}

INLINE void store_aligned(uint8_t *p, vector v)
{
    _mm_store_si128((vector *)p, v);
}

INLINE void stream(uint8_t *p, vector v)
{
    _mm_stream_si128((vector *)p, v);
}

INLINE vector splat(uint8_t byte)
{
    return _mm_set1_epi8((char)byte);
}

INLINE flags equal(vector a, vector b)
{
    return _mm_cmpeq_epi8(a, b);
}

INLINE flags either(flags a, flags b)
{
    return _mm_or_si128(a, b);
}

INLINE flags both(flags a, flags b)
{
    return _mm_and_si128(a, b);
}

INLINE bits bits_of(flags f)
{
    return (bits)_mm_movemask_epi8(f);
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

#define LEVEL sse2
#include "mem/level.h"
