/*
 * base.h - words that every layer uses: units, bits, hints, CHECK.
 */
#ifndef LOAM_BASE_BASE_H
#define LOAM_BASE_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define NOINLINE    __attribute__((noinline))
#define INLINE      static inline __attribute__((always_inline))
#define PUBLIC      __attribute__((visibility("default")))
#define HIDDEN      __attribute__((visibility("hidden"))) /* on declarations: no detour by the global offset table */
#define ATOMIC      /* marks what the __atomic builtins access: clang's do not take what is _Atomic */
#define LENGTH(a)   (sizeof(a) / sizeof((a)[0]))

#define CACHE_LINE 64
#define PAGE_SIZE  ((size_t)4096) /* x86-64; on others the smallest, larger pages are multiples */
#define WORD_BITS  64u

/*
 * Stop the process when `x` is false: for what untrusted memory, or a caller, may break. Always on.
 * assert() is for our own mistakes, in debug builds.
 */
#define CHECK(x)                                                                                                       \
    do {                                                                                                               \
        if (UNLIKELY(!(x)))                                                                                            \
            check_failed(#x, __FILE__, __LINE__);                                                                      \
    } while (0)

_Noreturn void check_failed(const char *what, const char *file, int line);

INLINE size_t align_up(size_t value, size_t power_of_two)
{
    return (value + power_of_two - 1) & ~(power_of_two - 1);
}

INLINE size_t align_down(size_t value, size_t power_of_two)
{
    return value & ~(power_of_two - 1);
}

INLINE size_t divide_up(size_t value, size_t divisor)
{
    return (value + divisor - 1) / divisor;
}

INLINE bool is_power_of_two(size_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* The position of the highest set bit; value is not 0. */
INLINE unsigned floor_log2(size_t value)
{
    return 63u - (unsigned)__builtin_clzl(value);
}

INLINE unsigned lowest_bit(uint64_t word)
{
    return (unsigned)__builtin_ctzll(word);
}

/*
 * The number of bits set. The instruction is not in every x86-64 processor, and the compiler's own way is a call.
 * Source: H. S. Warren, "Hacker's Delight", 2nd edition, section 5-1.
 */
INLINE unsigned count_bits(uint64_t word)
{
    word -= word >> 1 & 0x5555555555555555;
    word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (unsigned)(word * 0x0101010101010101 >> 56);
}

/* The lowest `count` bits set, count in 0..64. */
INLINE uint64_t low_bits(unsigned count)
{
    return count >= WORD_BITS ? ~0ull : (1ull << count) - 1;
}

INLINE size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

INLINE size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

#endif
