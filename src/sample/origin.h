/*
 * origin.h - where an object came from and went to: what a report tells of it.
 */
#ifndef LOAM_SAMPLE_ORIGIN_H
#define LOAM_SAMPLE_ORIGIN_H

#include <stdint.h>

/* Which family of functions an object was allocated by, and must be freed by. */
enum routine { ROUTINE_MALLOC, ROUTINE_NEW, ROUTINE_NEW_ARRAY, ROUTINE_COUNT };

enum object_life { LIFE_NONE, LIFE_LIVE, LIFE_FREED };

struct origin {
    uint32_t taken; /* numbers of stacks, see stacks.h; 0: not known */
    uint32_t given;
    int32_t taken_by; /* the kernel's ids of threads */
    int32_t given_by;
};

#endif
