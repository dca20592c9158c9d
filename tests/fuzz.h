/*
 * fuzz.h - how fuzz targets take what they do from their input, and say what does not hold; see fuzz.sh.
 *
 * An input is a row of bytes; at its end all is 0.
 */
#ifndef LOAM_TEST_FUZZ_H
#define LOAM_TEST_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

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

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
