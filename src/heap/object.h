/*
 * object.h - from any pointer to what it points to.
 */
#ifndef LOAM_HEAP_OBJECT_H
#define LOAM_HEAP_OBJECT_H

#include "heap/slab.h"

struct object {
    struct range *range;
    struct slab *slab;
    size_t slice;   /* the first of the slab */
    unsigned class; /* CLASS_LARGE for a large object */
    size_t index;   /* in the slab */
    unsigned char *start;
    size_t size; /* bytes that can be used */
};

enum object_place {
    OBJECT_START,    /* the start of an object, allocated or not */
    OBJECT_INSIDE,   /* inside an object */
    OBJECT_TAIL,     /* past the last object of a slab */
    OBJECT_IDLE,     /* in the heap, in no slab */
    OBJECT_ELSEWHERE /* not in the heap */
};

/* Find what `p` points to. *out is set for OBJECT_START and OBJECT_INSIDE. Safe for every value of `p`. */
enum object_place object_find(const void *p, struct object *out);

#endif
