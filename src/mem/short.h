/*
 * short.h - what is less than a vector, where that has no more than 16 bytes.
 */
#ifndef LOAM_MEM_SHORT_H
#define LOAM_MEM_SHORT_H

#include "mem/small.h"

INLINE void copy_short(uint8_t *to, const uint8_t *from, size_t n)
{
    copy_to_16(to, from, n);
}

INLINE void set_short(uint8_t *to, uint8_t byte, size_t n)
{
    set_to_16(to, byte * REPEATED, n);
}

INLINE int compare_short(const uint8_t *a, const uint8_t *b, size_t n)
{
    return compare_to_16(a, b, n);
}

#endif
