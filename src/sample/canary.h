/*
 * canary.h - the pattern in bytes that nobody may write to.
 */
#ifndef LOAM_SAMPLE_CANARY_H
#define LOAM_SAMPLE_CANARY_H

#include <stddef.h>

enum {
    CANARY_BYTE = 0xcb, /* around objects: no ASCII, no UTF-8 sequence, and an address that cannot be */
    FRESH_BYTE = 0xa5,  /* in objects that were never written to */
    FREED_BYTE = 0xdd,  /* in freed ones */

    FILL_MAX = 64 * 1024, /* bytes of a new or freed object that are filled: the rest of large ones stays untouched */
};

/* The first of `size` bytes that is not `byte`; NULL when all are. */
const unsigned char *canary_find_broken(const void *start, unsigned char byte, size_t size);

#endif
