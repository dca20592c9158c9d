/*
 * threads.c - a storm of short threads, which leave objects behind for others to free.
 *
 * An operation is one thread's life. What thread after thread leaves must not add up.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "harness.h"
#include "memory.h"

#include "allocator.h"

enum {
    PER_THREAD = 200,
    POOL = 400,
    LARGEST = 64 * KIB,
    LARGEST_LEFT = 4 * KIB, /* so that the pool stays the same size, more or less */
    GROWTH_LIMIT = 8 * MIB,
};

static struct object *_Atomic pool[POOL];

/* An object that is described by another: two of the same heap, handed over together. */
static struct object *allocate_for_others(struct random *random)
{
    struct object *object = malloc(sizeof(*object));

    if (!object)
        FAIL("no memory for an object's description");
    object_allocate(object, random, random_size(random, LARGEST_LEFT));
    return object;
}

static void free_of_others(struct object *object)
{
    if (!object)
        return;
    object_free(object);
    free(object);
}

static void live(uint64_t number)
{
    struct random random = random_start(number);
    struct object own[PER_THREAD];

    for (size_t i = 0; i < PER_THREAD; i++) {
        object_allocate(&own[i], &random, random_size(&random, LARGEST));
        if (random_below(&random, 4) == 0)
            free_of_others(atomic_exchange(&pool[random_below(&random, POOL)], allocate_for_others(&random)));
    }
    for (size_t i = 0; i < PER_THREAD; i++)
        object_free(&own[i]);
}

static void *run_short_thread(void *number)
{
    live((uintptr_t)number);
    return NULL;
}

/* `count` threads' lives from `first` on, options.threads at a time. */
static void run_storm(uint64_t first, uint64_t count)
{
    pthread_t threads[MAX_THREADS];

    for (uint64_t i = 0; i < count + options.threads; i++) {
        if (i >= options.threads)
            pthread_join(threads[i % options.threads], NULL);
        if (i < count &&
            pthread_create(&threads[i % options.threads], NULL, run_short_thread, (void *)(first + i)) != 0)
            FAIL("no thread");
    }
}

static void check_growth(size_t middle, size_t end)
{
    printf("resident in the middle: %zu KiB, at the end: %zu KiB\n", middle / KIB, end / KIB);
    if (resident_is_the_heaps && end > middle + GROWTH_LIMIT)
        FAIL("resident memory grew from %zu KiB to %zu KiB", middle / KIB, end / KIB);
}

int main(int argc, char **argv)
{
    uint64_t half;
    size_t middle;

    harness_start(argc, argv, (struct options){.threads = 8, .operations = 4000});
    half = options.operations / 2 + 1;
    for (uint64_t first = 0; first == 0 || !harness_done(0); first += 2 * half) {
        run_storm(first, half);
        middle = resident_bytes();
        run_storm(first + half, half);
        check_growth(middle, resident_bytes());
        harness_validate("after a storm");
    }
    for (size_t i = 0; i < POOL; i++)
        free_of_others(pool[i]);
    harness_validate("at the end");
    return 0;
}
