/*
 * fuzz.h - what the fuzz targets share: each is a routine, whose arguments it makes from the input, beside a loop of
 * bytes.
 *
 * An input begins with a byte that says by which instruction set, and one or two that say where buffers lie; the rest
 * is what is in them.
 */
#ifndef LOAM_FUZZ_H
#define LOAM_FUZZ_H

#include "../../fuzz.h"
#include "mem/dispatch.h"

#include <loam/mem.h>

enum { BUFFERS = 2, BUFFER = 1 << 16, MARGIN = 64 };

/* The next two bytes as a size up to `most`. */
static inline size_t take_size(struct input *input, size_t most)
{
    size_t size = take(input);
    size |= (size_t)take(input) << 8;
    return size % (most + 1);
}

/* By which of what this processor has the routines run. */
void take_level(struct input *input);

/* Room for n bytes in a buffer of its own, at the start or the end of pages that have nothing before or behind. */
uint8_t *place(int buffer, uint8_t where, size_t n);

/* The same with a copy of the bytes. */
uint8_t *place_bytes(int buffer, uint8_t where, const uint8_t *bytes, size_t n);

#endif
