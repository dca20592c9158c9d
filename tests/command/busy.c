/*
 * busy.c - threads that allocate and free as fast as they can, and lose nothing: every object is in an array of the
 * program, or on its way there.
 *
 *   busy [THREADS]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OWN = 3000, THREADS_MAX = 16, SIZES = 12 };

static void *volatile objects[THREADS_MAX][OWN];

static void *run(void *number)
{
    static const size_t sizes[SIZES] = {8, 16, 24, 48, 64, 100, 200, 400, 1000, 3000, 9000, 70000};
    void *volatile *own = objects[(long)number];
    unsigned state = (unsigned)(long)number * 7919 + 1;

    for (;;) {
        state = state * 1664525 + 1013904223;
        void *volatile *slot = &own[(state >> 8) % OWN];
        /* An object of another thread's, now and then. */
        if (state >> 28 == 0)
            slot = &objects[(state >> 4) % 2][(state >> 8) % OWN];
        void *old = __atomic_exchange_n(slot, NULL, __ATOMIC_ACQ_REL);
        free(old);
        void *fresh = state >> 31 ? malloc(sizes[(state >> 20) % SIZES]) : NULL;
        old = __atomic_exchange_n(slot, fresh, __ATOMIC_ACQ_REL);
        free(old);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    long threads = argc > 1 ? atoi(argv[1]) : 4;
    pthread_t thread;
    char byte;

    for (long i = 0; i < threads && i < THREADS_MAX; i++)
        pthread_create(&thread, NULL, run, (void *)i);
    usleep(100000);
    char line[32];
    int length = snprintf(line, sizeof(line), "ready %d\n", (int)getpid());
    if (write(STDOUT_FILENO, line, (size_t)length) != length)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    return 0;
}
