/* common.c - what the workloads share; see workload.h. */
#include "workload.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

size_t job_amount(const struct job *job, size_t amount)
{
    double scaled = (double)amount * job->scale;

    return scaled < 1 ? 1 : (size_t)scaled;
}

void job_fail(const struct job *job)
{
    fprintf(stderr, "loam-bench-workload: not a parameter of this workload: %s\n", job->parameter);
    exit(2);
}

bool job_plans(const struct job *job, size_t small, size_t all, size_t *first, size_t *end)
{
    bool is_small = job->parameter && strcmp(job->parameter, "small") == 0;
    bool is_large = job->parameter && strcmp(job->parameter, "large") == 0;

    if (job->parameter && !is_small && !is_large)
        return false;
    *first = is_large ? small : 0;
    *end = is_small ? small : all;
    return true;
}

size_t job_number(const struct job *job, size_t otherwise)
{
    char *end;

    if (!job->parameter)
        return otherwise;
    size_t number = strtoull(job->parameter, &end, 10);
    if (number > 0 && *end == '\0')
        return number;
    job_fail(job);
}

static _Noreturn void fail_trace(void)
{
    fprintf(stderr, "loam-bench-workload: cannot write the trace\n");
    exit(1);
}

FILE *trace_open(void)
{
    static char buffer[16 * KIB];
    const char *path = getenv("LOAM_BENCH_TRACE");
    FILE *trace = path ? fopen(path, "w") : stdout;

    if (!trace)
        fail_trace();
    setvbuf(trace, buffer, _IOFBF, sizeof(buffer));
    return trace;
}

void trace_close(FILE *trace)
{
    bool failed = ferror(trace);

    if (fclose(trace) != 0 || failed)
        fail_trace();
}

void tell_ns(double ns)
{
    FILE *trace = trace_open();

    fprintf(trace, "%.2f\n", ns);
    trace_close(trace);
}

uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static pthread_t start(const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
    pthread_t thread;
    int error = pthread_create(&thread, attributes, body, argument);

    if (error) {
        fprintf(stderr, "loam-bench-workload: pthread_create: %s\n", strerror(error));
        _exit(1);
    }
    return thread;
}

void threads_run(size_t count, void *(*body)(void *), void *arguments, size_t size)
{
    pthread_t threads[count];

    for (size_t i = 0; i < count; i++)
        threads[i] = start(NULL, body, (char *)arguments + i * size);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

void threads_detach(void *(*body)(void *), void *argument)
{
    pthread_detach(start(NULL, body, argument));
}

void fail_no_memory(size_t size)
{
    fprintf(stderr, "loam-bench-workload: no memory for %zu bytes\n", size);
    _exit(1);
}

void fail_corrupted(const void *object, size_t size)
{
    fprintf(stderr, "loam-bench-workload: the object of %zu bytes at %p was overwritten\n", size, object);
    _exit(1);
}
