/*
 * checked.c - the names that programs compiled with _FORTIFY_SOURCE call: where there is room they do what the routine
 * does, and where there is not the program ends before anything is written.
 */
#define _GNU_SOURCE
#include "harness.h"

#ifdef LOAM_TEST_CHECKED
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

void *__memcpy_chk(void *to, const void *from, size_t n, size_t room);
void *__memmove_chk(void *to, const void *from, size_t n, size_t room);
void *__mempcpy_chk(void *to, const void *from, size_t n, size_t room);
void *__memset_chk(void *to, int byte, size_t n, size_t room);
void __explicit_bzero_chk(void *to, size_t n, size_t room);

enum { BYTE = 0xa5 };

/* Each as a call with the same arguments; it returns how far behind its target what the name returns is. */
typedef ptrdiff_t call(uint8_t *to, const uint8_t *from, size_t n, size_t room);

static ptrdiff_t call_memcpy(uint8_t *to, const uint8_t *from, size_t n, size_t room)
{
    return (uint8_t *)__memcpy_chk(to, from, n, room) - to;
}

static ptrdiff_t call_memmove(uint8_t *to, const uint8_t *from, size_t n, size_t room)
{
    return (uint8_t *)__memmove_chk(to, from, n, room) - to;
}

static ptrdiff_t call_mempcpy(uint8_t *to, const uint8_t *from, size_t n, size_t room)
{
    return (uint8_t *)__mempcpy_chk(to, from, n, room) - to;
}

static ptrdiff_t call_memset(uint8_t *to, const uint8_t *from, size_t n, size_t room)
{
    (void)from;
    return (uint8_t *)__memset_chk(to, BYTE, n, room) - to;
}

static ptrdiff_t call_explicit_bzero(uint8_t *to, const uint8_t *from, size_t n, size_t room)
{
    (void)from;
    __explicit_bzero_chk(to, n, room);
    return 0;
}

static const struct name {
    const char *name;
    call *call;
    bool returns_end;
    int byte; /* what it writes, or -1: a copy */
} names[] = {{"__memcpy_chk", call_memcpy, false, -1},
             {"__memmove_chk", call_memmove, false, -1},
             {"__mempcpy_chk", call_mempcpy, true, -1},
             {"__memset_chk", call_memset, false, BYTE},
             {"__explicit_bzero_chk", call_explicit_bzero, false, 0}};

/* The target ends where nothing may be touched. */
static void call_once(const struct name *name, size_t n, size_t room)
{
    uint8_t *to = arenas[0].end - n;
    const uint8_t *from = arenas[1].end - n;

    fill(to - 1, 1, n + 1);
    if (name->call(to, from, n, room) != (name->returns_end ? (ptrdiff_t)n : 0))
        fail("%s of %zu bytes, with room for %zu, returns what is wrong", name->name, n, room);
    for (size_t i = 0; i < n; i++)
        if (to[i] != (name->byte < 0 ? from[i] : name->byte))
            fail("%s of %zu bytes, with room for %zu: byte %zu is 0x%02x", name->name, n, room, i, to[i]);
    if (to[-1] != 1)
        fail("%s of %zu bytes writes before its target", name->name, n);
}

/* In a child, whose words come by the pipe. Its target may not be touched. */
static _Noreturn void overflow(const struct name *name, size_t n, size_t room, int pipe)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    dup2(pipe, STDERR_FILENO);
    name->call(arenas[0].end, arenas[1].start, n, room);
    _exit(0);
}

static void overflow_once(const struct name *name, size_t n, size_t room)
{
    char text[256] = "";
    size_t length = 0;
    int ends[2], status;
    pid_t child = pipe(ends) == 0 ? fork() : -1;

    if (child < 0)
        fail("no pipe, or no process");
    if (child == 0)
        overflow(name, n, room, ends[1]);
    close(ends[1]);
    for (ssize_t got; (got = read(ends[0], text + length, sizeof(text) - 1 - length)) > 0;)
        length += (size_t)got;
    close(ends[0]);
    if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
        fail("%s of %zu bytes, with room for %zu, ends with status 0x%x", name->name, n, room, (unsigned)status);
    if (!strstr(text, "buffer overflow detected"))
        fail("%s of %zu bytes, with room for %zu, says \"%s\"", name->name, n, room, text);
}

void test_checked(void)
{
    random_fill(arenas[1].start, ARENA);
    for (const struct name *name = names; name < names + sizeof(names) / sizeof(names[0]); name++) {
        for (size_t n = 0; n <= 2 * SMALL; n += stride) {
            call_once(name, n, n);
            call_once(name, n, n + 1);
            call_once(name, n, SIZE_MAX); /* the compiler did not know it */
        }
        overflow_once(name, 1, 0);
        overflow_once(name, SMALL, SMALL - 1);
        overflow_once(name, SIZE_MAX, SMALL);
    }
}
#endif
