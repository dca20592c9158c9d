/*
 * leak_scan.h - the objects of a heap that are in use though nothing points to them any more.
 */
#ifndef LOAM_TOOLS_LEAK_SCAN_H
#define LOAM_TOOLS_LEAK_SCAN_H

#include "target.h"

#include <stdio.h>

enum { LEAK_PREVIEW = 16 /* bytes */ };

/* Lost objects of one size. */
struct leak_group {
    size_t size; /* of an object, bytes */
    bool indirect;
    uint64_t objects;
    uint64_t bytes;
    uintptr_t sample;                    /* address of one, */
    unsigned char preview[LEAK_PREVIEW]; /* and how it begins */
};

struct leaks {
    struct leak_group *groups;
    size_t group_count;
    uint64_t lost_objects, lost_bytes;
    uint64_t indirect_objects, indirect_bytes;
    uint64_t live_objects;
    uint64_t stopped_ns; /* 0 of a core file */
};

/*
 * Scan a core file, or a process: it is stopped while what may hold pointers is copied, and goes on while that is
 * looked through. `traced` is a thread of it that we trace already, and that stands still; or 0. Returns 0 or -errno
 * after a message; leaks_free() either way.
 */
int leaks_find(struct target *target, pid_t traced, struct leaks *out);

void leaks_free(struct leaks *leaks);

void leaks_print_text(FILE *out, const char *name, const struct leaks *leaks);
void leaks_print_json(FILE *out, const char *name, int pid, const struct leaks *leaks);

#endif
