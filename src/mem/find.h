/*
 * find.h - memchr and memrchr in terms of a vector; included by the file of each instruction set, after its vector.
 *
 * memchr may be told of more bytes than there are, when the byte is among those that are (ISO C, 7.26.5.1: as if the
 * bytes were read in their order). So all that is read besides the first two vectors is aligned: an aligned vector lies
 * in one page, and none is read after one that has the byte. Those two are aligned as well, where they would else
 * reach into another page.
 */
#ifndef LOAM_MEM_FIND_H
#define LOAM_MEM_FIND_H

#include "mem/vector.h"

INLINE void *before(const uint8_t *found, const uint8_t *end)
{
    return found < end ? (void *)found : NULL;
}

INLINE void *from_on(const uint8_t *found, const uint8_t *start)
{
    return found >= start ? (void *)found : NULL;
}

/* What `byte` equals in four vectors: of each, and of all. */
struct four {
    flags each[4], all;
};

INLINE struct four equal_four(const uint8_t *p, vector byte)
{
    struct four four = {.each = {equal(load_aligned(p), byte), equal(load_aligned(p + VECTOR), byte),
                                 equal(load_aligned(p + 2 * VECTOR), byte), equal(load_aligned(p + 3 * VECTOR), byte)}};

    four.all = either(either(four.each[0], four.each[1]), either(four.each[2], four.each[3]));
    return four;
}

/* Its first byte and its last one; one of the four has one. */
INLINE const uint8_t *first_of_four(const uint8_t *p, const struct four *four)
{
    if (any(four->each[0]))
        return p + first_of(bits_of(four->each[0]));
    if (any(four->each[1]))
        return p + VECTOR + first_of(bits_of(four->each[1]));
    if (any(four->each[2]))
        return p + 2 * VECTOR + first_of(bits_of(four->each[2]));
    return p + 3 * VECTOR + first_of(bits_of(four->each[3]));
}

INLINE const uint8_t *last_of_four(const uint8_t *p, const struct four *four)
{
    if (any(four->each[3]))
        return p + 3 * VECTOR + last_of(bits_of(four->each[3]));
    if (any(four->each[2]))
        return p + 2 * VECTOR + last_of(bits_of(four->each[2]));
    if (any(four->each[1]))
        return p + VECTOR + last_of(bits_of(four->each[1]));
    return p + last_of(bits_of(four->each[0]));
}

INLINE bool four_in_page(const uint8_t *p)
{
    return (uintptr_t)p % PAGE_SIZE <= PAGE_SIZE - 4 * VECTOR;
}

INLINE const uint8_t *end_of(const uint8_t *p, size_t n)
{
    return n > UINTPTR_MAX - (uintptr_t)p ? (const uint8_t *)UINTPTR_MAX : p + n;
}

/* In [p, end), of which p is aligned; there is at least a byte. */
INLINE void *find_aligned(const uint8_t *p, uint8_t value, const uint8_t *end)
{
    vector byte = splat(value);

    do {
        if (LIKELY(four_in_page(p))) {
            struct four four = equal_four(p, byte);
            if (any(four.all))
                return before(first_of_four(p, &four), end);
            p += 4 * VECTOR;
        } else {
            bits found = bits_of(equal(load_aligned(p), byte));
            if (found)
                return before(p + first_of(found), end);
            p += VECTOR;
        }
    } while (p < end);
    return NULL;
}

/* n > 0; of what is at p, only aligned vectors are read. */
static NOINLINE void *find_near_page_end(const uint8_t *p, uint8_t value, size_t n)
{
    unsigned skip = (uintptr_t)p % VECTOR;
    bits found = without_first(bits_of(equal(load_aligned(p - skip), splat(value))), skip);
    const uint8_t *end = end_of(p, n);

    if (found)
        return before(p + first_of(found), end);
    p += VECTOR - skip;
    return p < end ? find_aligned(p, value, end) : NULL;
}

/* n in 1..VECTOR. */
INLINE void *find_short(const uint8_t *p, uint8_t value, size_t n)
{
    if (UNLIKELY(!in_one_page(p)))
        return find_near_page_end(p, value, n);
    bits found = bits_of(equal(load(p), splat(value)));
    if (!SOONER(found))
        return NULL;
    unsigned at = first_of(found);
    return at < n ? (void *)(p + at) : NULL;
}

/* n > VECTOR; or 0. In which of the first two vectors the byte is, is not asked by a branch: it is anyone's guess. */
INLINE void *find_long(const uint8_t *p, uint8_t value, size_t n)
{
    vector byte = splat(value);

    if (UNLIKELY(n == 0))
        return NULL;
    if (UNLIKELY((uintptr_t)p % PAGE_SIZE > PAGE_SIZE - 2 * VECTOR))
        return find_near_page_end(p, value, n);
    flags head = equal(load(p), byte), tail = equal(load(p + VECTOR), byte);
    if (SOONER(any(either(head, tail)))) {
        bits first = bits_of(head), second = bits_of(tail);
        size_t at = (first ? 0 : VECTOR) + first_of(first ? first : second);
        return at < n ? (void *)(p + at) : NULL;
    }
    return SOONER(n <= 2 * VECTOR) ? NULL : find_aligned(aligned_down(p + VECTOR) + VECTOR, value, end_of(p, n));
}

/* In [start, p), of which p is aligned; there is at least a byte. */
INLINE void *find_last_aligned(const uint8_t *start, uint8_t value, const uint8_t *p)
{
    vector byte = splat(value);

    do {
        if (LIKELY(four_in_page(p - 4 * VECTOR))) {
            p -= 4 * VECTOR;
            struct four four = equal_four(p, byte);
            if (any(four.all))
                return from_on(last_of_four(p, &four), start);
        } else {
            p -= VECTOR;
            bits found = bits_of(equal(load_aligned(p), byte));
            if (found)
                return from_on(p + last_of(found), start);
        }
    } while (p > start);
    return NULL;
}

/* n in 1..VECTOR; the vector at p would reach into the next page. */
static NOINLINE void *find_last_at_page_end(const uint8_t *p, uint8_t value, size_t n)
{
    for (p += n; n--;)
        if (*--p == value)
            return (void *)p;
    return NULL;
}

/* n in 1..VECTOR. */
INLINE void *find_last_short(const uint8_t *p, uint8_t value, size_t n)
{
    if (UNLIKELY(!in_one_page(p)))
        return find_last_at_page_end(p, value, n);
    /* Shifted up by what is not asked for, which so goes out at the top. */
    unsigned beyond = VECTOR - (unsigned)n;
    bits found = bits_of(equal(load(p), splat(value))) << beyond * FLAG_BITS & ALL;
    return SOONER(found) ? (void *)(p + last_of(found) - beyond) : NULL;
}

/* n > VECTOR; or 0. */
INLINE void *find_last_long(const uint8_t *p, uint8_t value, size_t n)
{
    vector byte = splat(value);
    bits found;

    if (UNLIKELY(n == 0))
        return NULL;
    const uint8_t *last = p + n - VECTOR;
    if (SOONER(found = bits_of(equal(load(last), byte))))
        return (void *)(last + last_of(found));
    if (n <= 2 * VECTOR) {
        found = bits_of(equal(load(p), byte));
        return found ? (void *)(p + last_of(found)) : NULL;
    }
    return find_last_aligned(p, value, aligned_down(last + VECTOR - 1));
}

#endif
