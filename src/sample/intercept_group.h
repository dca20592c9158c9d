/*
 * intercept_group.h - the functions of the C library that checks are put before, in groups, each in a file of its own.
 *
 * A file has, of each of its functions, a member of `real` where the C library's own is noted; one that checks the
 * memory that the standard says the function accesses, and calls that; and a row that names the two. Those whose names
 * end with _checked stand for the C library's that end with _chk, and are told sizes that the compiler knows; they are
 * declared only where they are used. Source of these: Linux Standard Base 5, "Interfaces for libc".
 */
#ifndef LOAM_SAMPLE_INTERCEPT_GROUP_H
#define LOAM_SAMPLE_INTERCEPT_GROUP_H

#include "base/base.h"
#include "sample/bounds.h"
#include "sample/patch.h"

/* Rows of the file's table: `ours` calls `real.place`, which is the C library's `name`, or its `other`. */
#define ROW(name, ours, place) CALLS(name, ours, place, name)
#define CALLS(name, ours, place, other)                                                                                \
    {                                                                                                                  \
        name, (void *)(ours), other, (void **)&real.place                                                              \
    }

struct intercept_group {
    const struct patch *patches;
    size_t count;
};

extern HIDDEN const struct intercept_group intercept_memory;
extern HIDDEN const struct intercept_group intercept_strings;
extern HIDDEN const struct intercept_group intercept_format;
extern HIDDEN const struct intercept_group intercept_io;

#endif
