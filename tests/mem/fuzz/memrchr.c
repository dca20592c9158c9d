/* memrchr.c - memrchr. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};

    take_level(&input);
    uint8_t where = take(&input), byte = take(&input);
    size_t n = input.size < BUFFER / 2 ? input.size : BUFFER / 2;
    uint8_t *in = place_bytes(0, where, input.data, n), *right = NULL;
    for (size_t i = n; i-- > 0 && !right;)
        if (in[i] == byte)
            right = in + i;

    EXPECT(loam_memrchr(in, byte, n) == right);
    return 0;
}
