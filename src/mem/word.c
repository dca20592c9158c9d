/*
 * word.c - the routines in portable C: the vector is a word, and its bytes are compared by arithmetic.
 *
 * A word is held with the first byte in memory lowest, whatever the processor's order.
 */
#include "mem/mem.h"
#include "mem/short.h"

typedef uint64_t vector;
typedef uint64_t flags; /* the highest bit of each byte */
typedef uint64_t bits;

enum { VECTOR = sizeof(vector), FLAG_BITS = 8 };

static const bits ALL = 0x8080808080808080;

INLINE uint64_t in_order(uint64_t word)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word : __builtin_bswap64(word);
}

INLINE vector load(const uint8_t *p)
{
    return in_order(*(const loose64 *)p);
}

INLINE vector load_aligned(const uint8_t *p)
{
    typedef uint64_t __attribute__((may_alias)) word;
    return in_order(*(const word *)(const void *)p);
}

INLINE void store(uint8_t *p, vector v)
{
    *(loose64 *)p = in_order(v);
}

INLINE void store_aligned(uint8_t *p, vector v)
{
    store(p, v);
}

INLINE vector splat(uint8_t byte)
{
    return byte * REPEATED;
}

/* A byte of the difference is 0 if adding to its lower bits reaches its highest one neither by a carry nor before. */
INLINE flags equal(vector a, vector b)
{
    vector difference = a ^ b;
    return ~(((difference & ~ALL) + ~ALL) | difference) & ALL;
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

#define LEVEL word
#include "mem/level.h"

#if !defined(__x86_64__) && !defined(__aarch64__)
#include "mem/names.h"
#endif
