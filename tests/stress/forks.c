/*
 * forks.c - a process forks while its threads allocate.
 *
 * An operation is one child. It finds the heap as the fork caught it: whatever the other threads were doing has to be
 * finished or undone, though they are gone. It frees what it inherited, allocates, starts a thread and validates its
 * heap.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "memory.h"

#include "allocator.h"

enum {
    INHERITED = 200, /* objects of each thread that the children check and free */
    OWN = 200,
    CHILD_OPERATIONS = 300,
    CHILD_SECONDS = 60, /* a child that needs as much hangs */
    LARGEST = 256 * KIB,
};

static struct object inherited[(MAX_THREADS + 1) * INHERITED];
static pthread_barrier_t prepared;
static atomic_bool stop;

static void allocate_inherited(struct object *objects, struct random *random)
{
    for (size_t i = 0; i < INHERITED; i++)
        object_allocate(&objects[i], random, random_size(random, LARGEST));
}

static void operate(struct object *own, struct random *random)
{
    struct object *object = &own[random_below(random, OWN)];
    uint64_t operation = random_below(random, 8);

    if (!object->memory)
        object_allocate(object, random, random_size(random, LARGEST));
    else if (operation < 2)
        object_resize(object, random_size(random, LARGEST));
    else
        object_free(object);
}

static void free_own(struct object *own)
{
    for (size_t i = 0; i < OWN; i++) {
        if (own[i].memory)
            object_free(&own[i]);
    }
}

static void *run_busy_thread(void *index)
{
    struct random random = random_start((uintptr_t)index);
    struct object own[OWN] = {0};

    allocate_inherited(&inherited[(uintptr_t)index * INHERITED], &random);
    pthread_barrier_wait(&prepared);
    while (!stop)
        operate(own, &random);
    free_own(own);
    return NULL;
}

static void *run_thread_of_child(void *number)
{
    struct random random = random_start((uintptr_t)number);
    struct object own[OWN] = {0};

    for (int i = 0; i < CHILD_OPERATIONS; i++)
        operate(own, &random);
    free_own(own);
    return NULL;
}

_Noreturn static void be_child(uint64_t number)
{
    pthread_t thread;

    alarm(CHILD_SECONDS);
    harness_validate("in a new child");
    for (size_t i = 0; i < (options.threads + 1) * INHERITED; i++) {
        object_check(&inherited[i]);
        if (i % 3 != number % 3)
            object_free(&inherited[i]);
    }
    run_thread_of_child((void *)~(uintptr_t)number);
    if (pthread_create(&thread, NULL, run_thread_of_child, (void *)(uintptr_t)(number << 32)) != 0)
        FAIL("no thread in a child");
    pthread_join(thread, NULL);
    harness_validate("in a child that worked");
    _exit(0);
}

static void fork_one(uint64_t number)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        be_child(number);
    if (pid < 0)
        FAIL("no child %llu", (unsigned long long)number);
    if (waitpid(pid, &status, 0) != pid || status != 0)
        FAIL("child %llu ended with status 0x%x", (unsigned long long)number, (unsigned)status);
}

/* The forking thread has objects of its own, also between its forks. */
static void *fork_many(void *first)
{
    struct random random = random_start((uintptr_t)first + MAX_THREADS);
    struct object own[OWN] = {0};

    for (uint64_t i = 0; i < options.operations / 2 + 1; i++) {
        for (uint64_t j = random_below(&random, 50); j > 0; j--)
            operate(own, &random);
        fork_one((uintptr_t)first + i);
    }
    free_own(own);
    return NULL;
}

/* First from the main thread, then from one that is as others are. */
static void fork_from_two_threads(void)
{
    pthread_t thread;

    fork_many((void *)1);
    if (pthread_create(&thread, NULL, fork_many, (void *)(uintptr_t)(options.operations / 2 + 2)) != 0)
        FAIL("no thread to fork from");
    pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
    pthread_t threads[MAX_THREADS];
    struct random random;

    harness_start(argc, argv, (struct options){.threads = 3, .operations = 300});
    random = random_start(MAX_THREADS);
    allocate_inherited(&inherited[options.threads * INHERITED], &random);
    pthread_barrier_init(&prepared, NULL, options.threads + 1);
    for (size_t i = 0; i < options.threads; i++) {
        if (pthread_create(&threads[i], NULL, run_busy_thread, (void *)i) != 0)
            FAIL("no thread %zu", i);
    }
    pthread_barrier_wait(&prepared);
    do
        fork_from_two_threads();
    while (!harness_done(0));
    stop = true;
    for (size_t i = 0; i < options.threads; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < (options.threads + 1) * INHERITED; i++)
        object_free(&inherited[i]);
    harness_validate("at the end");
    return 0;
}
