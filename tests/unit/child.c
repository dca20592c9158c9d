/* child.c - see child.h. */
#include "child.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    CHILD_SECONDS = 60, /* no child needs as much; it ends one that hangs */
};

/* cmocka answers these by leaving the test, which in a child would run all that follow a second time. */
static void reset_signals(void)
{
    const int taken[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS};

    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        signal(taken[i], SIG_DFL);
}

_Noreturn static void be_child(void (*body)(void *argument), void *argument, int output)
{
    reset_signals();
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    alarm(CHILD_SECONDS);
    dup2(output, STDERR_FILENO);
    close(output);
    body(argument);
    exit(0);
}

static void read_all(int from, char *text, size_t size)
{
    char rest[512];
    size_t length = 0;
    ssize_t n;

    while (length < size - 1 && (n = read(from, text + length, size - 1 - length)) > 0)
        length += (size_t)n;
    text[length] = '\0';
    while (read(from, rest, sizeof(rest)) > 0)
        continue; /* so that the child never waits for us */
}

void child_run(void (*body)(void *argument), void *argument, struct outcome *out)
{
    int ends[2];
    pid_t pid;

    fflush(NULL);
    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_int_not_equal(pid, -1);
    if (pid == 0) {
        close(ends[0]);
        be_child(body, argument, ends[1]);
    }
    close(ends[1]);
    read_all(ends[0], out->text, sizeof(out->text));
    close(ends[0]);
    assert_int_equal(waitpid(pid, &out->status, 0), pid);
}

void assert_child_succeeds(void (*body)(void *argument), void *argument)
{
    struct outcome outcome;

    child_run(body, argument, &outcome);
    if (outcome.status != 0)
        fail_msg("the child ended with status 0x%x, saying: %s", (unsigned)outcome.status, outcome.text);
}

void child_require(int holds, const char *what, const char *file, int line)
{
    if (holds)
        return;
    dprintf(STDERR_FILENO, "%s:%d: %s does not hold\n", file, line, what);
    _exit(1);
}
