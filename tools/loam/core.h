/*
 * core.h - a core file: what a process was when it ended, or when gcore(1) asked for it.
 */
#ifndef LOAM_TOOLS_CORE_H
#define LOAM_TOOLS_CORE_H

#include "image/layout.h"

struct core_piece {
    struct mapping mapping; /* what the file has of it counts as resident */
    uint64_t file_offset;   /* of the core file */
    uint64_t file_size;     /* bytes there; less than the mapping has where the kernel left them out */
};

struct core {
    int fd;
    uint64_t size;             /* of the file */
    struct core_piece *pieces; /* in the order of addresses */
    size_t piece_count;
    struct layout_thread *threads; /* the first is the one that ended the process */
    size_t thread_count;
    uintptr_t *registers; /* of all threads, one after the other */
    size_t register_count;
    int pid;
    char program[32]; /* as the kernel names it */
};

/* Open the core file at `path`. Returns 0, or -errno after a message; then there is nothing to close. */
int core_open(const char *path, struct core *out);

/* Copy from the core that `context` points to: the `read` of an image_source. -EFAULT where it has nothing. */
int core_read(void *context, uintptr_t address, void *to, size_t size);

void core_close(struct core *core);

#endif
