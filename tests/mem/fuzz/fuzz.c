/* fuzz.c - see fuzz.h. */
#define _GNU_SOURCE
#include "fuzz.h"

#include <sys/mman.h>

static uint8_t *buffers[BUFFERS];

static uint8_t *buffer_at(int buffer)
{
    if (!buffers[buffer]) {
        uint8_t *p = mmap(NULL, BUFFER + 2 * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        EXPECT(p != MAP_FAILED);
        EXPECT(mprotect(p + PAGE_SIZE, BUFFER, PROT_READ | PROT_WRITE) == 0);
        buffers[buffer] = p + PAGE_SIZE;
    }
    return buffers[buffer];
}

void take_level(struct input *input)
{
    static const char *const names[] = {"word", "sse2", "avx2", "avx512"};
    dispatch_force(names[take(input) % LENGTH(names)]); /* where it is missing, the one before stays */
}

uint8_t *place(int buffer, uint8_t where, size_t n)
{
    size_t shift = where / 2 % 64;

    EXPECT(n + 64 <= BUFFER);
    return where % 2 ? buffer_at(buffer) + BUFFER - n - shift : buffer_at(buffer) + shift;
}

uint8_t *place_bytes(int buffer, uint8_t where, const uint8_t *bytes, size_t n)
{
    uint8_t *to = place(buffer, where, n);

    for (size_t i = 0; i < n; i++)
        to[i] = bytes[i];
    return to;
}
