/* canary.c - see canary.h. */
#include "sample/canary.h"

#include <stdint.h>
#include <string.h>

const unsigned char *canary_find_broken(const void *start, unsigned char byte, size_t size)
{
    const unsigned char *at = start, *end = at + size;
    uint64_t word, whole = 0x0101010101010101ull * byte;

    for (; end - at >= (ptrdiff_t)sizeof(word); at += sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        if (word != whole)
            break;
    }
    while (at < end && *at == byte)
        at++;
    return at < end ? at : NULL;
}
