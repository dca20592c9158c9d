/*
 * bench.h - the routines of raw memory beside the C library's, in one process.
 *
 * Each line of output is a measurement: part, routine, who, what, ns for a call; with tabs between them. All subjects
 * are measured in turn within each round, and the best round is a subject's figure: what disturbs one only ever makes
 * it slower.
 */
#ifndef LOAM_BENCH_MEM_H
#define LOAM_BENCH_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ROUNDS = 11, SUBJECTS = 2, AREA = 65 << 20 };

typedef void *copy_fn(void *, const void *, size_t);
typedef void *set_fn(void *, int, size_t);
typedef int compare_fn(const void *, const void *, size_t);
typedef void *find_fn(const void *, int, size_t);
typedef void *search_fn(const void *, size_t, const void *, size_t);

/* Called through a pointer that the compiler cannot see through, as a program calls by its procedure linkage table. */
struct subject {
    const char *name;
    copy_fn *volatile memcpy, *volatile memmove;
    set_fn *volatile memset;
    compare_fn *volatile memcmp;
    find_fn *volatile memchr, *volatile memrchr;
    search_fn *volatile memmem;
};
extern struct subject subjects[SUBJECTS];

/* Two areas that no cache holds, all of whose pages are there. */
extern char *to_area, *from_area;

double now_ns(void);
uint32_t random_next(void);
void print_figure(const char *part, const char *routine, const char *who, const char *what, double ns);

/* The parts; `routine` picks one, NULL all. */
void part_size(const char *routine);    /* sizes from 0 to 4096, hot */
void part_large(const char *routine);   /* powers of two from there to 64 MiB */
void part_cold(const char *routine);    /* what is in no cache */
void part_random(const char *routine);  /* sizes drawn call by call */
void part_search(const char *routine);  /* memmem in ordinary data */
void part_adverse(const char *routine); /* and in what is hard */
void part_linear(const char *routine);  /* and over the size of the haystack */
void part_limit(const char *routine);   /* what the machine can load, store and copy */

#endif
