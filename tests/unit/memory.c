/* memory.c - see memory.h. */
#include "memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An object need not be aligned to what the pattern is made of. */
typedef uint64_t word __attribute__((aligned(1), may_alias));

static uint64_t pattern_word(uint64_t key, size_t index)
{
    return key + index * UINT64_C(0x9e3779b97f4a7c15);
}

uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t x = a ^ (b + UINT64_C(0x9e3779b97f4a7c15) + (a << 6));

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

void pattern_write(void *memory, size_t size, uint64_t key)
{
    word *words = memory;
    size_t count = size / sizeof(word);
    uint64_t last = pattern_word(key, count);

    for (size_t i = 0; i < count; i++)
        words[i] = pattern_word(key, i);
    memcpy(words + count, &last, size % sizeof(word));
}

size_t pattern_compare(const void *memory, size_t size, uint64_t key)
{
    const unsigned char *bytes = memory;
    const word *words = memory;
    size_t i = 0;

    while (i < size / sizeof(word) && words[i] == pattern_word(key, i))
        i++;
    for (size_t at = i * sizeof(word); at < size; at++) {
        if (bytes[at] != (unsigned char)(pattern_word(key, at / sizeof(word)) >> at % sizeof(word) * 8))
            return at;
    }
    return size;
}

bool all_zero(const void *memory, size_t size)
{
    const unsigned char *bytes = memory;

    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* Without stdio, which would allocate. */
size_t resident_bytes(void)
{
    char text[128] = "";
    unsigned long pages = 0;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, text, sizeof(text) - 1);

    close(fd);
    if (length <= 0 || sscanf(text, "%*u %lu", &pages) != 1)
        abort();
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

uint64_t scaled(uint64_t count)
{
    const char *scale = getenv("LOAM_TEST_SCALE");
    double result = scale && strtod(scale, NULL) > 0 ? (double)count * strtod(scale, NULL) : (double)count;

    return result < 1 ? 1 : (uint64_t)result;
}
