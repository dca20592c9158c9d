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

enum { ROUNDS = 21, SUBJECTS_MOST = 8 };

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

/* A new order for each round: each leaves the machine to the next as it likes. */
static inline void rounds_shuffle(size_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t j = (size_t)rand() % (i + 1);
        order[i] = order[j];
        order[j] = i;
    }
}

/*
 * After this the rounds of each subject are in order. The first round is not counted: it warms up. What prepare() does
 * before each subject is not timed.
 */
static inline void rounds_run_prepared(struct subject *subjects, size_t count, size_t times, void (*prepare)(void))
{
    size_t order[SUBJECTS_MOST];

    if (count > SUBJECTS_MOST)
        abort();
    for (int round = -1; round < ROUNDS; round++) {
        rounds_shuffle(order, count);
        for (size_t i = 0; i < count; i++) {
            struct subject *subject = &subjects[order[i]];
            if (prepare)
                prepare();
            double start = rounds_now();
            subject->run(times);
            subject->ns[round < 0 ? 0 : round] = (rounds_now() - start) / (double)times;
        }
    }
    for (size_t i = 0; i < count; i++)
        qsort(subjects[i].ns, ROUNDS, sizeof(double), rounds_compare);
}

static inline void rounds_run(struct subject *subjects, size_t count, size_t times)
{
    rounds_run_prepared(subjects, count, times, NULL);
}

/* A line for each: the median, the middle half of the rounds, and how often the first one's time it took. */
static inline void rounds_print_in(const char *title, const char *unit, double ns_of_unit,
                                   const struct subject *subjects, size_t count)
{
    printf("%-44s %10s %17s %8s\n", title, unit, "middle half", "ratio");
    for (size_t i = 0; i < count; i++) {
        const double *ns = subjects[i].ns;
        printf("  %-42s %10.2f %8.2f %8.2f %8.2f\n", subjects[i].name, ns[ROUNDS / 2] / ns_of_unit,
               ns[ROUNDS / 4] / ns_of_unit, ns[ROUNDS - 1 - ROUNDS / 4] / ns_of_unit,
               ns[ROUNDS / 2] / subjects[0].ns[ROUNDS / 2]);
    }
    printf("\n");
}

static inline void rounds_print(const char *title, const struct subject *subjects, size_t count)
{
    rounds_print_in(title, "ns", 1, subjects, count);
}

/* Have the compiler believe that what is at the pointer is used. */
static inline void use(void *pointer)
{
    __asm__ volatile("" : : "r"(pointer) : "memory");
}

#endif
