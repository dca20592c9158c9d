/*
 * workload.h - what every workload is made of.
 *
 * A workload does a fixed amount of work, so that it is measured from outside: time, and the peak of its memory. What
 * it does depends on its seed and nothing else, never on an address or a clock, so that every allocator is asked for
 * the same objects in the same order (in each thread, where there are several).
 *
 * Objects are written to when made and read before they are freed, as a program would; an allocator that hands out
 * memory twice is found out.
 */
#ifndef LOAM_BENCH_WORKLOAD_H
#define LOAM_BENCH_WORKLOAD_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

enum {
    PAGE = 4096,
    WRITE_MAX = 1024, /* bytes of an object that are written one by one; past them, one in each page */
};

/* Of what each thread has one and writes to: no two lie in a cache line, nor in a pair that is fetched together. */
#define ONE_FOR_EACH_THREAD alignas(128)

/* What the command line asks for. */
struct job {
    const char *parameter; /* what follows the colon of NAME:PARAMETER, or NULL */
    double scale;          /* how much work to do, 1 for the usual amount */
};

struct workload {
    const char *name;
    void (*run)(const struct job *job);
};

void cold_run(const struct job *job);
void hot_run(const struct job *job);
void burst_run(const struct job *job);
void producer_run(const struct job *job);
void larson_run(const struct job *job);
void grow_run(const struct job *job);
void mixed_run(const struct job *job);
void trees_run(const struct job *job);
void strings_run(const struct job *job);
void churn_run(const struct job *job);
void factor_run(const struct job *job);
void logic_run(const struct job *job);
void zeroed_run(const struct job *job);
void aligned_run(const struct job *job);
void exchange_run(const struct job *job);
void phases_run(const struct job *job);
void sharing_run(const struct job *job);
void swell_run(const struct job *job);
void server_run(const struct job *job);
void queue_run(const struct job *job);
void start_run(const struct job *job);
void nothing_run(const struct job *job);

/* `amount` times the scale of the job, at least 1. */
size_t job_amount(const struct job *job, size_t amount);

/* The parameter as a number; `otherwise` where there is none. Ends the process when it is not a number above 0. */
size_t job_number(const struct job *job, size_t otherwise);

/*
 * Which of `all` plans the parameter names, *first up to *end: "small" the first `small` of them, "large" the others,
 * none all of them. False where it is another parameter.
 */
bool job_plans(const struct job *job, size_t small, size_t all, size_t *first, size_t *end);

/* End the process, for the parameter is not one that the workload knows. */
_Noreturn void job_fail(const struct job *job);

/* The file that LOAM_BENCH_TRACE names, or the output, with a buffer that is not the allocator's. */
FILE *trace_open(void);
void trace_close(FILE *trace);

/* What a step takes, as the one line of the trace. */
void tell_ns(double ns);

/* CLOCK_MONOTONIC. */
uint64_t now_ns(void);

/* Run `body` in `count` threads, each on its own element of an array with elements of `size` bytes; wait for all. */
void threads_run(size_t count, void *(*body)(void *), void *arguments, size_t size);

/* Start a thread that nobody waits for. */
void threads_detach(void *(*body)(void *), void *argument);

/* End the process, for the allocator has failed. */
_Noreturn void fail_no_memory(size_t size);
_Noreturn void fail_corrupted(const void *object, size_t size);

/* Random numbers: splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). */
struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* A number below `limit`, by multiplication (Lemire, "Fast random integer generation in an interval", 2019). */
static inline size_t random_below(struct random *random, size_t limit)
{
    return (size_t)((unsigned __int128)random_next(random) * limit >> 64);
}

/* A number from `low` to `high`, both included. */
static inline size_t random_between(struct random *random, size_t low, size_t high)
{
    return low + random_below(random, high - low + 1);
}

/* A number from `first` up, doubled as long as luck holds, then anything up to the next doubling. */
static inline size_t random_power_law(struct random *random, size_t first, int doublings, size_t twentieths)
{
    size_t number = first;

    while (doublings-- > 0 && random_below(random, 20) < twentieths)
        number *= 2;
    return number + random_below(random, number);
}

/* An object and what it was asked for. */
struct object {
    unsigned char *data;
    size_t size; /* bytes, at least 1 */
};

static inline unsigned char object_mark(size_t size)
{
    return (unsigned char)(size * 31 + 7);
}

/* Write to both ends of the object. */
static inline void object_touch(struct object object)
{
    object.data[0] = object.data[object.size - 1] = object_mark(object.size);
}

/* Write every byte of the first WRITE_MAX, then one in each page, and the last. */
static inline void object_write(struct object object)
{
    memset(object.data, object_mark(object.size), object.size < WRITE_MAX ? object.size : WRITE_MAX);
    for (size_t i = PAGE; i < object.size; i += PAGE)
        object.data[i] = 1;
    object_touch(object);
}

static inline struct object object_get(size_t size)
{
    struct object object = {.data = malloc(size), .size = size};

    if (!object.data)
        fail_no_memory(size);
    return object;
}

static inline struct object object_new(size_t size)
{
    struct object object = object_get(size);

    object_write(object);
    return object;
}

static inline void object_check(struct object object)
{
    unsigned char mark = object_mark(object.size);

    if (object.data[0] != mark || object.data[object.size - 1] != mark)
        fail_corrupted(object.data, object.size);
}

static inline void object_free(struct object object)
{
    object_check(object);
    free(object.data);
}

#endif
