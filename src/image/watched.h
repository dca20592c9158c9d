/*
 * watched.h - what a heap knows of an object that is watched: its exact bounds, and who allocated and freed it.
 */
#ifndef LOAM_IMAGE_WATCHED_H
#define LOAM_IMAGE_WATCHED_H

#include "image/image.h"

enum { IMAGE_STACK_MAX = 64 };

/* A call stack: return addresses, the innermost first. */
struct image_stack {
    size_t count;
    uintptr_t calls[IMAGE_STACK_MAX];
};

struct image_watched {
    uintptr_t start;
    size_t size;            /* bytes asked for */
    bool live;              /* else freed */
    uint8_t routine;        /* enum routine of sample/origin.h */
    uint32_t taken, given;  /* numbers of stacks; 0: not known */
    int taken_by, given_by; /* the kernel's ids of threads */
};

/* What is known of the object that holds an address, or that held it last. Returns 0; -ENOENT; or the source's -errno.
 */
int image_watched_find(const struct image *image, uintptr_t address, struct image_watched *out);

/* The stack of a number. Returns 0; -ENOENT; or the source's -errno. */
int image_stack_read(const struct image *image, uint32_t number, struct image_stack *out);

#endif
