/* copy.c - memcpy, memmove, mempcpy, memccpy, memset and explicit_bzero against what a loop of bytes does. */
#define _GNU_SOURCE
#include "harness.h"

static uint8_t outside(size_t i)
{
    return (uint8_t)(0x5a ^ i);
}

/* A target and what surrounds it, of which nothing may change. What lies beyond an arena is not looked at. */
static void paint(uint8_t *to, size_t n)
{
    for (uint8_t *p = to - MARGIN < arenas[0].start ? arenas[0].start : to - MARGIN;
         p < arenas[0].end && p < to + n + MARGIN; p++)
        *p = outside((size_t)(p - arenas[0].start));
}

static void check_target(const char *name, const uint8_t *to, const uint8_t *expected, uint8_t byte, size_t n)
{
    const uint8_t *p = to - MARGIN < arenas[0].start ? arenas[0].start : to - MARGIN;

    for (; p < arenas[0].end && p < to + n + MARGIN; p++) {
        uint8_t right = outside((size_t)(p - arenas[0].start));
        if (p >= to && p < to + n)
            right = expected ? expected[p - to] : byte;
        if (*p != right)
            fail("%s of %zu bytes to %p: byte %td is 0x%02x, not 0x%02x", name, n, (const void *)to, p - to, *p, right);
    }
}

static void copy_once(uint8_t *to, const uint8_t *from, size_t n)
{
    paint(to, n);
    if (R(memcpy)(to, from, n) != to)
        fail("memcpy of %zu bytes does not return its target", n);
    check_target("memcpy", to, from, 0, n);
}

static void set_once(uint8_t *to, size_t n)
{
    int value = (int)random_number(); /* only its lowest byte counts */

    paint(to, n);
    if (R(memset)(to, value, n) != to)
        fail("memset of %zu bytes does not return its target", n);
    check_target("memset", to, NULL, (uint8_t)value, n);
}

/* Where a buffer of n bytes is so near a page that may not be touched: right at it, or `shift` bytes away. */
static uint8_t *at_start(int arena, size_t shift)
{
    return arenas[arena].start + shift;
}

static uint8_t *at_end(int arena, size_t n, size_t shift)
{
    return arenas[arena].end - n - shift;
}

void test_copy(void)
{
    random_fill(arenas[1].start, ARENA);
    for (size_t n = 0; n <= SMALL; n++)
        for (size_t to = 0; to < SHIFTS; to += stride) {
            for (size_t from = 0; from < SHIFTS; from += stride)
                copy_once(arenas[0].start + PAGE + to, arenas[1].start + PAGE + from, n);
            copy_once(at_start(0, to), at_end(1, n, 0), n);
            copy_once(at_end(0, n, to), at_start(1, 0), n);
            copy_once(at_end(0, n, 0), at_end(1, n, to), n);
            copy_once(at_start(0, 0), at_start(1, to), n);
        }
    for (size_t i = 0; i < 2000; i += stride) {
        size_t n = random_below(ARENA / 2);
        copy_once(arenas[0].start + random_below(ARENA - n), arenas[1].start + random_below(ARENA - n), n);
    }
    R(memcpy)(NULL, NULL, 0);
    R(memcpy)(arenas[0].end, arenas[1].end, 0); /* neither page may be touched */
    for (size_t n = 0; n <= SMALL; n++) {
        uint8_t *to = at_end(0, n, n % 7);
        paint(to, n);
        if (R(mempcpy)(to, at_end(1, n, 0), n) != to + n)
            fail("mempcpy of %zu bytes does not return what is behind them", n);
        check_target("mempcpy", to, at_end(1, n, 0), 0, n);
    }
}

