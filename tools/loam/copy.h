/*
 * copy.h - parts of a process's memory, copied while it stands still, to be looked through when it goes on.
 */
#ifndef LOAM_TOOLS_COPY_H
#define LOAM_TOOLS_COPY_H

#include "image/image.h"

#include <sys/types.h>

struct copy_piece {
    uintptr_t start;
    size_t size;
    const unsigned char *data;
};

struct copy {
    pid_t pid;
    struct copy_piece *pieces;
    size_t count;
    bool sorted;
    unsigned char *arena; /* with its memory there already: to make it takes longer than to copy */
    size_t arena_size, arena_used;
};

/* Get ready to copy about `size` bytes. Returns 0 or -errno. */
int copy_prepare(struct copy *copy, pid_t pid, size_t size);

/* Copy the pages of [start, end) that are in memory. Returns 0 or -errno. */
int copy_range(struct copy *copy, uintptr_t start, uintptr_t end);

/* The `read` of an image_source, of which `context` is the copy. What was not there reads as zeroes. */
int copy_read(void *context, uintptr_t address, void *to, size_t size);

void copy_free(struct copy *copy);

#endif
