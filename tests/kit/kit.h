/* kit.h - what the tests of several facilities need: pages, descriptors, and system calls that fail. */
#ifndef LOAM_TEST_KIT_H
#define LOAM_TEST_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/sys.h"

#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

static inline char *map(size_t pages)
{
    char *start = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(start, MAP_FAILED);
    return start;
}

static inline void unmap(void *start, size_t pages)
{
    assert_int_equal(munmap(start, pages * PAGE), 0);
}

/* The lowest file descriptor that is free. */
static inline int free_descriptor(void)
{
    int fd = dup(STDERR_FILENO);

    close(fd);
    return fd;
}

/* --- calls that fail, in builds that can have them fail --- */

#ifdef LOAM_INJECT
static struct {
    const char *name;
    int skip; /* calls of this name that succeed before */
    long error;
} failing;

static inline long fail_named(const char *call)
{
    return failing.name && strcmp(call, failing.name) == 0 && failing.skip-- <= 0 ? failing.error : 0;
}

static inline void fail_after(const char *name, int skip, long error)
{
    failing.name = name;
    failing.skip = skip;
    failing.error = error;
    sys_inject = name ? fail_named : NULL;
}

static inline int injects(void)
{
    return 1;
}
#else
static inline void fail_after(const char *name, int skip, long error)
{
    (void)name;
    (void)skip;
    (void)error;
}

static inline int injects(void)
{
    return 0;
}
#endif

static inline void fail_always(const char *name, long error)
{
    fail_after(name, 0, error);
}

static inline void fail_no_more(void)
{
    fail_after(NULL, 0, 0);
}

#endif
