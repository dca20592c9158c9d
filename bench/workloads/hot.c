/*
 * hot.c - malloc and free of one size, one after the other.
 *
 *   hot:small   16, 64, 256 and 1024 bytes: the length of the fast path
 *   hot:large   4 KiB to 1 MiB: whether memory just freed is given back to the kernel and faulted in again
 *   hot:BYTES   one size
 *
 * Objects are touched at both ends only, for a longer write would hide the allocator.
 *
 * Source: bench-malloc-simple of the GNU C library (benchtests), and malloc-large of mimalloc-bench for the large.
 */
#include "workload.h"

/* Pairs of a size, so that each size takes about as long as the next. */
struct plan {
    size_t size;
    size_t pairs;
};

static const struct plan plans[] = {
    {16, 24000000},     {64, 24000000},      {256, 24000000},      {1 * KIB, 24000000},
    {4 * KIB, 6000000}, {32 * KIB, 6000000}, {256 * KIB, 6000000}, {1 * MIB, 6000000},
};

enum { SMALL_PLANS = 4, PLANS = sizeof(plans) / sizeof(*plans) };

static void run_pairs(const struct job *job, size_t size, size_t pairs)
{
    for (size_t left = job_amount(job, pairs); left > 0; left--) {
        struct object object = object_get(size);
        object_touch(object);
        object_free(object);
    }
}

static void run_plans(const struct job *job, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++)
        run_pairs(job, plans[i].size, plans[i].pairs);
}

/* One size, with the pairs of the next planned size. */
static void run_one(const struct job *job, size_t size)
{
    int i = 0;

    while (i < PLANS - 1 && plans[i].size < size)
        i++;
    run_pairs(job, size, plans[i].pairs);
}

void hot_run(const struct job *job)
{
    size_t first, end;

    if (job_plans(job, SMALL_PLANS, PLANS, &first, &end))
        run_plans(job, first, end);
    else
        run_one(job, job_number(job, 0));
}
