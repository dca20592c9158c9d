/*
 * queue.c - replace the oldest object of a set, over and over.
 *
 *   queue             16 MiB of objects
 *   queue:steps-N     tells the time of a step, in nanoseconds, over N steps on 1 MiB of objects;
 *   queue:live-N      on N MiB of objects;
 *   queue:threads-N   and in N threads, each with 1 MiB of its own: elapsed time over the steps of all
 *
 * What they tell goes to the file that LOAM_BENCH_TRACE names, or to the output. An object is touched when it is made
 * and when it is freed. With more objects than a cache holds, that takes time which no allocator can save.
 *
 * Source: the question is that of E. Berger and others, "Hoard: a scalable memory allocator for multithreaded
 *         applications", ASPLOS 2000: whether the cost stays the same as work, memory and threads grow.
 */
#include "workload.h"

enum {
    SIZE_FIRST = 64,
    SIZE_LAST = 1023,
    SIZE_MEAN = (SIZE_FIRST + SIZE_LAST) / 2,
    STEPS = 20000000,
};

struct queue {
    ONE_FOR_EACH_THREAD struct random random;
    struct object *objects;
    size_t count;
    size_t oldest;
    size_t steps; /* to do */
};

static struct object make(struct queue *queue)
{
    struct object object = object_get(random_between(&queue->random, SIZE_FIRST, SIZE_LAST));

    object_touch(object);
    return object;
}

static void fill(struct queue *queue, size_t mib)
{
    queue->count = mib * MIB / SIZE_MEAN;
    queue->objects = calloc(queue->count, sizeof(*queue->objects));
    if (!queue->objects)
        fail_no_memory(queue->count * sizeof(*queue->objects));
    for (size_t i = 0; i < queue->count; i++)
        queue->objects[i] = make(queue);
}

static void replace(struct queue *queue, size_t steps)
{
    while (steps-- > 0) {
        struct object *oldest = &queue->objects[queue->oldest];
        object_free(*oldest);
        *oldest = make(queue);
        queue->oldest = queue->oldest + 1 == queue->count ? 0 : queue->oldest + 1;
    }
}

static void empty(struct queue *queue)
{
    for (size_t i = 0; i < queue->count; i++)
        object_free(queue->objects[i]);
    free(queue->objects);
}

/* Returns the nanoseconds of a step, once every object has been replaced. */
static double run_alone(size_t mib, size_t steps)
{
    struct queue queue = {.random = {20}};

    fill(&queue, mib);
    replace(&queue, queue.count);
    uint64_t start = now_ns();
    replace(&queue, steps);
    uint64_t end = now_ns();
    empty(&queue);
    return (double)(end - start) / (double)steps;
}

static void *run_one_of_many(void *argument)
{
    struct queue *queue = argument;

    fill(queue, 1);
    replace(queue, queue->steps);
    empty(queue);
    return NULL;
}

static double run_threads(size_t count, size_t steps)
{
    struct queue queues[count];
    uint64_t start = now_ns();

    for (size_t i = 0; i < count; i++)
        queues[i] = (struct queue){.random = {i}, .steps = steps / count};
    threads_run(count, run_one_of_many, queues, sizeof(*queues));
    return (double)(now_ns() - start) / (double)steps;
}

void queue_run(const struct job *job)
{
    size_t number;
    char kind[16];

    if (!job->parameter)
        run_alone(16, job_amount(job, STEPS));
    else if (sscanf(job->parameter, "%15[a-z]-%zu", kind, &number) != 2 || number == 0)
        job_fail(job);
    else if (strcmp(kind, "steps") == 0)
        tell_ns(run_alone(1, number));
    else if (strcmp(kind, "live") == 0)
        tell_ns(run_alone(number, job_amount(job, STEPS)));
    else if (strcmp(kind, "threads") == 0)
        tell_ns(run_threads(number, job_amount(job, STEPS)));
    else
        job_fail(job);
}
