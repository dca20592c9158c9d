/*
 * larson.c - threads replace random members of a set, end, and leave the set to the next thread.
 *
 *   larson:THREADS   so many at a time, 2 when left out; the work is the same for any number
 *
 * A server hands a connection's state from one short-lived thread to the next: most of what a thread frees was made by
 * threads that are gone, and each thread leaves all of its own to others ("bleeding"). A thread starts its successor
 * and ends without waiting for it.
 *
 * Source: P.-A. Larson and M. Krishnan, "Memory allocation for long-running server applications", ISMM 1998.
 */
#include "workload.h"

#include <semaphore.h>

enum {
    SLOTS = 5000,
    SMALLEST = 8,
    LARGEST = 1000,       /* bytes, uniform */
    REPLACEMENTS = 50000, /* of one thread */
    GENERATIONS = 240,    /* threads, over all chains */
};

/* The set, and the thread that has it at the moment. */
struct chain {
    ONE_FOR_EACH_THREAD struct object objects[SLOTS];
    struct random random;
    size_t generations; /* left, with this one */
    sem_t *ended;
};

static void fill(struct chain *chain)
{
    for (int i = 0; i < SLOTS; i++)
        chain->objects[i] = object_new(random_between(&chain->random, SMALLEST, LARGEST));
}

static void empty(struct chain *chain)
{
    for (int i = 0; i < SLOTS; i++)
        object_free(chain->objects[i]);
}

static void *serve(void *argument)
{
    struct chain *chain = argument;

    for (int i = 0; i < REPLACEMENTS; i++) {
        struct object *victim = &chain->objects[random_below(&chain->random, SLOTS)];
        object_free(*victim);
        *victim = object_new(random_between(&chain->random, SMALLEST, LARGEST));
    }
    if (--chain->generations > 0)
        threads_detach(serve, chain);
    else
        sem_post(chain->ended);
    return NULL;
}

void larson_run(const struct job *job)
{
    size_t count = job_number(job, 2);
    size_t generations = job_amount(job, GENERATIONS) / count + 1;
    struct chain *chains = aligned_alloc(alignof(struct chain), count * sizeof(*chains));
    sem_t ended;

    if (!chains)
        fail_no_memory(count * sizeof(*chains));
    sem_init(&ended, 0, 0);
    for (size_t i = 0; i < count; i++) {
        chains[i].random.state = 100 + i;
        chains[i].generations = generations;
        chains[i].ended = &ended;
        fill(&chains[i]);
    }
    for (size_t i = 0; i < count; i++)
        threads_detach(serve, &chains[i]);
    for (size_t i = 0; i < count; i++)
        sem_wait(&ended);
    for (size_t i = 0; i < count; i++)
        empty(&chains[i]);
    free(chains);
}
