/* memccpy.c - memccpy: of the source there may be no more than the byte that ends it. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};

    take_level(&input);
    uint8_t where = take(&input), byte = take(&input);
    size_t n = input.size < BUFFER / 2 ? input.size : BUFFER / 2, copied = n;
    for (size_t i = 0; i < n; i++)
        if (input.data[i] == byte) {
            copied = i + 1;
            break;
        }
    bool found = copied && input.data[copied - 1] == byte;
    uint8_t *from = place_bytes(0, where | 1, input.data, copied), *to = place(1, where, n);
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)i;

    EXPECT(loam_memccpy(to, from, byte, n) == (found ? to + copied : NULL));
    for (size_t i = 0; i < n; i++)
        EXPECT(to[i] == (i < copied ? from[i] : (uint8_t)i));
    return 0;
}
