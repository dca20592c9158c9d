/*
 * fuzz.h - what the fuzz targets share. The bytes of an input each say what is done next, and with what.
 */
#ifndef LOAM_KIT_FUZZ_H
#define LOAM_KIT_FUZZ_H

#include "../../fuzz.h"
#include "base/base.h"

#include <string.h>

/* The next `count` bytes as a number. */
static inline uint64_t take_number(struct input *input, unsigned count)
{
    uint64_t number = 0;

    while (count--)
        number = number << 8 | take(input);
    return number;
}

#endif
