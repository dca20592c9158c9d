/*
 * phases.c - threads make objects in one phase, and free each other's in the next.
 *
 *   phases:THREADS   so many at a time, 2 when left out; the work is the same for any number
 *
 * Between two phases all wait for each other. In each round the sizes are others, and a thread frees what another
 * one made, each time another one: nothing that was freed lies where it is needed next.
 *
 * Source: the pipelines of stages in P. Wilson and others, "Dynamic storage allocation: a survey and critical review",
 *         1995, "ramps, plateaus and peaks"; with threads as in Hoard's threadtest (see churn.c).
 */
#include "workload.h"

#include <pthread.h>

enum {
    ROUNDS = 24,
    OBJECTS = 160000, /* of a round, in all threads */
    SMALLEST = 16,    /* bytes, of the smallest object of round 0, 8, 16, ...; then times two each round */
    CYCLE = 6,
};

struct worker {
    ONE_FOR_EACH_THREAD size_t number;
    struct random random;
    struct object *objects;
};

static struct worker *workers;
static size_t worker_count, object_count, rounds;
static pthread_barrier_t barrier;

static void make_all(struct worker *worker, size_t round)
{
    size_t smallest = (size_t)SMALLEST << round % CYCLE;

    for (size_t i = 0; i < object_count; i++)
        worker->objects[i] = object_new(random_between(&worker->random, smallest, 2 * smallest));
}

static void free_all(const struct worker *worker)
{
    for (size_t i = 0; i < object_count; i++)
        object_free(worker->objects[i]);
}

static void *work(void *argument)
{
    struct worker *worker = argument;

    for (size_t round = 0; round < rounds; round++) {
        make_all(worker, round);
        pthread_barrier_wait(&barrier);
        free_all(&workers[(worker->number + 1 + round) % worker_count]);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

void phases_run(const struct job *job)
{
    worker_count = job_number(job, 2);
    object_count = OBJECTS / worker_count;
    rounds = job_amount(job, ROUNDS);
    struct worker all[worker_count];

    workers = all;
    pthread_barrier_init(&barrier, NULL, (unsigned)worker_count);
    for (size_t i = 0; i < worker_count; i++) {
        all[i] = (struct worker){i, {300 + i}, calloc(object_count, sizeof(struct object))};
        if (!all[i].objects)
            fail_no_memory(object_count * sizeof(struct object));
    }
    threads_run(worker_count, work, all, sizeof(*all));
    for (size_t i = 0; i < worker_count; i++)
        free(all[i].objects);
}
