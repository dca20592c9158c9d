/* find.c - memchr, memrchr and rawmemchr: the byte at each place, none, and others right outside. */
#define _GNU_SOURCE
#include "harness.h"

static void expect(const char *name, const void *result, const uint8_t *in, size_t n, const void *right)
{
    if (result != right)
        fail("%s in %zu bytes at %p: %p, not %p", name, n, (const void *)in, result, right);
}

/* The buffer and what surrounds it have no byte that is `wanted`. */
static void find_at(uint8_t *in, size_t n, size_t at, uint8_t wanted, uint8_t other)
{
    int value = wanted | 0x300; /* only the lowest byte counts */

    in[at] = wanted;
    expect("memchr", R(memchr)(in, value, n), in, n, in + at);
    expect("memrchr", R(memrchr)(in, value, n), in, n, in + at);
    expect("rawmemchr", R(rawmemchr)(in, value), in, n, in + at);
    size_t second = random_below(n);
    in[second] = wanted;
    expect("memchr", R(memchr)(in, value, n), in, n, in + (second < at ? second : at));
    expect("memrchr", R(memrchr)(in, value, n), in, n, in + (second > at ? second : at));
    in[at] = in[second] = other;
}

static void find_in(uint8_t *in, size_t n, uint8_t wanted, uint8_t other)
{
    expect("memchr", R(memchr)(in, wanted, n), in, n, NULL);
    expect("memrchr", R(memrchr)(in, wanted, n), in, n, NULL);
    for (int i = 0; n && i < 4; i++)
        find_at(in, n, i == 0 ? 0 : i == 1 ? n - 1 : random_below(n), wanted, other);
}

void test_find(void)
{
    uint8_t wanted = (uint8_t)random_number(), other = (uint8_t)(wanted ^ 1u << random_below(8));
    uint8_t *start = arenas[0].start, *end = arenas[0].end;

    fill(start, other, ARENA);
    for (size_t n = 0; n <= 2 * SMALL; n++)
        for (size_t shift = 0; shift < SHIFTS; shift += stride) {
            uint8_t *in = start + PAGE + shift;
            find_in(start + shift, n, wanted, other);
            find_in(end - n - shift, n, wanted, other);
            find_in(start + 2 * PAGE - n / 2 - shift, n, wanted, other); /* across pages */
            in[-1] = in[n] = wanted;
            find_in(in, 0, wanted, other);
            expect("memchr", R(memchr)(in, wanted, n), in, n, NULL);
            expect("memrchr", R(memrchr)(in, wanted, n), in, n, NULL);
            in[-1] = in[n] = other;
        }
    for (size_t at = 0; at < SMALL; at++) /* every place */
        find_at(start + PAGE + at % 67, SMALL, at, wanted, other);
    for (size_t n = 1; n <= 2 * SMALL; n++) { /* memchr may be told of more than there is */
        uint8_t *in = end - n;
        end[-1] = wanted;
        expect("memchr", R(memchr)(in, wanted, SIZE_MAX), in, SIZE_MAX, end - 1);
        expect("memchr", R(memchr)(in, wanted, n + 12345), in, n + 12345, end - 1);
        expect("rawmemchr", R(rawmemchr)(in, wanted), in, n, end - 1);
        end[-1] = other;
    }
    for (size_t i = 0; i < 3000; i += stride) {
        size_t n = 1 + random_below(ARENA / 2);
        find_in(start + random_below(ARENA - n), n, wanted, other);
    }
    expect("memchr", R(memchr)(NULL, 0, 0), NULL, 0, NULL);
    expect("memchr", R(memchr)(end, other, 0), end, 0, NULL);
    expect("memrchr", R(memrchr)(end, other, 0), end, 0, NULL);
}
