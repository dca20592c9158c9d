/* memchr.c - memchr and rawmemchr: in as many bytes as there are, and told of more when the byte is among them. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};

    take_level(&input);
    uint8_t where = take(&input), byte = take(&input);
    size_t n = input.size < BUFFER / 2 ? input.size : BUFFER / 2;
    uint8_t *in = place_bytes(0, where, input.data, n), *right = NULL;
    for (size_t i = 0; i < n && !right; i++)
        if (in[i] == byte)
            right = in + i;

    EXPECT(loam_memchr(in, byte, n) == right);
    if (right) {
        EXPECT(loam_rawmemchr(in, byte) == right);
        EXPECT(loam_memchr(in, byte, SIZE_MAX) == right);
        EXPECT(loam_memchr(in, byte, (size_t)(right - in)) == NULL);
    }
    return 0;
}
