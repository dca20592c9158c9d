/*
 * avx512.c - the routines by vectors of 64 bytes and masks: AVX-512 BW and VL, with BMI2.
 *
 * Up to 64 bytes, one masked load and one masked store are every size, with no branch to mispredict. Only, what a
 * masked store has written cannot be forwarded to a load before it has reached the cache: some 12 ns instead of 4 for
 * who reads it back at once. Programs do that with what they take for words and structures, whose sizes are whole
 * words; those take the pieces of small.h, and all others - texts - the mask.
 *
 * A masked byte is not touched, even in a page that is not there; but then the instruction takes 120 to 150 ns. Sources
 * end right before such a page only by chance; but whoever fills fresh memory, one text behind the other, meets one at
 * the end of each page: there, too, the pieces are taken.
 */
#include "mem/mem.h"
#include "mem/sixteen.h"
#include "mem/small.h"

#include <immintrin.h>

typedef __m512i vector;
typedef __mmask64 flags;
typedef uint64_t bits;

enum { VECTOR = sizeof(vector), FLAG_BITS = 1 };

static const bits ALL = UINT64_MAX;

INLINE vector load(const uint8_t *p)
{
    return _mm512_loadu_si512(p);
}

INLINE vector load_aligned(const uint8_t *p)
{
    return _mm512_load_si512(p);
}

INLINE void store(uint8_t *p, vector v)
{
    _mm512_storeu_si512(p, v);
}

INLINE void store_aligned(uint8_t *p, vector v)
{
    _mm512_store_si512(p, v);
}

INLINE void stream(uint8_t *p, vector v)
{
    _mm512_stream_si512((vector *)p, v);
}

INLINE vector splat(uint8_t byte)
{
    return _mm512_set1_epi8((char)byte);
}

INLINE flags equal(vector a, vector b)
{
    return _mm512_cmpeq_epi8_mask(a, b);
}

INLINE flags either(flags a, flags b)
{
    return a | b;
}

INLINE flags both(flags a, flags b)
{
    return a & b;
}

INLINE bits bits_of(flags f)
{
    return f;
}

/* A mask of the first n bytes, n in 0..255; of all from 64 on. */
INLINE __mmask64 first_bytes(size_t n)
{
    return _bzhi_u64(UINT64_MAX, (unsigned)n);
}

#include "mem/compare.h"

/* The sizes below 64 that words and structures have; and 0, for which the page may not be there. */
static const uint64_t SIZES_OF_WORDS =
    1ull << 0 | 1ull << 4 | 1ull << 8 | 1ull << 16 | 1ull << 24 | 1ull << 32 | 1ull << 40 | 1ull << 48 | 1ull << 56;

INLINE bool is_of_words(size_t n)
{
    return SIZES_OF_WORDS >> n & 1;
}

/* n in 0..VECTOR - 1, by plain stores. */
INLINE void copy_pieces(uint8_t *to, const uint8_t *from, size_t n)
{
    if (LIKELY(n - 8 <= 8))
        copy_8_to_16(to, from, n);
    else if (n > 16)
        copy_16_to_63(to, from, n);
    else
        copy_below_8(to, from, n);
}

INLINE void copy_short(uint8_t *to, const uint8_t *from, size_t n)
{
    __mmask64 mask = first_bytes(n);

    if (LIKELY(!is_of_words(n) && in_one_page(to)))
        _mm512_mask_storeu_epi8(to, mask, _mm512_maskz_loadu_epi8(mask, from));
    else
        copy_pieces(to, from, n);
}

INLINE void set_short(uint8_t *to, uint8_t byte, size_t n)
{
    if (LIKELY(in_one_page(to)))
        _mm512_mask_storeu_epi8(to, first_bytes(n), splat(byte));
    else if (n >= 16)
        set_16_to_63(to, byte, n);
    else
        set_to_16(to, byte * REPEATED, n);
}

INLINE int compare_short(const uint8_t *a, const uint8_t *b, size_t n)
{
    __mmask64 mask = first_bytes(n);
    return order_at(a, b, _mm512_cmpneq_epi8_mask(_mm512_maskz_loadu_epi8(mask, a), _mm512_maskz_loadu_epi8(mask, b)));
}

#include "mem/stream.h"

/*
 * From the second cache on, the processor's own strings are as fast as the vectors or faster, since it knows from the
 * start what will be overwritten; they take long to begin, and want the target aligned.
 */
static const size_t COPY_OTHERWISE_FROM = 64 * KIB, SET_OTHERWISE_FROM = 64 * KIB;

static NOINLINE void copy_otherwise(uint8_t *to, const uint8_t *from, size_t n)
{
    if (n >= STREAM_COPY_FROM) {
        stream_copy(to, from, n);
        return;
    }
    size_t skip = VECTOR - (uintptr_t)to % VECTOR;
    store(to, load(from));
    to += skip;
    from += skip;
    n -= skip;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static NOINLINE void set_otherwise(uint8_t *to, uint8_t byte, size_t n)
{
    if (n >= STREAM_SET_FROM) {
        stream_set(to, splat(byte), n);
        return;
    }
    size_t skip = VECTOR - (uintptr_t)to % VECTOR;
    store(to, splat(byte));
    to += skip;
    n -= skip;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
}

#include "mem/routines.h"

#include "mem/names.h"
