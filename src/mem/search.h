/*
 * search.h - memmem in terms of a vector; included by the file of each instruction set, after its vector.
 *
 * A filter looks at VECTOR places at once and keeps those where some bytes of the needle, its probes, stand as they do
 * in it; what is kept is compared whole. There are two probes first, the rarest bytes of the needle by how often bytes
 * occur in text and programs (rare.h): in ordinary data they keep next to nothing.
 *
 * Where that guess was wrong, the filter learns: when failed comparisons have cost more than their share of the scan,
 * the byte at which the last one failed becomes a probe, too. In a haystack of few symbols each lesson keeps fewer
 * places, and in a periodic one, whose every period fails alike, one lesson leaves none. A needle of no more than
 * PROBES bytes is all probes in the end. Should comparisons go on failing after PROBES of them, the rest of the
 * haystack is given to twoway.h, whose time is linear whatever the bytes. So the whole is linear: the filter does no
 * more than PROBES loads for VECTOR places, and comparisons cost no more than the share.
 */
#ifndef LOAM_MEM_SEARCH_H
#define LOAM_MEM_SEARCH_H

#include "mem/compare.h"
#include "mem/rare.h"
#include "mem/small.h"

/* Where `size` bytes first differ; `size` if nowhere. Most often that is soon: so a word is looked at before vectors.
 */
INLINE size_t mismatch(const uint8_t *a, const uint8_t *b, size_t size)
{
    size_t i = 0;

    for (size_t words = size < VECTOR ? size / 8 : 1; words && i + 8 <= size; words--, i += 8) {
        uint64_t difference = *(const loose64 *)(a + i) ^ *(const loose64 *)(b + i);
        if (difference)
            return i + first_byte(difference);
    }
    for (; i + VECTOR <= size; i += VECTOR) {
        bits unequal = unequal_at(a + i, b + i);
        if (unequal)
            return i + first_of(unequal);
    }
    if (size >= VECTOR && i < size) {
        bits unequal = unequal_at(a + size - VECTOR, b + size - VECTOR);
        return unequal ? size - VECTOR + first_of(unequal) : size;
    }
    while (i < size && a[i] == b[i])
        i++;
    return i;
}

#include "mem/twoway.h"

enum {
    PROBES = 16,
    RARE_AMONG = 32,     /* bytes of the needle among which the rarest are looked for */
    SHARE_BYTES = 32,    /* bytes scanned that pay for a failed comparison ... */
    COMPARED_BYTES = 256 /* ... of so many bytes */
};

struct filter {
    const uint8_t *needle;
    size_t failed; /* what comparisons have cost since the last lesson, less the share */
    unsigned count;
    size_t at[PROBES]; /* offsets in the needle */
    vector byte[PROBES];
};

INLINE void add_probe(struct filter *filter, size_t at)
{
    filter->at[filter->count] = at;
    filter->byte[filter->count++] = splat(filter->needle[at]);
}

/* Probe the two rarest bytes of the needle, which are different ones if it has such. */
INLINE void choose_probes(struct filter *filter, const uint8_t *needle, size_t size)
{
    size_t among = size < RARE_AMONG ? size : RARE_AMONG;
    size_t first = 0, second = 1;

    if (byte_rank[needle[second]] < byte_rank[needle[first]])
        first = 1, second = 0;
    for (size_t i = 2; i < among; i++) {
        unsigned rank = byte_rank[needle[i]];
        if (rank < byte_rank[needle[first]])
            second = first, first = i;
        else if (needle[i] != needle[first] && (rank < byte_rank[needle[second]] || needle[second] == needle[first]))
            second = i;
    }
    filter->needle = needle;
    filter->failed = 0;
    filter->count = 0;
    add_probe(filter, first);
    add_probe(filter, second);
}

/* Which of the VECTOR places from p on pass the first two probes. */
INLINE flags passing_two(const struct filter *filter, const uint8_t *p)
{
    return both(equal(load(p + filter->at[0]), filter->byte[0]), equal(load(p + filter->at[1]), filter->byte[1]));
}

/* Which of them pass all. */
INLINE flags passing_all(const struct filter *filter, const uint8_t *p)
{
    flags pass = passing_two(filter, p);

    for (unsigned i = 2; i < filter->count; i++)
        pass = both(pass, equal(load(p + filter->at[i]), filter->byte[i]));
    return pass;
}

/* The flags of `count` bytes at p, 1..VECTOR; nothing is read in a page that has none of them. */
INLINE bits equal_in_pages(const uint8_t *p, vector byte, unsigned count)
{
    if (LIKELY(in_one_page(p)))
        return only_first(bits_of(equal(load(p), byte)), count);
    unsigned before = VECTOR - count;
    return without_first(bits_of(equal(load(p - before), byte)), before);
}

/* Which of the `count` places from p on pass, when the haystack has no more. */
INLINE bits passing_last(const struct filter *filter, const uint8_t *p, unsigned count)
{
    bits pass = ALL;

    for (unsigned i = 0; i < filter->count; i++)
        pass &= equal_in_pages(p + filter->at[i], filter->byte[i], count);
    return pass;
}

/* A comparison has failed at `where`. True if it is time to learn from that. */
INLINE bool is_costly(struct filter *filter, size_t where)
{
    filter->failed += SHARE_BYTES * (1 + where / COMPARED_BYTES);
    return filter->failed >= SHARE_BYTES * PROBES;
}

INLINE void earn(struct filter *filter, size_t scanned)
{
    filter->failed -= filter->failed < scanned ? filter->failed : scanned;
}

/* From p on, four vectors of places of which one passes; or what is left, if that is less. */
INLINE const uint8_t *skip(const struct filter *filter, const uint8_t *p, const uint8_t *last)
{
    for (; last - p >= 4 * VECTOR; p += 4 * VECTOR) {
        flags head = either(passing_two(filter, p), passing_two(filter, p + VECTOR));
        flags tail = either(passing_two(filter, p + 2 * VECTOR), passing_two(filter, p + 3 * VECTOR));
        if (UNLIKELY(any(either(head, tail))))
            break;
    }
    return p;
}

/* Which of the places from p to `last`, of at most VECTOR, pass. */
INLINE bits passing(const struct filter *filter, const uint8_t *p, const uint8_t *last)
{
    size_t left = (size_t)(last - p) + 1;
    return LIKELY(left >= VECTOR) ? bits_of(passing_all(filter, p)) : passing_last(filter, p, (unsigned)left);
}

/* n >= m >= 2. */
static NOINLINE void *search_vectors(const uint8_t *hay, size_t n, const uint8_t *needle, size_t m)
{
    struct filter filter;
    const uint8_t *p = hay, *last = hay + (n - m);

    choose_probes(&filter, needle, m);
    while (p <= last) {
        if (filter.count == 2) {
            const uint8_t *next = skip(&filter, p, last);
            earn(&filter, (size_t)(next - p));
            p = next;
        }
        for (int i = 0; i < 4 && p <= last; i++) {
            const uint8_t *next = p + VECTOR;
            for (bits pass = passing(&filter, p, last); UNLIKELY(pass); pass = without_lowest(pass)) {
                const uint8_t *place = p + first_of(pass);
                size_t where = mismatch(place, needle, m);
                if (where == m)
                    return (void *)place;
                if (!is_costly(&filter, where))
                    continue;
                if (filter.count == PROBES)
                    return search_two_way(place + 1, (size_t)(hay + n - place - 1), needle, m);
                add_probe(&filter, where);
                filter.failed = 0;
                next = place + 1;
                break;
            }
            earn(&filter, (size_t)(next - p));
            p = next;
        }
    }
    return NULL;
}

#endif
