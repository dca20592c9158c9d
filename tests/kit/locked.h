/* locked.h - what both tests of loam/lock.h need. */
#ifndef LOAM_TEST_LOCKED_H
#define LOAM_TEST_LOCKED_H

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "child.h"
#include "kit.h"

/* VmLck, in pages. */
static inline size_t locked_pages(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    size_t kib = 0;

    assert_non_null(file);
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "VmLck: %zu kB", &kib) == 1)
            break;
    fclose(file);
    return kib * KIB / PAGE;
}

/* As a user with no capability, who may lock so many bytes. */
static inline void be_limited(size_t bytes)
{
    REQUIRE(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){bytes, bytes}) == 0);
    REQUIRE(geteuid() != 0 || setresuid(65534, 65534, 65534) == 0);
}

#endif
