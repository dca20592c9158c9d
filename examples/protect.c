/*
 * protect.c - loam/protect.h: settings that cannot be changed by mistake, and a buffer that cannot be overrun.
 *
 * The kernel protects whole pages: so what is protected is on pages of its own. What would fault is tried in a child.
 */
#define _GNU_SOURCE
#include <loam/protect.h>

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct settings {
    char user[32];
    int may_write;
};

static void check(int error, const char *what)
{
    if (error)
        errx(1, "%s: %s", what, strerror(-error));
}

static void try_write(const char *what, volatile char *target)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        *target = 1;
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        err(1, "fork");
    printf("%s: %s\n", what, WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "done");
}

/* Settled at the start of a program. With LOAM_PAGES_SEALED (Linux 6.10) it would be for good, here it can be lifted.
 */
static void freeze_settings(void)
{
    struct settings read_in = {.user = "nobody", .may_write = 0}; /* on the stack, or in the heap: it stays writable */
    struct loam_pages frozen;
    struct loam_protection now;

    check(loam_pages_freeze(&read_in, sizeof(read_in), 0, &frozen), "loam_pages_freeze");
    struct settings *settings = frozen.data; /* what the program uses from now on */
    printf("frozen: %s may %swrite\n", settings->user, settings->may_write ? "" : "not ");
    check(loam_protection(settings, &now), "loam_protection");
    printf("readable: %d, writable: %d\n", now.readable, now.writable);
    try_write("a write to it", (char *)&settings->may_write);

    check(loam_pages_protect(&frozen, LOAM_ACCESS_READ_WRITE), "loam_pages_protect");
    strcpy(settings->user, "somebody"); /* the one place that may */
    check(loam_pages_protect(&frozen, LOAM_ACCESS_READ), "loam_pages_protect");
    printf("changed: %s\n", settings->user);
    check(loam_pages_destroy(&frozen), "loam_pages_destroy");
}

/* For what comes from outside: one byte too many is a fault at once, and not a mystery later. */
static void guard_buffer(void)
{
    enum { SIZE = 1024 }; /* a multiple of 16, the alignment, so that it ends where the page does */
    struct loam_pages buffer;

    check(loam_pages_create(SIZE, LOAM_PAGES_GUARDED | LOAM_PAGES_AT_END, &buffer), "loam_pages_create");
    try_write("the last byte", (char *)buffer.data + SIZE - 1);
    try_write("one past it", (char *)buffer.data + SIZE);
    check(loam_pages_destroy(&buffer), "loam_pages_destroy");
}

int main(void)
{
    freeze_settings();
    guard_buffer();
    return 0;
}
