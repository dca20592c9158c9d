/*
 * locking.c - mlock(2) and mlockall(2): pages that stay in memory, for what must not wait for a disk or reach one.
 *
 * A process may lock RLIMIT_MEMLOCK bytes, see getrlimit(2); one with the capability CAP_IPC_LOCK, as root's have it,
 * any number. So a program must be ready for ENOMEM and EPERM. What depends on that is printed on stderr.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { SIZE = 16 * 1024 };

/* KiB that are locked, as the kernel counts them in proc_pid_status(5). */
static long locked(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    long kib = -1;

    while (status && fgets(line, sizeof(line), status))
        if (sscanf(line, "VmLck: %ld", &kib) == 1)
            break;
    if (status)
        fclose(status);
    return kib;
}

static void show_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
        err(1, "getrlimit");
    if (limit.rlim_cur == RLIM_INFINITY)
        fprintf(stderr, "there is no limit\n");
    else
        fprintf(stderr, "the limit is %llu KiB\n", (unsigned long long)limit.rlim_cur / 1024);
}

int main(void)
{
    char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        err(1, "mmap");

    show_limit();
    if (mlock(memory, SIZE) != 0)
        err(1, "mlock of 16 KiB"); /* a limit as low as that is rare */
    printf("locked: %ld KiB\n", locked());
    strcpy(memory, "does not fault"); /* mlock has brought the pages in */
    if (munlock(memory, SIZE) != 0)
        err(1, "munlock");
    printf("unlocked: %ld KiB\n", locked());

    /* All there is, and all that will be mapped: the pages are locked when they are first used (ONFAULT). */
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0)
        fprintf(stderr, "all is locked, %ld KiB\n", locked());
    else if (errno == ENOMEM || errno == EPERM)
        fprintf(stderr, "more than may be locked: %s\n", strerror(errno)); /* and goes on without */
    else
        err(1, "mlockall");
    if (munlockall() != 0)
        err(1, "munlockall");
    printf("all unlocked: %ld KiB\n", locked());
    munmap(memory, SIZE);
    return 0;
}
