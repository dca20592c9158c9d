/* search.c - memmem against a search at each place; in few symbols and in periods, where its ways change. */
#define _GNU_SOURCE
#include "harness.h"

static const uint8_t *search_simply(const uint8_t *in, size_t n, const uint8_t *what, size_t m)
{
    for (size_t i = 0; i + m <= n; i++) {
        size_t k = 0;
        while (k < m && in[i + k] == what[k])
            k++;
        if (k == m)
            return in + i;
    }
    return NULL;
}

static void search_once(const uint8_t *in, size_t n, const uint8_t *what, size_t m)
{
    const void *right = search_simply(in, n, what, m), *result = R(memmem)(in, n, what, m);

    if (result != right)
        fail("memmem of %zu bytes in %zu: %p in %p, not %p", m, n, result, (const void *)in, right);
}

static void draw(uint8_t *to, size_t n, unsigned symbols)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)('a' + random_below(symbols));
}

/* A word over and over, in which each byte is changed with a chance of 1 in `whole`. */
static void draw_periods(uint8_t *to, size_t n, size_t period, unsigned whole)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = i < period ? (uint8_t)('a' + random_below(2)) : to[i - period];
        if (random_below(whole) == 0)
            to[i] ^= 3;
    }
}

static void search_random(size_t n_most, size_t m_most)
{
    static const unsigned symbols[] = {1, 2, 3, 4, 26, 256};
    size_t n = random_below(n_most + 1), m = random_below(m_most + 1);
    uint8_t *in = random_below(2) ? arenas[0].end - n : arenas[0].start + random_below(SHIFTS);
    uint8_t *what = random_below(2) ? arenas[1].end - m : arenas[1].start + random_below(SHIFTS);
    unsigned alphabet = symbols[random_below(6)];

    if (random_below(2)) {
        draw(in, n, alphabet);
        draw(what, m, alphabet);
    } else {
        size_t period = 1 + random_below(20);
        draw_periods(in, n, period, 200);
        draw_periods(what, m, period, 200);
    }
    if (m <= n && random_below(3) == 0) { /* cut out of it, and perhaps a byte changed */
        size_t at = random_below(n - m + 1);
        for (size_t i = 0; i < m; i++)
            what[i] = in[at + i];
        if (m && random_below(2))
            what[random_below(m)] ^= 1;
    }
    search_once(in, n, what, m);
}

/* Runs of one byte, of many lengths, between others: each place fails elsewhere, so that no filter is of use. */
static void draw_runs(uint8_t *to, size_t n, size_t longest)
{
    size_t end = 0;

    fill(to, 'a', n);
    while ((end += 1 + random_below(longest)) < n)
        to[end] = 'b';
}

static void search_runs(void)
{
    size_t m = 40 + random_below(600), n = 4 * m + random_below(20000);
    uint8_t *in = arenas[0].end - n, *what = arenas[1].start + random_below(SHIFTS);
    size_t period = 1 + random_below(m / 2);

    draw_runs(in, n, m);
    draw_runs(what, m, 2 * m);  /* one byte that differs, or none, or several */
    if (random_below(3) == 0) { /* periods, which the needle has whole and the haystack not quite */
        for (size_t i = period; i < m; i++)
            what[i] = what[i - period];
        for (size_t i = 0; i < n; i++)
            in[i] = what[i % period];
        for (size_t i = random_below(m); i < n; i += 1 + random_below(m))
            in[i] ^= 3;
    }
    size_t at = random_below(n - m);
    for (size_t i = 0; i < m && random_below(2) == 0; i++)
        in[at + i] = what[i];
    for (size_t i = 0, late = n - m - random_below(2) * random_below(m); i < m; i++)
        in[late + i] = what[i];
    search_once(in, n, what, m);
}

/* Every size of both, the needle at each place. */
static void search_each_place(void)
{
    for (size_t n = 0; n <= 160; n += stride)
        for (size_t m = 1; m <= n && m <= 40; m++) {
            uint8_t *in = arenas[0].end - n, *what = arenas[1].end - m;
            fill(in, 'x', n);
            for (size_t i = 0; i < m; i++)
                what[i] = (uint8_t)('a' + i % 3);
            search_once(in, n, what, m);
            for (size_t at = 0; at + m <= n; at++) {
                for (size_t i = 0; i < m; i++)
                    in[at + i] = what[i];
                search_once(in, n, what, m);
                fill(in + at, 'x', m);
            }
        }
}

void test_search(void)
{
    search_each_place();
    for (size_t i = 0; i < 200000; i += stride)
        search_random(200, 20);
    for (size_t i = 0; i < 20000; i += stride)
        search_random(3000, 400);
    for (size_t i = 0; i < 500; i += stride)
        search_random(60000, 5000);
    for (size_t i = 0; i < 6000; i += stride)
        search_runs();
    if (R(memmem)(arenas[0].end, 0, arenas[1].end, 0) != arenas[0].end)
        fail("nothing is not found in nothing");
    if (R(memmem)(arenas[0].start, 3, arenas[1].start, 4) != NULL)
        fail("more is found in less");
}
