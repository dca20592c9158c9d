/*
 * find.h - the object of a heap that an address lies in.
 */
#ifndef LOAM_IMAGE_FIND_H
#define LOAM_IMAGE_FIND_H

#include "image/image.h"

enum image_state {
    IMAGE_NOWHERE, /* nothing is allocated there */
    IMAGE_TAIL,    /* past the last object of a slab */
    IMAGE_IN_USE,
    IMAGE_CACHED, /* freed, and in a thread's magazine */
    IMAGE_FREE,
};

extern const char *const image_state_names[]; /* "in use", ... */

struct image_object {
    enum image_state state;
    uintptr_t slab; /* address; 0 for IMAGE_NOWHERE */
    bool large;
    size_t size;     /* of an object, bytes */
    size_t objects;  /* of the slab */
    size_t index;    /* in it */
    uintptr_t start; /* of the object */
    unsigned heap;   /* that the slab belongs to */
    int thread;      /* that has or had it */
};

/* Returns 0 or the source's -errno. */
int image_find(const struct image *image, uintptr_t address, struct image_object *out);

#endif
