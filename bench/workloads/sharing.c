/*
 * sharing.c - whether an allocator makes threads share cache lines that the program does not.
 *
 *   sharing:active    each thread makes a small object, writes to it many times, and frees it
 *   sharing:passive   the same, but the first object of each was made by the main thread, beside the others'
 *
 * Where objects of two threads lie in one line, every write waits for the line. An allocator does so actively when it
 * hands neighbours to two threads, and passively when it lets a thread allocate the neighbour of what it freed for
 * another.
 *
 * Source: cache-thrash and cache-scratch of E. Berger and others, "Hoard: a scalable memory allocator for multithreaded
 *         applications", ASPLOS 2000.
 */
#include "workload.h"

enum {
    THREADS = 2,
    SIZE = 8, /* bytes */
    WRITES = 1000,
    OBJECTS = 1200000, /* in all */
};

struct writer {
    unsigned char *first; /* object, or NULL */
    size_t objects;
};

static void write_often(unsigned char *object)
{
    volatile unsigned char *data = object;

    for (int i = 0; i < WRITES; i++)
        data[i % SIZE]++;
}

static void *write_all(void *argument)
{
    struct writer *writer = argument;

    free(writer->first);
    for (size_t i = 0; i < writer->objects; i++) {
        struct object object = object_new(SIZE);
        write_often(object.data);
        free(object.data);
    }
    return NULL;
}

void sharing_run(const struct job *job)
{
    bool passive = job->parameter && strcmp(job->parameter, "passive") == 0;
    struct writer writers[THREADS];

    if (job->parameter && !passive && strcmp(job->parameter, "active") != 0)
        job_fail(job);
    for (size_t i = 0; i < THREADS; i++)
        writers[i] = (struct writer){passive ? object_new(SIZE).data : NULL, job_amount(job, OBJECTS) / THREADS};
    threads_run(THREADS, write_all, writers, sizeof(*writers));
}
