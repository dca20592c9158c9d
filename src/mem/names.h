/*
 * names.h - the public names; included by the file of the architecture's newest instruction set, after its routines and
 * LEVEL_OWN, its level. See loam/mem.h for their contracts.
 *
 * Compiled twice: as loam_memcpy ... for libloam, and as memcpy ... for libloam-mem.
 */
#ifndef LOAM_MEM_NAMES_H
#define LOAM_MEM_NAMES_H

#include "mem/dispatch.h"
#include "mem/mem.h"

#ifdef LOAM_STANDARD_NAMES
#define NAME(name) name
#else
#include <loam/mem.h>
#define NAME(name) loam_##name
#endif

/* This must be asked before anything else: the processor may not have what follows. */
#define OWN LIKELY(dispatch_current() == LEVEL_OWN)

PUBLIC void *NAME(memcpy)(void *to, const void *from, size_t n)
{
    return OWN ? copy(to, from, n) : copy_other(to, from, n);
}

PUBLIC void *NAME(memmove)(void *to, const void *from, size_t n)
{
    return OWN ? copy(to, from, n) : copy_other(to, from, n);
}

PUBLIC void *NAME(mempcpy)(void *to, const void *from, size_t n)
{
    return (uint8_t *)NAME(memcpy)(to, from, n) + n;
}

PUBLIC void *NAME(memset)(void *to, int byte, size_t n)
{
    return OWN ? set(to, byte, n) : set_other(to, byte, n);
}

/* The compiler cannot know that what it wrote is not looked at. */
PUBLIC void NAME(explicit_bzero)(void *to, size_t n)
{
    NAME(memset)(to, 0, n);
    __asm__ volatile("" : : "r"(to) : "memory");
}

PUBLIC int NAME(memcmp)(const void *a, const void *b, size_t n)
{
    return OWN ? compare(a, b, n) : compare_other(a, b, n);
}

PUBLIC void *NAME(memchr)(const void *in, int byte, size_t n)
{
    return OWN ? find(in, byte, n) : find_other(in, byte, n);
}

PUBLIC void *NAME(rawmemchr)(const void *in, int byte)
{
    return NAME(memchr)(in, byte, SIZE_MAX);
}

PUBLIC void *NAME(memrchr)(const void *in, int byte, size_t n)
{
    return OWN ? find_last(in, byte, n) : find_last_other(in, byte, n);
}

PUBLIC void *NAME(memccpy)(void *to, const void *from, int byte, size_t n)
{
    const uint8_t *found = NAME(memchr)(from, byte, n);
    size_t size = found ? (size_t)(found - (const uint8_t *)from) + 1 : n;

    NAME(memcpy)(to, from, size);
    return found ? (uint8_t *)to + size : NULL;
}

PUBLIC void *NAME(memmem)(const void *in, size_t n, const void *what, size_t m)
{
    return OWN ? search(in, n, what, m) : search_other(in, n, what, m);
}

#ifdef LOAM_STANDARD_NAMES
PUBLIC int bcmp(const void *a, const void *b, size_t n)
{
    return memcmp(a, b, n);
}
#endif

#endif
