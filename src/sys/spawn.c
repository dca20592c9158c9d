/*
 * spawn.c - see spawn.h.
 *
 * A child that has executed a program sends SIGCHLD when it ends, whatever it was cloned to send; so there is one
 * between, which does not, and which only waits for it.
 * Source: clone(2), "The child's termination signal"; execve(2); wait(2), __WCLONE; prctl(2), PR_SET_PTRACER.
 */
#include "sys/spawn.h"

#include "base/base.h"
#include "sys/raw.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { ENVIRONMENT_MAX = 1024, EXIT_NOT_STARTED = 127 };

extern char **environ;

static bool begins(const char *entry, const char *name)
{
    return strncmp(entry, name, strlen(name)) == 0;
}

/* In the child, whose memory is its own. */
static _Noreturn void execute(const char *path, const char *const arguments[])
{
    static const char *kept[ENVIRONMENT_MAX];
    size_t count = 0;

    for (char **entry = environ; entry && *entry && count < ENVIRONMENT_MAX - 1; entry++)
        if (!begins(*entry, "LD_PRELOAD=") && !begins(*entry, "LOAM_OPTIONS="))
            kept[count++] = *entry;
    kept[count] = NULL;
    raw_call(SYS_execve, (long)path, (long)arguments, (long)kept, 0, 0, 0);
    for (;;)
        raw_call(SYS_exit_group, EXIT_NOT_STARTED, 0, 0, 0, 0, 0);
}

/* Every signal but those of a fault waits: the program's handlers are not for the child, nor for meanwhile. */
static void hold_signals(uint64_t *before)
{
    uint64_t all = ~0ull;
    raw_call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, (long)before, sizeof(all), 0, 0);
}

static int wait_for(int child, int options)
{
    int status;
    long result;

    do
        result = raw_call(SYS_wait4, child, (long)&status, options, 0, 0, 0);
    while (result == -EINTR);
    if (result < 0)
        return (int)result;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* In the child between: have the program executed, and end as it does. */
static _Noreturn void stand_between(const char *path, const char *const arguments[], uint64_t mask)
{
    long child = raw_call(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);

    if (child == 0) {
        raw_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof(mask), 0, 0);
        execute(path, arguments);
    }
    int status = child < 0 ? EXIT_NOT_STARTED : wait_for((int)child, 0);
    for (;;)
        raw_call(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

int spawn_and_wait(const char *path, const char *const arguments[])
{
    uint64_t mask;

    hold_signals(&mask);
    raw_call(SYS_prctl, PR_SET_PTRACER, (long)PR_SET_PTRACER_ANY, 0, 0, 0, 0);
    long child = raw_call(SYS_clone, 0, 0, 0, 0, 0, 0);
    if (child == 0)
        stand_between(path, arguments, mask);
    int status = child < 0 ? (int)child : wait_for((int)child, __WCLONE);
    raw_call(SYS_prctl, PR_SET_PTRACER, 0, 0, 0, 0, 0);
    raw_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof(mask), 0, 0);
    return status == EXIT_NOT_STARTED ? -ENOEXEC : status;
}
