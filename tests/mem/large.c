/* large.c - sizes at which the ways to copy and to set change: beside each, and past the largest. */
#define _GNU_SOURCE
#include "harness.h"

#include <stdio.h>
#include <sys/mman.h>

static const size_t copy_sizes[] = {64u << 10, 16u << 20, 33u << 20}, set_sizes[] = {64u << 10, 128u << 20};

static uint8_t content(size_t i)
{
    return (uint8_t)(i ^ i >> 9 ^ i >> 19);
}

static void copy_size(uint8_t *to, uint8_t *from, size_t n)
{
    to[-1] = to[n] = 0x77;
    R(memcpy)(to, from, n);
    for (size_t i = 0; i < n; i++)
        if (to[i] != from[i])
            fail("memcpy of %zu bytes to %p: byte %zu is 0x%02x, not 0x%02x", n, (void *)to, i, to[i], from[i]);
    if (to[-1] != 0x77 || to[n] != 0x77)
        fail("memcpy of %zu bytes to %p writes outside", n, (void *)to);
    fill(to, 0, n);
}

static void move_size(uint8_t *area, size_t n, size_t distance)
{
    for (size_t i = 0; i < n + distance; i++)
        area[i] = content(i);
    R(memmove)(area, area + distance, n);
    for (size_t i = 0; i < n; i++)
        if (area[i] != content(i + distance))
            fail("memmove of %zu bytes down by %zu: wrong at %zu", n, distance, i);
    for (size_t i = 0; i < n + distance; i++)
        area[i] = content(i);
    R(memmove)(area + distance, area, n);
    for (size_t i = 0; i < n; i++)
        if (area[i + distance] != content(i))
            fail("memmove of %zu bytes up by %zu: wrong at %zu", n, distance, i);
}

static void set_size(uint8_t *to, size_t n)
{
    to[-1] = to[n] = 0x77;
    R(memset)(to, 0x3c, n);
    for (size_t i = 0; i < n; i++)
        if (to[i] != 0x3c)
            fail("memset of %zu bytes to %p: byte %zu is 0x%02x", n, (void *)to, i, to[i]);
    if (to[-1] != 0x77 || to[n] != 0x77)
        fail("memset of %zu bytes to %p writes outside", n, (void *)to);
}

void test_large(void)
{
    size_t area = (size_t)129 << 20;
    uint8_t *a = mmap(NULL, area, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint8_t *b = mmap(NULL, area, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (a == MAP_FAILED || b == MAP_FAILED)
        fail("no memory");
    for (size_t i = 0; i < ((size_t)34 << 20) / stride; i++)
        b[i] = content(i);
    for (size_t s = 0; s < sizeof(copy_sizes) / sizeof(copy_sizes[0]); s++)
        for (size_t less = 0; less < 3; less++) {
            size_t n = copy_sizes[s] / stride + 1 - less;
            copy_size(a + 64, b + 64, n);
            copy_size(a + 1 + random_below(PAGE), b + 1 + random_below(PAGE), n);
            move_size(b + random_below(64), n, 1 + random_below(n < MARGIN ? n : MARGIN));
            move_size(b + random_below(64), n, 1 + random_below(n / 2));
            for (size_t i = 0; i < n + n / 2 + 64; i++)
                b[i] = content(i);
        }
    for (size_t s = 0; s < sizeof(set_sizes) / sizeof(set_sizes[0]); s++)
        for (size_t less = 0; less < 3; less++)
            set_size(a + 1 + random_below(PAGE), set_sizes[s] / stride + 1 - less);
    munmap(a, area);
    munmap(b, area);
}
