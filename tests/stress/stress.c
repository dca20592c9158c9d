/*
 * stress.c - random operations in many threads, on objects of their own and on objects that they take from each other.
 *
 * An operation allocates, resizes, frees or exchanges one object. After each round all threads hold still and the heap
 * is validated.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "harness.h"
#include "memory.h"

enum {
    ROUNDS = 6,
    OWN = 500,
    SHARED = 300,
    LARGEST = 6 * MIB,
};

/* Every object is at any moment one thread's alone, or lies in the shared pool. */
static struct object objects[MAX_THREADS * OWN + SHARED];
static struct object *_Atomic pool[SHARED];

static pthread_barrier_t barrier;
static bool done; /* written between two barriers */

static void operate(struct object **own, struct random *random)
{
    struct object **slot = &own[random_below(random, OWN)];
    struct object *object = *slot;
    uint64_t operation = random_below(random, 16);

    if (operation < 4)
        *slot = atomic_exchange(&pool[random_below(random, SHARED)], object);
    else if (!object->memory)
        object_allocate(object, random, random_size(random, LARGEST));
    else if (operation < 7)
        object_resize(object, random_size(random, LARGEST));
    else
        object_free(object);
}

static void run_rounds(struct object **own, struct random *random)
{
    while (!done) {
        for (uint64_t i = 0; i < options.operations; i++)
            operate(own, random);
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
            harness_validate("at a quiet point");
            done = harness_done(ROUNDS - 1);
        }
        pthread_barrier_wait(&barrier);
    }
}

static void run_thread(unsigned index)
{
    struct random random = random_start(index);
    struct object *own[OWN];

    for (size_t i = 0; i < OWN; i++)
        own[i] = &objects[index * OWN + i];
    run_rounds(own, &random);
    for (size_t i = 0; i < OWN; i++) {
        if (own[i]->memory)
            object_free(own[i]);
    }
}

int main(int argc, char **argv)
{
    harness_start(argc, argv, (struct options){.threads = 4, .operations = 20000});
    for (size_t i = 0; i < SHARED; i++)
        pool[i] = &objects[MAX_THREADS * OWN + i];
    pthread_barrier_init(&barrier, NULL, options.threads);
    harness_run_threads(run_thread);
    harness_validate("with objects that outlived their threads");
    for (size_t i = 0; i < SHARED; i++) {
        if (pool[i]->memory)
            object_free(pool[i]);
    }
    harness_validate("at the end");
    return 0;
}
