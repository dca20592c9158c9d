/*
 * follow.c - see follow.h.
 *
 * The program stays in our process group, so that the terminal treats it as if we were not there: what the terminal
 * sends to its foreground group reaches both, and is not passed on. What is sent to us alone is. All these signals are
 * blocked and fetched one by one with sigwaitinfo(2), which tells who sent them.
 *
 * To see the program's end before its memory is gone, it is traced. Each signal that it gets then comes to us first, to
 * be handed on; where it stops, it is left so with PTRACE_LISTEN.
 *
 * A signal that another process sends to the whole group reaches the program twice: nothing tells it from one sent
 * to us alone.
 * Source: ptrace(2), "Death under ptrace" and "Group-stop"; sigwaitinfo(2), sigaction(2) for si_code; tty_ioctl(4),
 * __tty_hangup() of Linux for who gets SIGHUP.
 */
#include "follow.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STATUS_BY_SIGNAL = 128 }; /* the shell's exit status for death by signal N is this plus N */

/* Faults of our own. */
static const int not_passed[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGSYS, SIGPIPE};

int follow_hold(struct follow *follow)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};

    sigfillset(&follow->signals);
    for (size_t i = 0; i < sizeof(not_passed) / sizeof(not_passed[0]); i++)
        sigdelset(&follow->signals, not_passed[i]);
    /* Where SIGCHLD is ignored, children vanish without a status. */
    if (sigprocmask(SIG_BLOCK, &follow->signals, &follow->mask) < 0 ||
        sigaction(SIGCHLD, &standard, &follow->on_child) < 0)
        return -errno;
    return 0;
}

/* In the child. The program gets the signals as we got them; it begins when we are ready for its end. */
static _Noreturn void become(const struct follow *follow, const char *path, char *const argv[], int go, int report)
{
    char byte;

    while (read(go, &byte, 1) < 0 && errno == EINTR)
        ;
    sigaction(SIGCHLD, &follow->on_child, NULL);
    sigprocmask(SIG_SETMASK, &follow->mask, NULL);
    execvp(path, argv); /* the path has a slash, so nothing is searched; a text without #! goes to the shell */
    int error = errno;
    ssize_t written = write(report, &error, sizeof(error));
    _exit(written == sizeof(error) ? 0 : 1);
}

/* The pipe ends without a word when the program has started: its other end closes on execve(2). */
static int started(int report)
{
    int error = 0;
    ssize_t n;

    do
        n = read(report, &error, sizeof(error));
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : -error;
}

static int reap(pid_t child)
{
    int status = 0;

    while (waitpid(child, &status, 0) < 0 ? errno == EINTR : WIFSTOPPED(status))
        ptrace(PTRACE_CONT, child, NULL, NULL); /* if it was traced, it stands still at its end */
    return status;
}

/* Trace the program, if its end is to be seen; it runs all the same. */
static void trace(struct follow *follow)
{
    if (!follow->at_exit || ptrace(PTRACE_SEIZE, follow->child, NULL, PTRACE_O_TRACEEXIT) == 0)
        return;
    warn("the program's end cannot be looked at");
    follow->at_exit = NULL;
}

int follow_start(struct follow *follow, const char *path, char *const argv[])
{
    int report[2], go[2];

    if (pipe2(report, O_CLOEXEC) < 0)
        return -errno;
    int error = pipe2(go, O_CLOEXEC) < 0 ? -errno : 0;
    if (!error) {
        follow->child = fork();
        if (follow->child == 0) {
            close(go[1]);
            become(follow, path, argv, go[0], report[1]);
        }
        error = follow->child < 0 ? -errno : 0;
        close(go[0]);
        if (!error)
            trace(follow);
        close(go[1]); /* which the child takes for the word */
    }
    close(report[1]);
    if (!error) {
        error = started(report[0]);
        if (error)
            reap(follow->child);
    }
    close(report[0]);
    return error;
}

/* Whether the kernel sends `signal` to our whole process group when it sends it to us. */
static bool reaches_group(int signal)
{
    switch (signal) {
    case SIGINT:
    case SIGQUIT:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    case SIGWINCH:
        return true;
    case SIGHUP: /* a hangup tells the session's leader alone, who may be us */
    case SIGCONT:
        return getsid(0) != getpid();
    default: /* say SIGALRM, of a timer set before we were executed */
        return false;
    }
}

