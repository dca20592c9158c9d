/*
 * compare.h - memcmp in terms of a vector; included by the file of each instruction set, after its vector.
 *
 * What is compared is mostly equal, or differs soon: so up to four vectors whether anything differs is one question,
 * and where is asked after.
 */
#ifndef LOAM_MEM_COMPARE_H
#define LOAM_MEM_COMPARE_H

#include "mem/vector.h"

INLINE flags equal_at(const uint8_t *a, const uint8_t *b)
{
    return equal(load(a), load(b));
}

INLINE bits unequal_at(const uint8_t *a, const uint8_t *b)
{
    return bits_of(equal_at(a, b)) ^ ALL;
}

/* What memcmp returns where `unequal` has the bytes that differ, or none. */
INLINE int order_at(const uint8_t *a, const uint8_t *b, bits unequal)
{
    if (LIKELY(!unequal))
        return 0;
    unsigned at = first_of(unequal);
    return a[at] - b[at];
}

/* n in VECTOR..2 * VECTOR. */
INLINE int compare_two(const uint8_t *a, const uint8_t *b, size_t n)
{
    bits unequal = unequal_at(a, b);

    if (unequal)
        return order_at(a, b, unequal);
    a += n - VECTOR;
    b += n - VECTOR;
    return order_at(a, b, unequal_at(a, b));
}

/* n in VECTOR..4 * VECTOR. What is equal is found out at once; where it is not, from the start on. */
INLINE int compare_four(const uint8_t *a, const uint8_t *b, size_t n)
{
    size_t second = inward(n), fourth = n - VECTOR, third = fourth - second;
    flags head = both(equal_at(a, b), equal_at(a + second, b + second));
    flags tail = both(equal_at(a + third, b + third), equal_at(a + fourth, b + fourth));
    bits unequal;

    if (LIKELY(bits_of(both(head, tail)) == ALL))
        return 0;
    if ((unequal = unequal_at(a, b)))
        return order_at(a, b, unequal);
    if ((unequal = unequal_at(a + second, b + second)))
        return order_at(a + second, b + second, unequal);
    if ((unequal = unequal_at(a + third, b + third)))
        return order_at(a + third, b + third, unequal);
    return order_at(a + fourth, b + fourth, unequal_at(a + fourth, b + fourth));
}

/* Four vectors that are not all equal. */
INLINE int order_of_four(const uint8_t *a, const uint8_t *b)
{
    for (int i = 0; i < 3; i++, a += VECTOR, b += VECTOR) {
        bits unequal = unequal_at(a, b);
        if (unequal)
            return order_at(a, b, unequal);
    }
    return order_at(a, b, unequal_at(a, b));
}

INLINE bool are_four_equal(const uint8_t *a, const uint8_t *b)
{
    flags head = both(equal_at(a, b), equal_at(a + VECTOR, b + VECTOR));
    flags tail = both(equal_at(a + 2 * VECTOR, b + 2 * VECTOR), equal_at(a + 3 * VECTOR, b + 3 * VECTOR));
    return bits_of(both(head, tail)) == ALL;
}

/* n > 4 * VECTOR. */
static NOINLINE int compare_vectors(const uint8_t *a, const uint8_t *b, size_t n)
{
    const uint8_t *last = a + n - 4 * VECTOR;
    size_t skip = 4 * VECTOR - (uintptr_t)a % VECTOR; /* one of the two is aligned after the first block */

    if (UNLIKELY(!are_four_equal(a, b)))
        return order_of_four(a, b);
    for (a += skip, b += skip; a < last; a += 4 * VECTOR, b += 4 * VECTOR)
        if (UNLIKELY(!are_four_equal(a, b)))
            return order_of_four(a, b);
    b -= a - last; /* which `a` may have passed */
    return are_four_equal(last, b) ? 0 : order_of_four(last, b);
}

#endif
