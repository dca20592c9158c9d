/* main.c - the tests of the routines of raw memory; an argument picks one. */
#define _GNU_SOURCE
#include "harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#ifndef LOAM_TEST_STANDARD_NAMES
#include <loam/malloc.h>
#endif

struct arena arenas[2];
size_t stride = 1;
static uint64_t state;

uint64_t random_number(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

size_t random_below(size_t limit)
{
    return random_number() % limit;
}

void random_fill(uint8_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)random_number();
}

void fill(uint8_t *to, uint8_t byte, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = byte;
}

void fail(const char *format, ...)
{
    va_list arguments;

    printf("FAILED: ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    exit(1);
}

static void make_arena(struct arena *arena)
{
    uint8_t *p = mmap(NULL, ARENA + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED || mprotect(p + PAGE, ARENA, PROT_READ | PROT_WRITE) != 0)
        fail("no memory");
    arena->start = p + PAGE;
    arena->end = arena->start + ARENA;
}

/* Options are read when the heap begins: so is LOAM_OPTIONS=cpu=, which picks the instruction set. */
static void begin(void)
{
#ifndef LOAM_TEST_STANDARD_NAMES
    loam_free(loam_malloc(1));
#endif
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {{"copy", test_copy},      {"overlap", test_overlap}, {"set", test_set},     {"compare", test_compare},
                 {"find", test_find},      {"search", test_search},   {"large", test_large},
#ifdef LOAM_TEST_CHECKED
                 {"checked", test_checked}
#endif
    };
    const char *seed = getenv("LOAM_TEST_SEED"), *step = getenv("LOAM_TEST_STRIDE");

    state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
    stride = step && atoi(step) > 0 ? (size_t)atoi(step) : 1;
    printf("LOAM_TEST_SEED=%llu\n", (unsigned long long)state);
    begin();
    make_arena(&arenas[0]);
    make_arena(&arenas[1]);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (argc > 1 && strcmp(argv[1], tests[i].name) != 0)
            continue;
        tests[i].run();
        printf("ok: %s\n", tests[i].name);
        fflush(stdout);
    }
    return 0;
}