static bool is_for_program(const struct follow *follow, const siginfo_t *info)
{
    if (info->si_code == SI_KERNEL)
        return !reaches_group(info->si_signo);
    return info->si_pid != follow->child; /* `kill 0` of a shell, which has reached the program already */
}

static void pass_on(const struct follow *follow, const siginfo_t *info)
{
    if (!is_for_program(follow, info))
        return;
    if (info->si_code == SI_QUEUE)
        sigqueue(follow->child, info->si_signo, info->si_value);
    else
        kill(follow->child, info->si_signo);
}

/* Let `signal`, which stops, do to us what it does by default. Returns when we are continued, or were not stopped. */
static void take_stop(int signal)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    struct sigaction before;
    sigset_t one, mask;

    sigemptyset(&one);
    sigaddset(&one, signal);
    bool caught = sigaction(signal, &standard, &before) == 0; /* not so SIGSTOP */
    raise(signal);
    sigprocmask(SIG_UNBLOCK, &one, &mask);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    if (caught)
        sigaction(signal, &before, NULL);
}

/* Whether anything has become of the program since it was last waited for. */
static bool has_news(const struct follow *follow)
{
    siginfo_t info = {0};

    return waitid(P_PID, (id_t)follow->child, &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT) < 0 ||
           info.si_pid != 0;
}

/*
 * Stop as the program did, by the same signal, so that a shell says the same of us; then continue it. A SIGCONT to the
 * whole group has done that already, and the program may even have stopped again: it has news, and is left alone.
 */
static void stop_together(const struct follow *follow, int signal)
{
    const struct timespec now = {0};
    sigset_t pending, cont;

    /* We have been continued meanwhile: passing that on continues the program, too. */
    if (sigpending(&pending) == 0 && sigismember(&pending, SIGCONT) == 1)
        return;
    take_stop(signal);
    sigemptyset(&cont);
    sigaddset(&cont, SIGCONT);
    if (sigtimedwait(&cont, NULL, &now) == SIGCONT && !has_news(follow))
        kill(follow->child, SIGCONT);
}

/* The traced program stands still: see to it that it goes on as if it were not traced. */
static void take_trace_stop(const struct follow *follow, int status)
{
    int signal = WSTOPSIG(status), event = status >> 16;

    if (event == PTRACE_EVENT_EXIT) {
        follow->at_exit(follow->context, follow->child);
        signal = 0;
    } else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) { /* as the whole process */
        ptrace(PTRACE_LISTEN, follow->child, NULL, NULL);
        stop_together(follow, signal);
        return;
    } else if (event) {
        signal = 0;
    }
    ptrace(PTRACE_CONT, follow->child, NULL, signal);
}

/* What SIGCHLD stands for: several changes may have become one signal. Returns whether the program has ended. */
static bool ended(const struct follow *follow, int *status)
{
    while (waitpid(follow->child, status, WNOHANG | WUNTRACED) == follow->child) {
        if (!WIFSTOPPED(*status))
            return true;
        if (follow->at_exit)
            take_trace_stop(follow, *status);
        else
            stop_together(follow, WSTOPSIG(*status));
    }
    return false;
}

int follow_wait(struct follow *follow)
{
    siginfo_t info;
    int status;

    for (;;) {
        int signal = sigwaitinfo(&follow->signals, &info);
        if (signal == SIGCHLD) {
            if (ended(follow, &status))
                return status;
        } else if (signal > 0) {
            pass_on(follow, &info);
        }
    }
}

void follow_release(struct follow *follow)
{
    const struct timespec now = {0};

    while (sigtimedwait(&follow->signals, NULL, &now) > 0 || errno == EINTR)
        ;
    sigaction(SIGCHLD, &follow->on_child, NULL);
    sigprocmask(SIG_SETMASK, &follow->mask, NULL);
}

int follow_end(int status)
{
    const struct rlimit none = {0};
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t one;

    if (!WIFSIGNALED(status))
        return WEXITSTATUS(status);
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* for where cores go to a program, which the limit does not concern */
    sigaction(WTERMSIG(status), &standard, NULL);
    sigemptyset(&one);
    sigaddset(&one, WTERMSIG(status));
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    raise(WTERMSIG(status));
    return STATUS_BY_SIGNAL + WTERMSIG(status); /* the first process of a container does not die of its own signals */
}
