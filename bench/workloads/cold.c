/*
 * cold.c - replace random members of a set that is far larger than any cache.
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

void cold_run(const struct job *job)
{
    struct random random = {1};
    size_t steps = job_amount(job, STEPS);

    for (size_t i = 0; i < OBJECTS; i++)
        objects[i] = object_new(random_between(&random, SMALLEST, LARGEST));
    for (size_t i = 0; i < steps; i++) {
        struct object *victim = &objects[random_below(&random, OBJECTS)];
        object_free(*victim);
        *victim = object_new(random_between(&random, SMALLEST, LARGEST));
    }
    for (size_t i = 0; i < OBJECTS; i++)
        object_free(objects[i]);
}
