/*
 * sse2.c - the routines by vectors of 16 bytes: what every x86-64 processor has.
 */
#include "mem/mem.h"
#include "mem/small.h"

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

/* What is less than a vector. */
INLINE void copy_short(uint8_t *to, const uint8_t *from, size_t n)
{
    copy_to_16(to, from, n);
}

INLINE void set_short(uint8_t *to, uint8_t byte, size_t n)
{
    set_to_16(to, byte * REPEATED, n);
}

INLINE int compare_short(const uint8_t *a, const uint8_t *b, size_t n)
{
    return compare_to_16(a, b, n);
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

void *copy_sse2(void *to, const void *from, size_t n)
{
    return copy(to, from, n);
}

void *set_sse2(void *to, int byte, size_t n)
{
    return set(to, byte, n);
}

int compare_sse2(const void *a, const void *b, size_t n)
{
    return compare(a, b, n);
}

void *find_sse2(const void *in, int byte, size_t n)
{
    return find(in, byte, n);
}

void *find_last_sse2(const void *in, int byte, size_t n)
{
    return find_last(in, byte, n);
}

void *search_sse2(const void *in, size_t n, const void *what, size_t m)
{
    return search(in, n, what, m);
}
