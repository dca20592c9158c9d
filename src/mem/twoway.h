/*
 * twoway.h - memmem in linear time and constant space; included by search.h, after mismatch().
 *
 * The needle is cut in two at a critical place: one where the shortest word that repeats across the cut is as long as
 * the needle's own period. Then, when the right part has matched up to a byte that differs, the needle may move past
 * that byte; and when the right part has matched whole and the left one has not, it may move by its period. Each byte
 * of the haystack is compared at most twice, and by vectors here.
 *
 * A critical cut is the start of the greatest suffix in the order of bytes, or in the reverse order: whichever is
 * later. When the period is short, the part that is known to match after a move by it is remembered, and not compared
 * again.
 *
 * Source: M. Crochemore, D. Perrin, "Two-way string-matching", Journal of the ACM 38(3), 1991.
 */
#ifndef LOAM_MEM_TWOWAY_H
#define LOAM_MEM_TWOWAY_H

struct cut {
    size_t at, period; /* the suffix from `at` on repeats every `period` bytes */
};

/* The greatest suffix; `reverse`: in the reverse order of bytes. */
static struct cut greatest_suffix(const uint8_t *w, size_t m, bool reverse)
{
    size_t best = 0, period = 1, other = 1,
           same = 0; /* the suffixes from best and from other on agree in `same` bytes */

    while (other + same < m) {
        uint8_t a = w[best + same], b = w[other + same];
        if (a == b) {
            if (++same == period)
                other += period, same = 0;
        } else if ((a > b) != reverse) { /* the other one is less, and so are all that begin before its end */
            other += same + 1;
            same = 0;
            period = other - best;
        } else {
            best = other++;
            same = 0;
            period = 1;
        }
    }
    return (struct cut){best, period};
}

static struct cut critical_cut(const uint8_t *w, size_t m)
{
    struct cut a = greatest_suffix(w, m, false), b = greatest_suffix(w, m, true);
    return a.at > b.at ? a : b;
}

/* The first occurrence of the m bytes at w in the n bytes at p; NULL if there is none. m > 0. */
static NOINLINE void *search_two_way(const uint8_t *p, size_t n, const uint8_t *w, size_t m)
{
    if (n < m)
        return NULL;
    const uint8_t *last = p + (n - m);
    struct cut cut = critical_cut(w, m);
    bool periodic = cut.period + cut.at <= m && mismatch(w, w + cut.period, cut.at) == cut.at;
    size_t longer = cut.at > m - cut.at ? cut.at : m - cut.at;
    size_t move = periodic ? cut.period : longer + 1;
    size_t known = 0; /* bytes of the needle that match at p, by what was matched before */

    while (p <= last) {
        size_t from = known > cut.at ? known : cut.at;
        size_t at = from + mismatch(p + from, w + from, m - from);
        if (at < m) {
            p += at - cut.at + 1;
            known = 0;
            continue;
        }
        if (known >= cut.at || mismatch(p + known, w + known, cut.at - known) == cut.at - known)
            return (void *)p;
        p += move;
        known = periodic ? m - move : 0;
    }
    return NULL;
}

#endif
