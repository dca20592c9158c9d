/* memmove.c - memmove, memcpy and mempcpy: apart, and within one buffer. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t expected[BUFFER];
    struct input input = {data, size};

    take_level(&input);
    uint8_t where = take(&input);
    size_t n = take_size(&input, BUFFER / 4), to = take_size(&input, BUFFER / 4);
    size_t total = n + to + 1;
    uint8_t *area = place(0, where, total);
    for (size_t i = 0; i < total; i++)
        expected[i] = area[i] = input.size ? input.data[i % input.size] ^ (uint8_t)(i >> 6) : (uint8_t)i;

    uint8_t *apart = place(1, where, n);
    EXPECT(loam_memcpy(apart, area, n) == apart);
    EXPECT(loam_mempcpy(apart, area, n) == apart + n);
    for (size_t i = 0; i < n; i++)
        EXPECT(apart[i] == area[i]);

    bool up = where & 0x80;
    size_t target = up ? to : 0, source = up ? 0 : to;
    EXPECT(loam_memmove(area + target, area + source, n) == area + target);
    for (size_t i = 0; i < total; i++)
        EXPECT(area[i] == (i >= target && i < target + n ? expected[i - target + source] : expected[i]));
    return 0;
}
