/* memcmp.c - memcmp of what the input has twice, but for a few bytes. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};

    take_level(&input);
    uint8_t where = take(&input), other = take(&input), changes = take(&input) % 4;
    uint8_t changed[4][3];
    for (int i = 0; i < changes; i++)
        for (int k = 0; k < 3; k++)
            changed[i][k] = take(&input);
    size_t n = input.size < BUFFER / 2 ? input.size : BUFFER / 2;
    uint8_t *a = place_bytes(0, where, input.data, n), *b = place_bytes(1, other, input.data, n);
    for (int i = 0; n && i < changes; i++)
        b[(changed[i][0] | changed[i][1] << 8) % n] = changed[i][2];

    int right = 0, result = loam_memcmp(a, b, n);
    for (size_t i = 0; i < n && !right; i++)
        right = a[i] - b[i];
    EXPECT((result > 0) == (right > 0) && (result < 0) == (right < 0));
    return 0;
}
