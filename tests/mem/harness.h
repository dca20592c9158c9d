/*
 * harness.h - what the tests of the routines of raw memory share. They need no more than a C library, so that they run
 * anywhere: static, on musl, under an emulator.
 */
#ifndef LOAM_TEST_MEM_HARNESS_H
#define LOAM_TEST_MEM_HARNESS_H

#include <stddef.h>
#include <stdint.h>

/* The routines under test: loam's names; or the standard ones, as libloam-mem answers them. */
#ifdef LOAM_TEST_STANDARD_NAMES
#include <string.h>
void *rawmemchr(const void *in, int byte); /* which musl does not declare */
#define R(name) name
#ifdef __GLIBC__
#define LOAM_TEST_CHECKED /* and those of fortified programs */
#endif
#else
#include <loam/mem.h>
#define R(name) loam_##name
#endif

enum {
    SMALL = 512,   /* every size up to this is tested in every way */
    SHIFTS = 64,   /* alignments that may matter: those of a cache line */
    MARGIN = 128,  /* bytes beside a buffer that must stay what they are */
    ARENA = 65536, /* bytes of each arena */
    PAGE = 4096,
};

/* 1, or what LOAM_TEST_STRIDE says: of so many alignments one is tested, and what is random as much less often. */
extern size_t stride;

/* Two arenas of memory, each between pages that may not be touched. */
struct arena {
    uint8_t *start, *end;
};
extern struct arena arenas[2];

/* A number that is well mixed; the seed is printed at the start, and LOAM_TEST_SEED sets it. */
uint64_t random_number(void);
size_t random_below(size_t limit);
void random_fill(uint8_t *to, size_t n);

/* Set every byte; by a loop. */
void fill(uint8_t *to, uint8_t byte, size_t n);

/* Say what is wrong, and exit with 1. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

void test_copy(void);
void test_overlap(void);
void test_set(void);
void test_compare(void);
void test_find(void);
void test_search(void);
void test_large(void);
void test_checked(void);

#endif
