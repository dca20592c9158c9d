/*
 * leaky.c - a program made up of a seed, that loses some of what it allocates and says what.
 *
 *   leaky SEED
 *
 * Structures of random shape are kept by a global, a local variable, a thread's own variable, another object, or a
 * pointer into their middle; others are lost: single objects, lists and rings, from the main thread or others. Lines of
 * output: lost N, lost_bytes N, indirect N, of which sizes are sizes of classes, and "ready PID".
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STRUCTURES = 40, GLOBALS = 64, THREADS = 3, LENGTH_MAX = 30 };

static uint64_t random_state;
static void *globals[GLOBALS];
static size_t global_count;
static unsigned long lost, lost_bytes, indirect;
static pthread_barrier_t done;
static _Thread_local void *of_thread;

/* Source: G. Marsaglia, "Xorshift RNGs", 2003. */
static unsigned below(unsigned bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state % bound);
}

static const size_t sizes[] = {16, 32, 48, 64, 128, 256, 1024, 4096, 32768, 65536, 2097152};

struct node {
    void *next;
    void *first;
};

/* A list, or a ring, of nodes of one size; *bytes is that size. */
static struct node *make(size_t length, int ring, size_t *bytes)
{
    struct node *first = NULL, *last = NULL;

    *bytes = sizes[below(length > 5 ? 8 : sizeof(sizes) / sizeof(sizes[0]))];
    for (size_t i = 0; i < length; i++) {
        struct node *node = calloc(1, *bytes);
        node->next = first;
        first = node;
        if (!last)
            last = node;
    }
    if (ring)
        last->next = first;
    return first;
}

static void keep(struct node *first, size_t bytes)
{
    switch (below(4)) {
    case 0:
        globals[global_count++] = first;
        break;
    case 1: /* by a pointer into it */
        globals[global_count++] = (char *)first + bytes / 2;
        break;
    case 2: /* by the last byte of the object that another one points to */
        globals[global_count] = calloc(1, 64);
        ((void **)globals[global_count++])[7] = (char *)first + bytes - 1;
        break;
    default:
        first->first = of_thread;
        of_thread = first;
        break;
    }
}

/* In a function of its own, so that its variables are gone. */
static __attribute__((noinline)) void build(void)
{
    for (int i = 0; i < STRUCTURES / (THREADS + 1); i++) {
        size_t bytes, length = 1 + below(LENGTH_MAX);
        int ring = below(2) == 0;
        struct node *first = make(length, ring, &bytes);
        if (below(2) == 0) {
            lost++;
            lost_bytes += bytes;
            indirect += length - 1;
        } else {
            keep(first, bytes);
        }
        if (below(3) == 0)
            free(make(1, 0, &bytes));
    }
}

/* Nothing is left of what registers and the stack below held. */
static __attribute__((noinline)) void forget(void)
{
    volatile char space[65536];

    for (size_t i = 0; i < sizeof(space); i++)
        space[i] = 0;
    __asm__ volatile("" : : "r"(space) : "memory", "rbx", "r12", "r13", "r14", "r15");
}

static void *run(void *unused)
{
    build();
    forget();
    pthread_barrier_wait(&done);
    for (;;)
        pause();
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    char byte;

    random_state = argc > 1 ? strtoull(argv[1], NULL, 0) * 0x9e3779b97f4a7c15 + 1 : 1;
    for (int i = 0; i < 10; i++)
        below(2);
    for (int i = 0; i < THREADS; i++) { /* one after the other: a seed means one program */
        pthread_barrier_init(&done, NULL, 2);
        pthread_create(&thread, NULL, run, NULL);
        pthread_barrier_wait(&done);
    }
    build();
    forget();
    dprintf(STDOUT_FILENO, "lost %lu\nlost_bytes %lu\nindirect %lu\nready %d\n", lost, lost_bytes, indirect,
            (int)getpid());
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    return 0;
}
