/*
 * small.h - buffers of less than 32 bytes by the general registers and, if there is one, a 16-byte vector.
 *
 * A size of w to 2w bytes is two pieces of w bytes, one from the start and one to the end, which overlap as they must:
 * so that no size needs a loop, and sizes differ in one branch for each doubling. Everything is loaded before anything
 * is stored, which is all that overlapping buffers need.
 */
#ifndef LOAM_MEM_SMALL_H
#define LOAM_MEM_SMALL_H

#include "base/base.h"

/* Of any alignment, and of what type ever. */
typedef uint16_t __attribute__((aligned(1), may_alias)) loose16;
typedef uint32_t __attribute__((aligned(1), may_alias)) loose32;
typedef uint64_t __attribute__((aligned(1), may_alias)) loose64;

#define REPEATED 0x0101010101010101u /* times a byte: a word of it */

/* n in 8..16. */
INLINE void copy_8_to_16(uint8_t *to, const uint8_t *from, size_t n)
{
    uint64_t head = *(const loose64 *)from, tail = *(const loose64 *)(from + n - 8);
    *(loose64 *)to = head;
    *(loose64 *)(to + n - 8) = tail;
}

/* n in 0..7. */
INLINE void copy_below_8(uint8_t *to, const uint8_t *from, size_t n)
{
    if (n >= 4) {
        uint32_t head = *(const loose32 *)from, tail = *(const loose32 *)(from + n - 4);
        *(loose32 *)to = head;
        *(loose32 *)(to + n - 4) = tail;
    } else if (n) {
        uint8_t head = from[0], middle = from[n / 2], tail = from[n - 1]; /* of 1 to 3 bytes, these are all */
        to[0] = head;
        to[n / 2] = middle;
        to[n - 1] = tail;
    }
}

/* n in 0..16. */
INLINE void copy_to_16(uint8_t *to, const uint8_t *from, size_t n)
{
    if (n >= 8)
        copy_8_to_16(to, from, n);
    else
        copy_below_8(to, from, n);
}

/* n in 0..16; every byte of `word` is the value. */
INLINE void set_to_16(uint8_t *to, uint64_t word, size_t n)
{
    if (n >= 8) {
        *(loose64 *)to = word;
        *(loose64 *)(to + n - 8) = word;
    } else if (n >= 4) {
        *(loose32 *)to = (uint32_t)word;
        *(loose32 *)(to + n - 4) = (uint32_t)word;
    } else if (n) {
        to[0] = to[n / 2] = to[n - 1] = (uint8_t)word;
    }
}

/* Words whose order is that of their bytes in memory. */
INLINE uint64_t ordered64(const uint8_t *p)
{
    uint64_t word = *(const loose64 *)p;
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(word) : word;
}

INLINE uint64_t ordered32(const uint8_t *p)
{
    uint32_t word = *(const loose32 *)p;
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(word) : word;
}

/* The byte in memory, of a word of eight, that is first not 0. */
INLINE unsigned first_byte(uint64_t word)
{
    return (unsigned)(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_ctzll(word) : __builtin_clzll(word)) / 8;
}

INLINE int order_of(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* n in 0..16. */
INLINE int compare_to_16(const uint8_t *a, const uint8_t *b, size_t n)
{
    if (n >= 8) {
        uint64_t x = ordered64(a), y = ordered64(b);
        return x != y ? order_of(x, y) : order_of(ordered64(a + n - 8), ordered64(b + n - 8));
    }
    if (n >= 4)
        return order_of(ordered32(a) << 32 | ordered32(a + n - 4), ordered32(b) << 32 | ordered32(b + n - 4));
    if (n == 0)
        return 0;
    return (a[0] << 16 | a[n / 2] << 8 | a[n - 1]) - (b[0] << 16 | b[n / 2] << 8 | b[n - 1]);
}

#endif
