/*
 * burst.c - make hundreds or thousands of objects of one size, then free them all.
 *
 *   burst:small   16 to 512 bytes
 *   burst:large   2 to 32 KiB: there an allocator may also give the memory back, and fault it in for the next burst
 *
 * A burst is longer than a thread's cache of that size, so that it reaches whatever lies behind the cache, in both
 * directions. They are freed in the order they were made (a queue), in the opposite order (a stack) and in a random
 * one (a program).
 *
 * Source: sh6bench of MicroQuill (SmartHeap), where some objects are freed last first and others first first; the
 *         random order is ours.
 */
#include "workload.h"

enum { BURST_MAX = 6000 };

struct plan {
    size_t size;  /* bytes */
    size_t count; /* objects of a burst */
    size_t rounds;
};

/* At most 6 MiB at a time: a burst is meant to miss the allocator's caches, not the processor's. */
static const struct plan plans[] = {
    {16, 6000, 300},      {48, 6000, 300},     {128, 6000, 300},     {512, 4000, 300},
    {2 * KIB, 2000, 100}, {8 * KIB, 600, 100}, {32 * KIB, 200, 100},
};

enum { SMALL_PLANS = 4, PLANS = sizeof(plans) / sizeof(*plans) };

static struct object objects[BURST_MAX];

static void make(struct plan plan)
{
    for (size_t i = 0; i < plan.count; i++)
        objects[i] = object_new(plan.size);
}

static void free_same(struct plan plan)
{
    for (size_t i = 0; i < plan.count; i++)
        object_free(objects[i]);
}

static void free_opposite(struct plan plan)
{
    for (size_t i = plan.count; i-- > 0;)
        object_free(objects[i]);
}

/* As one would draw lots: each object left is as likely to be the next (Fisher and Yates). */
static void free_random(struct plan plan, struct random *random)
{
    for (size_t left = plan.count; left > 0; left--) {
        size_t lot = random_below(random, left);
        object_free(objects[lot]);
        objects[lot] = objects[left - 1];
    }
}

static void run_bursts(struct plan plan, struct random *random)
{
    make(plan);
    free_same(plan);
    make(plan);
    free_opposite(plan);
    make(plan);
    free_random(plan, random);
}

static void run_plans(const struct job *job, size_t first, size_t end)
{
    struct random random = {2};

    for (size_t i = first; i < end; i++)
        for (size_t left = job_amount(job, plans[i].rounds); left > 0; left--)
            run_bursts(plans[i], &random);
}

void burst_run(const struct job *job)
{
    size_t first, end;

    if (!job_plans(job, SMALL_PLANS, PLANS, &first, &end))
        job_fail(job);
    run_plans(job, first, end);
}
