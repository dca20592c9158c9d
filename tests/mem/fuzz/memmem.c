/* memmem.c - memmem of a needle that the input gives, or takes from the haystack; in few symbols, so that it is hard.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t masks[] = {0xff, 1, 3, 7};
    struct input input = {data, size};

    take_level(&input);
    uint8_t where = take(&input), other = take(&input), kind = take(&input), repeats = take(&input);
    size_t m = take_size(&input, BUFFER);
    m = m < input.size ? m : input.size;
    size_t n = input.size - m;
    uint8_t mask = masks[kind % 4];
    size_t times = n && m < 4096 && n < 1024 ? 1 + repeats % 16 : 1; /* the haystack over and over */
    if (n * times + 64 > BUFFER || m + 64 > BUFFER)
        return 0;
    uint8_t *hay = place(0, where, n * times), *needle = place(1, other, m);
    for (size_t i = 0; i < n * times; i++)
        hay[i] = input.data[m + i % n] & mask;
    for (size_t i = 0; i < m; i++)
        needle[i] = kind & 4 && m <= n ? hay[n * times - m + i] : input.data[i] & mask;
    if (m && kind & 8)
        needle[kind / 16 * m / 16] ^= 1;

    uint8_t *right = NULL;
    for (size_t i = 0; i + m <= n * times && !right; i++) {
        size_t k = 0;
        while (k < m && hay[i + k] == needle[k])
            k++;
        if (k == m)
            right = hay + i;
    }
    EXPECT(loam_memmem(hay, n * times, needle, m) == right);
    return 0;
}