/* memmove within one buffer, against a copy of it. */
static void move_once(size_t base, size_t n, ptrdiff_t distance)
{
    static uint8_t expected[4 * SMALL + 4 * MARGIN];
    uint8_t *area = arenas[0].start + base;
    size_t size = 2 * n + 2 * MARGIN, from = distance < 0 ? MARGIN + (size_t)-distance : MARGIN;
    size_t to = (size_t)((ptrdiff_t)from + distance);

    for (size_t i = 0; i < size; i++)
        expected[i] = area[i] = (uint8_t)(i * 7 ^ i >> 8);
    for (size_t i = 0; i < n; i++)
        expected[to + i] = (uint8_t)((from + i) * 7 ^ (from + i) >> 8);
    if (R(memmove)(area + to, area + from, n) != area + to)
        fail("memmove of %zu bytes does not return its target", n);
    for (size_t i = 0; i < size; i++)
        if (area[i] != expected[i])
            fail("memmove of %zu bytes by %td: byte %td is 0x%02x, not 0x%02x", n, distance, (ptrdiff_t)(i - to),
                 area[i], expected[i]);
}

void test_overlap(void)
{
    static const size_t bases[] = {0, 1, 31, 63};

    for (size_t n = 0; n <= SMALL; n++)
        for (ptrdiff_t distance = -(ptrdiff_t)n - 1; distance <= (ptrdiff_t)n + 1; distance += (ptrdiff_t)stride)
            move_once(bases[random_below(4)], n, distance);
    for (size_t n = SMALL; n < 2 * SMALL; n += 37)
        for (ptrdiff_t distance = -70; distance <= 70; distance++)
            for (size_t base = 0; base < SHIFTS; base += 9)
                move_once(base, n, distance);
    /* The same buffer; and larger ones by any distance. */
    for (size_t i = 0; i < 300; i += stride) {
        static uint8_t expected[ARENA];
        size_t n = random_below(ARENA / 2), from = random_below(ARENA - n), to = random_below(ARENA - n);
        random_fill(arenas[0].start, ARENA);
        for (size_t k = 0; k < ARENA; k++)
            expected[k] = k >= to && k < to + n ? arenas[0].start[from + k - to] : arenas[0].start[k];
        R(memmove)(arenas[0].start + to, arenas[0].start + from, n);
        for (size_t k = 0; k < ARENA; k++)
            if (arenas[0].start[k] != expected[k])
                fail("memmove of %zu bytes from %zu to %zu: wrong at %zu", n, from, to, k);
    }
}

/* memccpy: whatever follows the byte in the source may be missing. */
static void copy_until_once(size_t n, size_t at, size_t shift)
{
    uint8_t *from = at_end(1, at < n ? at + 1 : n, 0), *to = at_end(0, n, shift);
    size_t copied = at < n ? at + 1 : n;

    for (size_t i = 0; i < copied; i++)
        from[i] = (uint8_t)(i % 200);
    if (at < n)
        from[at] = 250;
    paint(to, n);
    void *result = R(memccpy)(to, from, 250 + 256, n);
    if (result != (at < n ? to + copied : NULL))
        fail("memccpy of %zu bytes, ended by byte %zu, returns %p for %p", n, at, result, (void *)to);
    check_target("memccpy", to, from, 0, copied);
}

void test_set(void)
{
    for (size_t n = 0; n <= 2 * SMALL; n++)
        for (size_t to = 0; to < SHIFTS; to += stride) {
            set_once(arenas[0].start + PAGE + to, n);
            set_once(at_start(0, to), n);
            set_once(at_end(0, n, to), n);
        }
    for (size_t i = 0; i < 2000; i += stride) {
        size_t n = random_below(ARENA / 2);
        set_once(arenas[0].start + random_below(ARENA - n), n);
    }
    R(memset)(NULL, 1, 0);
    R(memset)(arenas[0].end, 1, 0);
    for (size_t n = 0; n <= SMALL; n++) {
        uint8_t *to = at_end(0, n, n % 3);
        paint(to, n);
        R(explicit_bzero)(to, n);
        check_target("explicit_bzero", to, NULL, 0, n);
        for (int i = 0; i < 8; i++)
            copy_until_once(n, random_below(n + 2), (size_t)i);
    }
}
