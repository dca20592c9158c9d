/*
 * names.h - the public names; included by the file of the architecture's newest instruction set, after its routines.
 * See loam/mem.h for their contracts, and dispatch.h for the two questions with which they begin.
 *
 * Compiled twice: as loam_memcpy ... for libloam, and as memcpy ... for libloam-mem.
 */
#ifndef LOAM_MEM_NAMES_H
#define LOAM_MEM_NAMES_H

#include "mem/dispatch.h"
#include "mem/mem.h"

#ifdef LOAM_STANDARD_NAMES
#include <string.h>
#define NAME(name)    name
#define SAME_AS(name) __attribute__((alias(#name)))
#else
#include <loam/mem.h>
#define NAME(name)    loam_##name
#define SAME_AS(name) __attribute__((alias("loam_" #name)))
#endif

static_assert(VECTOR == NEWEST_VECTOR, "what is short to dispatch.h is what is less than a vector");

PUBLIC void *NAME(memcpy)(void *to, const void *from, size_t n)
{
    size_t limit = short_limit();

    if (SOONER(n < limit)) {
        copy_short(to, from, n);
        return to;
    }
    if (SOONER(n - limit < limit)) {
        copy_two(to, from, n);
        return to;
    }
    return LIKELY(is_newest_level()) ? copy_long(to, from, n) : copy_other(to, from, n);
}

/* All that is loaded is loaded before anything that it might be is stored: so this is the same. */
PUBLIC void *NAME(memmove)(void *to, const void *from, size_t n) SAME_AS(memcpy);

PUBLIC void *NAME(mempcpy)(void *to, const void *from, size_t n)
{
    return (uint8_t *)NAME(memcpy)(to, from, n) + n;
}

PUBLIC void *NAME(memset)(void *to, int byte, size_t n)
{
    size_t limit = short_limit();

    if (SOONER(n < limit)) {
        set_short(to, (uint8_t)byte, n);
        return to;
    }
    if (SOONER(n - limit < limit)) {
        set_two(to, splat((uint8_t)byte), n);
        return to;
    }
    return LIKELY(is_newest_level()) ? set_long(to, (uint8_t)byte, n) : set_other(to, byte, n);
}

/* The compiler cannot know that what it wrote is not looked at. */
PUBLIC void NAME(explicit_bzero)(void *to, size_t n)
{
    NAME(memset)(to, 0, n);
    __asm__ volatile("" : : "r"(to) : "memory");
}

PUBLIC int NAME(memcmp)(const void *a, const void *b, size_t n)
{
    size_t limit = short_limit();

    if (SOONER(n < limit))
        return compare_short(a, b, n);
    if (SOONER(n - limit < limit))
        return compare_two(a, b, n);
    return LIKELY(is_newest_level()) ? compare_long(a, b, n) : compare_other(a, b, n);
}

PUBLIC void *NAME(memchr)(const void *in, int byte, size_t n)
{
    if (SOONER(n - 1 < short_limit())) /* which no bytes at all are not */
        return find_short(in, (uint8_t)byte, n);
    return LIKELY(is_newest_level()) ? find_long(in, (uint8_t)byte, n) : find_other(in, byte, n);
}

PUBLIC void *NAME(rawmemchr)(const void *in, int byte)
{
    return NAME(memchr)(in, byte, SIZE_MAX);
}

PUBLIC void *NAME(memrchr)(const void *in, int byte, size_t n)
{
    if (SOONER(n - 1 < short_limit()))
        return find_last_short(in, (uint8_t)byte, n);
    return LIKELY(is_newest_level()) ? find_last_long(in, (uint8_t)byte, n) : find_last_other(in, byte, n);
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
    return LIKELY(is_newest_level()) ? search(in, n, what, m) : search_other(in, n, what, m);
}

#ifdef LOAM_STANDARD_NAMES
PUBLIC int bcmp(const void *a, const void *b, size_t n) SAME_AS(memcmp);

#include "mem/checked.h"
#endif

#endif
