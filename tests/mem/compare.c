/* compare.c - memcmp: equal buffers, and ones that differ at each place, in what only counts unsigned. */
#define _GNU_SOURCE
#include "harness.h"

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void expect(const uint8_t *a, const uint8_t *b, size_t n, int right, size_t at)
{
    int result = sign(R(memcmp)(a, b, n));

    if (result != right)
        fail("memcmp of %zu bytes at %p and %p, which differ at %zu: %d, not %d", n, (const void *)a, (const void *)b,
             at, result, right);
}

/* The buffers are all zero, as is what surrounds them. */
static void compare_at(uint8_t *a, uint8_t *b, size_t n, size_t at)
{
    static const uint8_t pairs[][2] = {{0, 1}, {1, 0}, {0x7f, 0x80}, {0x80, 0x7f}, {0, 0xff}, {0xff, 0}, {0xfe, 0xff}};
    const uint8_t *pair = pairs[random_below(sizeof(pairs) / sizeof(pairs[0]))];

    a[at] = pair[0];
    b[at] = pair[1];
    expect(a, b, n, pair[0] < pair[1] ? -1 : 1, at);
    if (at + 1 < n) { /* what follows does not count */
        size_t later = at + 1 + random_below(n - at - 1);
        a[later] = pair[1];
        b[later] = pair[0];
        expect(a, b, n, pair[0] < pair[1] ? -1 : 1, at);
        a[later] = b[later] = 0;
    }
    a[at] = b[at] = 0;
}

/* Equal; with differences right outside; at the first and last byte, and at any. */
static void compare_once(uint8_t *a, uint8_t *b, size_t n)
{
    expect(a, b, n, 0, n);
    for (int i = 0; n && i < 4; i++)
        compare_at(a, b, n, i == 0 ? 0 : i == 1 ? n - 1 : random_below(n));
}

void test_compare(void)
{
    uint8_t *a = arenas[0].start, *b = arenas[1].start;

    fill(a, 0, ARENA);
    fill(b, 0, ARENA);
    for (size_t n = 0; n <= SMALL; n++)
        for (size_t x = 0; x < SHIFTS; x += stride) {
            for (size_t y = 0; y < SHIFTS; y += stride)
                compare_once(a + PAGE + x, b + PAGE + y, n);
            compare_once(a + x, arenas[1].end - n, n);
            compare_once(arenas[0].end - n, b + x, n);
            compare_once(arenas[0].end - n, arenas[1].end - n - x, n);
        }
    for (size_t n = 0; n <= SMALL; n++) { /* every place; and a difference on either side */
        uint8_t *x = a + PAGE + n % 61, *y = b + PAGE + n % 53;
        for (size_t at = 0; at < n; at++)
            compare_at(x, y, n, at);
        x[-1] = 1;
        y[n] = 1;
        expect(x, y, n, 0, n);
        x[-1] = y[n] = 0;
    }
    for (size_t i = 0; i < 3000; i += stride) {
        size_t n = random_below(ARENA / 2);
        compare_once(a + random_below(ARENA - n), b + random_below(ARENA - n), n);
    }
    if (R(memcmp)(NULL, NULL, 0) != 0 || R(memcmp)(arenas[0].end, arenas[1].end, 0) != 0)
        fail("nothing is not equal to nothing");
}
