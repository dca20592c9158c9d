/*
 * leak_scan.h - the objects of a heap that are in use though nothing points to them any more.
 */
#ifndef LOAM_TOOLS_LEAK_SCAN_H
#define LOAM_TOOLS_LEAK_SCAN_H

#include "image/watched.h"
#include "symbols.h"
#include "target.h"

#include <stdio.h>

enum { LEAK_PREVIEW = 16 /* bytes */ };

/* Lost objects of one size, that were allocated by one call as far as that is known. */
struct leak_group {
    size_t size;               /* of an object, bytes */
    uint32_t stack_number;     /* of the call; 0: not known */
    struct image_stack *stack; /* NULL likewise */
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

/* `symbols`: for the calls that allocated what was lost; NULL where that is not to be said. */
void leaks_print_text(FILE *out, const char *name, const struct leaks *leaks, struct symbols *symbols);
void leaks_print_json(FILE *out, const char *name, int pid, const struct leaks *leaks);

#endif
