/* memset.c - memset and explicit_bzero, and what lies beside. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};

    take_level(&input);
    uint8_t where = take(&input), byte = take(&input), beside = (uint8_t)~byte;
    size_t n = take_size(&input, BUFFER / 2), total = n + 2 * MARGIN;
    uint8_t *area = place(0, where, total), *to = area + (where & 0x80 ? 0 : where & 0x40 ? 2 * MARGIN : MARGIN);

    for (size_t i = 0; i < total; i++)
        area[i] = beside;
    EXPECT(loam_memset(to, byte | 0x100, n) == to);
    for (size_t i = 0; i < total; i++)
        EXPECT(area[i] == (area + i >= to && area + i < to + n ? byte : beside));
    loam_explicit_bzero(to, n);
    for (size_t i = 0; i < total; i++)
        EXPECT(area[i] == (area + i >= to && area + i < to + n ? 0 : beside));
    return 0;
}
