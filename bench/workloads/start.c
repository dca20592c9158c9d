/*
 * start.c - run a program that does nothing, many times: what an allocator costs before its first allocation.
 *
 * The program is this one, with the workload `nothing`. It inherits LD_PRELOAD, as whatever a preloaded shell starts
 * does.
 *
 * Source: posix_spawn(3); a shell's or a build's many short processes.
 */
#include "workload.h"

#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

enum { RUNS = 600 };

void nothing_run(const struct job *job)
{
    (void)job;
}

static void run_nothing(void)
{
    char *arguments[] = {"loam-bench-workload", "nothing", NULL};
    pid_t child;
    int status;

    if (posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ) != 0 ||
        waitpid(child, &status, 0) != child || status != 0) {
        fprintf(stderr, "loam-bench-workload: a child failed\n");
        exit(1);
    }
}

void start_run(const struct job *job)
{
    for (size_t left = job_amount(job, RUNS); left > 0; left--)
        run_nothing();
}
