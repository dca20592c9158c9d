/*
 * limit.c - what the machine itself can do: loads, stores and copies of whole vectors, without the ends that a routine
 * has to mind. The longest vectors of the processor; elsewhere than on x86-64, words.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = 256, WHAT = 64 };

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f")))
#define AVX2 __attribute__((target("avx2")))

WIDE static void load_wide(char *to, const char *from, size_t n)
{
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
    for (size_t i = 0; i < n; i += BLOCK) {
        a = _mm512_or_si512(a, _mm512_load_si512(from + i));
        b = _mm512_or_si512(b, _mm512_load_si512(from + i + 64));
        c = _mm512_or_si512(c, _mm512_load_si512(from + i + 128));
        d = _mm512_or_si512(d, _mm512_load_si512(from + i + 192));
    }
    _mm512_store_si512(to, _mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(c, d)));
}

WIDE static void store_wide(char *to, const char *from, size_t n)
{
    __m512i a = _mm512_load_si512(from);
    for (size_t i = 0; i < n; i += 64)
        _mm512_store_si512(to + i, a);
}

WIDE static void copy_wide(char *to, const char *from, size_t n)
{
    for (size_t i = 0; i < n; i += 128) {
        __m512i a = _mm512_load_si512(from + i), b = _mm512_load_si512(from + i + 64);
        _mm512_store_si512(to + i, a);
        _mm512_store_si512(to + i + 64, b);
    }
}

AVX2 static void load_avx2(char *to, const char *from, size_t n)
{
    __m256i a = _mm256_setzero_si256(), b = a;
    for (size_t i = 0; i < n; i += 64) {
        a = _mm256_or_si256(a, _mm256_load_si256((const __m256i *)(from + i)));
        b = _mm256_or_si256(b, _mm256_load_si256((const __m256i *)(from + i + 32)));
    }
    _mm256_store_si256((__m256i *)to, _mm256_or_si256(a, b));
}

AVX2 static void store_avx2(char *to, const char *from, size_t n)
{
    __m256i a = _mm256_load_si256((const __m256i *)from);
    for (size_t i = 0; i < n; i += 32)
        _mm256_store_si256((__m256i *)(to + i), a);
}

AVX2 static void copy_avx2(char *to, const char *from, size_t n)
{
    for (size_t i = 0; i < n; i += 64) {
        __m256i a = _mm256_load_si256((const __m256i *)(from + i));
        __m256i b = _mm256_load_si256((const __m256i *)(from + i + 32));
        _mm256_store_si256((__m256i *)(to + i), a);
        _mm256_store_si256((__m256i *)(to + i + 32), b);
    }
}
#endif

static void load_words(char *to, const char *from, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i += 8)
        sum |= *(const uint64_t *)(const void *)(from + i);
    *(uint64_t *)(void *)to = sum;
}

static void store_words(char *to, const char *from, size_t n)
{
    for (size_t i = 0; i < n; i += 8)
        *(volatile uint64_t *)(void *)(to + i) = *(const uint64_t *)(const void *)from;
}

static void copy_words(char *to, const char *from, size_t n)
{
    for (size_t i = 0; i < n; i += 8)
        *(volatile uint64_t *)(void *)(to + i) = *(const uint64_t *)(const void *)(from + i);
}

typedef void pass_fn(char *to, const char *from, size_t n);

static double time_pass(pass_fn *volatile pass, size_t n)
{
    double best = 0;

    for (int round = 0; round < ROUNDS; round++) {
        size_t passes = ((size_t)1 << 24) / n;
        passes = passes < 2 ? 2 : passes;
        double start = now_ns();
        for (size_t i = 0; i < passes; i++)
            pass(to_area, from_area, n);
        double t = (now_ns() - start) / (double)passes;
        best = round == 0 || t < best ? t : best;
    }
    return best;
}

void part_limit(const char *routine)
{
    pass_fn *load = load_words, *store = store_words, *copy = copy_words;

    (void)routine;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        load = load_wide, store = store_wide, copy = copy_wide;
    else if (__builtin_cpu_supports("avx2"))
        load = load_avx2, store = store_avx2, copy = copy_avx2;
#endif
    for (size_t n = 8192; n <= (size_t)64 << 20; n *= 2) {
        char what[WHAT];
        snprintf(what, sizeof(what), "%zu", n);
        print_figure("limit", "load", "machine", what, time_pass(load, n));
        print_figure("limit", "store", "machine", what, time_pass(store, n));
        print_figure("limit", "copy", "machine", what, time_pass(copy, n));
        fflush(stdout);
    }
}
