/*
 * fuzz.h - what the fuzz targets share: how they take what they do from the input.
 *
 * An input is a row of bytes that each say what is done next, and with what; at its end all is 0.
 */
#ifndef LOAM_KIT_FUZZ_H
#define LOAM_KIT_FUZZ_H

#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct input {
    const uint8_t *data;
    size_t size;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next byte; 0 when there are no more. */
static inline uint8_t take(struct input *input)
{
    return input->size ? (input->size--, *input->data++) : 0;
}

/* The next `count` bytes as a number. */
static inline uint64_t take_number(struct input *input, unsigned count)
{
    uint64_t number = 0;

    while (count--)
        number = number << 8 | take(input);
    return number;
}

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
