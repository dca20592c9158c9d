/*
 * cold.c - replace random members of a set that is far larger than any cache.
 *
 *   cold             all objects are looked at when they are freed, and written to when they are new
 *   cold:operation   none is: what remains is the allocator's own time; tells the ns of a step
 *
 * Each step frees an object that has not been looked at for a million steps, so its line, its neighbours' and whatever
 * the allocator keeps for it are cold; then a new one of another size takes its place.
 *
 * Source: the alloc-test program of D. Ignatchenko and S. Ignatchenko, "Testing memory allocators: ptmalloc2 vs
 *         tcmalloc vs hoard vs jemalloc while trying to simulate real-world loads", ithare.com, 2018.
 */
#include "workload.h"

enum {
    OBJECTS = 1000000,
    SMALLEST = 16,
    LARGEST = 1024, /* bytes, uniform */
    STEPS = 1500000,
};

static struct object objects[OBJECTS];

static void replace(struct random *random, size_t steps)
{
    for (size_t i = 0; i < steps; i++) {
        struct object *victim = &objects[random_below(random, OBJECTS)];
        object_free(*victim);
        *victim = object_new(random_between(random, SMALLEST, LARGEST));
    }
}

static void tell_step(struct random *random, size_t steps)
{
    uint64_t start = now_ns();

    for (size_t i = 0; i < steps; i++) {
        struct object *victim = &objects[random_below(random, OBJECTS)];
        free(victim->data);
        *victim = object_get(random_between(random, SMALLEST, LARGEST));
    }
    tell_ns((double)(now_ns() - start) / (double)steps);
    for (size_t i = 0; i < OBJECTS; i++)
        object_write(objects[i]); /* as they are looked at when they are freed at last */
}

void cold_run(const struct job *job)
{
    struct random random = {1};
    size_t steps = job_amount(job, STEPS);

    if (job->parameter && strcmp(job->parameter, "operation") != 0)
        job_fail(job);
    for (size_t i = 0; i < OBJECTS; i++)
        objects[i] = object_new(random_between(&random, SMALLEST, LARGEST));
    if (job->parameter)
        tell_step(&random, steps);
    else
        replace(&random, steps);
    for (size_t i = 0; i < OBJECTS; i++)
        object_free(objects[i]);
}
