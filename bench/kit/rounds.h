/*
 * rounds.h - time things side by side: in each round each of them once, so that what disturbs the machine disturbs all;
 * the figure of each is the median of its rounds.
 */
#ifndef LOAM_BENCH_KIT_ROUNDS_H
#define LOAM_BENCH_KIT_ROUNDS_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 21 };

struct subject {
    const char *name;
    void (*run)(size_t times);
    double ns[ROUNDS]; /* for one time */
};

static inline double rounds_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline int rounds_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* After this the rounds of each subject are in order. The first round is not counted: it warms up. */
static inline void rounds_run(struct subject *subjects, size_t count, size_t times)
{
    for (int round = -1; round < ROUNDS; round++)
        for (size_t i = 0; i < count; i++) {
            double start = rounds_now();
            subjects[i].run(times);
            subjects[i].ns[round < 0 ? 0 : round] = (rounds_now() - start) / (double)times;
        }
    for (size_t i = 0; i < count; i++)
        qsort(subjects[i].ns, ROUNDS, sizeof(double), rounds_compare);
}

/* A line for each: the median, the middle half of the rounds, and how often the first one's time it took. */
static inline void rounds_print(const char *title, const struct subject *subjects, size_t count)
{
    printf("%-44s %10s %17s %8s\n", title, "ns", "middle half", "ratio");
    for (size_t i = 0; i < count; i++) {
        const double *ns = subjects[i].ns;
        printf("  %-42s %10.2f %8.2f %8.2f %8.2f\n", subjects[i].name, ns[ROUNDS / 2], ns[ROUNDS / 4],
               ns[ROUNDS - 1 - ROUNDS / 4], ns[ROUNDS / 2] / subjects[0].ns[ROUNDS / 2]);
    }
    printf("\n");
}

/* Have the compiler believe that what is at the pointer is used. */
static inline void use(void *pointer)
{
    __asm__ volatile("" : : "r"(pointer) : "memory");
}

#endif
