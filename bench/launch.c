/*
 * launch.c - run one command with a library preloaded, and print what it cost.
 *
 *   loam-bench-launch PRELOAD COMMAND [ARGUMENT...]
 *
 * An empty PRELOAD stands for none. The command's output goes to /dev/null, its errors to ours. One line of figures
 * goes to our output:
 *
 *   elapsed_ns user_us system_us peak_rss_kib mean_rss_kib minor_faults major_faults involuntary_switches status
 *
 * The mean is that of samples, one each few milliseconds, of the command itself and not of its children; a command that
 * ends before the second one has its peak for a mean.
 *
 * Why a program of its own: the peak of a process outlives exec(2) (getrusage(2): ru_maxrss belongs to the process,
 * not to its image), so a child of a large interpreter starts with the interpreter's. This one is about 1 MiB.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    STATUS_NOT_RUN = 127, /* as a shell says it */
    SAMPLE_MS = 5,
};

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

/* The second number of /proc/PID/statm, proc(5), in KiB; 0 where there is none any more. */
static long resident_kib(int statm)
{
    char text[128];
    ssize_t length = pread(statm, text, sizeof(text) - 1, 0);
    long size, resident;

    if (length <= 0)
        return 0;
    text[length] = '\0';
    return sscanf(text, "%ld %ld", &size, &resident) == 2 ? resident * (sysconf(_SC_PAGESIZE) / 1024) : 0;
}

/* Look at the child's memory now and then until it has ended. Returns the mean, or 0 when there was no sample. */
static long watch(pid_t child)
{
    char path[64];
    long long sum = 0, samples = 0;
    int process = (int)syscall(SYS_pidfd_open, child, 0);

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)child);
    int statm = open(path, O_RDONLY | O_CLOEXEC);
    while (process >= 0 && statm >= 0 && poll(&(struct pollfd){.fd = process, .events = POLLIN}, 1, SAMPLE_MS) == 0) {
        sum += resident_kib(statm);
        samples++;
    }
    close(process);
    close(statm);
    return samples ? (long)(sum / samples) : 0;
}

static void print_figures(long long elapsed, const struct rusage *used, long mean_rss, int status)
{
    printf("%lld %lld %lld %ld %ld %ld %ld %ld %d\n", elapsed, microseconds(used->ru_utime),
           microseconds(used->ru_stime), used->ru_maxrss, mean_rss ? mean_rss : used->ru_maxrss, used->ru_minflt,
           used->ru_majflt, used->ru_nivcsw, shell_status(status));
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
    long mean_rss = child > 0 ? watch(child) : 0;
    if (child < 0 || wait4(child, &status, 0, &used) != child)
        fail("fork and wait");
    print_figures(now_ns() - start, &used, mean_rss, status);
    return 0;
}
