/*
 * neon.c - the routines by vectors of 16 bytes on aarch64.
 *
 * There is no instruction that gathers a bit of each byte; narrowing each pair of bytes by four bits gathers four of
 * each.
 */
#include "mem/mem.h"
#include "mem/short.h"

#include <arm_neon.h>

typedef uint8x16_t vector;
typedef uint8x16_t flags; /* a byte of ones for each */
typedef uint64_t bits;

enum { VECTOR = sizeof(vector), FLAG_BITS = 4 };

static const bits ALL = UINT64_MAX;

INLINE vector load(const uint8_t *p)
{
    return vld1q_u8(p);
}

INLINE vector load_aligned(const uint8_t *p)
{
    return vld1q_u8(p);
}

INLINE void store(uint8_t *p, vector v)
{
    vst1q_u8(p, v);
}

INLINE void store_aligned(uint8_t *p, vector v)
{
    vst1q_u8(p, v);
}

INLINE vector splat(uint8_t byte)
{
    return vdupq_n_u8(byte);
}

INLINE flags equal(vector a, vector b)
{
    return vceqq_u8(a, b);
}

INLINE flags either(flags a, flags b)
{
    return vorrq_u8(a, b);
}

INLINE flags both(flags a, flags b)
{
    return vandq_u8(a, b);
}

INLINE bits bits_of(flags f)
{
    return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(f), 4)), 0);
}

#include "mem/copy.h"
#include "mem/set.h"

/* No other way is known to be faster. */
static const size_t COPY_OTHERWISE_FROM = SIZE_MAX, SET_OTHERWISE_FROM = SIZE_MAX;

INLINE void copy_otherwise(uint8_t *to, const uint8_t *from, size_t n)
{
    copy_up(to, from, n);
}

INLINE void set_otherwise(uint8_t *to, uint8_t byte, size_t n)
{
    set_blocks(to, splat(byte), n, store_aligned);
}

#include "mem/routines.h"

#include "mem/names.h"
