/*
 * churn.c - many short threads, a few at a time.
 *
 * A thread makes some hundreds of objects, frees them and ends: what counts is the cost of a thread's first allocation
 * and of its end, and whether what it held comes back.
 *
 * Source: threadtest of E. Berger and others, "Hoard: a scalable memory allocator for multithreaded applications",
 *         ASPLOS 2000, with threads that end, as mleak of mimalloc-bench has them.
 */
#include "workload.h"

enum {
    THREADS = 12000,
    GROUP = 4, /* threads at a time */
    OBJECTS = 400,
    SMALLEST = 16,
    LARGEST = 2048, /* bytes; small ones are likelier */
};

static size_t pick_size(struct random *random)
{
    return random_between(random, SMALLEST, random_between(random, SMALLEST, LARGEST));
}

static void *live(void *argument)
{
    struct random random = *(struct random *)argument;
    struct object objects[OBJECTS];

    for (int i = 0; i < OBJECTS; i++)
        objects[i] = object_new(pick_size(&random));
    for (int i = 0; i < OBJECTS; i++)
        object_free(objects[i]);
    return NULL;
}

void churn_run(const struct job *job)
{
    size_t groups = job_amount(job, THREADS / GROUP);
    struct random seeds[GROUP];

    for (size_t group = 0; group < groups; group++) {
        for (size_t i = 0; i < GROUP; i++)
            seeds[i].state = group * GROUP + i;
        threads_run(GROUP, live, seeds, sizeof(*seeds));
    }
}
