/*
 * launch.c - run one command with a library preloaded, and print what it cost.
 *
 *   loam-bench-launch PRELOAD COMMAND [ARGUMENT...]
 *
 * An empty PRELOAD stands for none. The command's output goes to /dev/null, its errors to ours. One line of figures
 * goes to our output:
 *
 *   elapsed_ns user_us system_us peak_rss_kib minor_faults major_faults involuntary_switches status
 *
 * Why a program of its own: the peak of a process outlives exec(2) (getrusage(2): ru_maxrss belongs to the process,
 * not to its image), so a child of a large interpreter starts with the interpreter's. This one is about 1 MiB.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STATUS_NOT_RUN = 127 }; /* as a shell says it */

static long long now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long microseconds(struct timeval t)
{
    return t.tv_sec * 1000000LL + t.tv_usec;
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "loam-bench-launch: %s: %s\n", what, strerror(errno));
    _exit(STATUS_NOT_RUN);
}

static _Noreturn void become(const char *preload, char **command)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        fail("/dev/null");
    unsetenv("LD_PRELOAD");
    if (*preload && setenv("LD_PRELOAD", preload, 1) != 0)
        fail("LD_PRELOAD");
    execvp(command[0], command);
    fail(command[0]);
}

/* The exit status, or 128 and the signal's number, as a shell says it. */
static int shell_status(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void print_figures(long long elapsed, const struct rusage *used, int status)
{
    printf("%lld %lld %lld %ld %ld %ld %ld %d\n", elapsed, microseconds(used->ru_utime), microseconds(used->ru_stime),
           used->ru_maxrss, used->ru_minflt, used->ru_majflt, used->ru_nivcsw, shell_status(status));
}

int main(int argc, char **argv)
{
    struct rusage used;
    int status;

    if (argc < 3) {
        fprintf(stderr, "usage: loam-bench-launch PRELOAD COMMAND [ARGUMENT...]\n");
        return 2;
    }
    long long start = now_ns();
    pid_t child = fork();
    if (child == 0)
        become(argv[1], argv + 2);
    if (child < 0 || wait4(child, &status, 0, &used) != child)
        fail("fork and wait");
    print_figures(now_ns() - start, &used, status);
    return 0;
}
