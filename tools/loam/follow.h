/*
 * follow.h - start a program and be, to whoever started this command, as that program itself: signals go through to
 * it, it stops and ends, and so does the command, in the same way.
 *
 * One program per process; the functions are called in the order below.
 */
#ifndef LOAM_TOOLS_FOLLOW_H
#define LOAM_TOOLS_FOLLOW_H

#include <signal.h>
#include <sys/types.h>

struct follow {
    /* As they were, and as the program gets them. */
    sigset_t mask;
    struct sigaction on_child;

    sigset_t signals; /* those that are passed on, and SIGCHLD */
    pid_t child;

    /* Called, if set, when the program is about to end, for whatever reason: it stands still, its memory still there.
     */
    void (*at_exit)(void *context, pid_t child);
    void *context;
};

/* From here on, signals wait. Returns 0 or -errno. */
int follow_hold(struct follow *follow);

/*
 * Start the file at `path` with the arguments `argv`, in this environment. Returns 0 once it runs; or -errno of
 * execve(2), fork(2) or pipe(2).
 */
int follow_start(struct follow *follow, const char *path, char *const argv[]);

/* Pass signals on until the program ends. Returns its status, as of waitpid(2). */
int follow_wait(struct follow *follow);

/* Forget the signals that came too late for the program; take signals as before. */
void follow_release(struct follow *follow);

/* End as the program did: die of the same signal, without a core of our own, or return the exit status. */
int follow_end(int status);

#endif
