/*
 * checked.h - the names that programs compiled with _FORTIFY_SOURCE call; included by names.h after the routines.
 *
 * They are told the room at the target, too, as far as the compiler knew it; else it is SIZE_MAX. What is longer is an
 * overflow, of which the C library tells. A C library that has no __chk_fail, as musl, has no such programs either.
 *
 * Source: Linux Standard Base 5, "Interfaces for libc".
 */
#ifndef LOAM_MEM_CHECKED_H
#define LOAM_MEM_CHECKED_H

#ifdef __GLIBC__
_Noreturn void __chk_fail(void);

PUBLIC void *__memcpy_chk(void *to, const void *from, size_t n, size_t room)
{
    if (UNLIKELY(n > room))
        __chk_fail();
    return memcpy(to, from, n);
}

PUBLIC void *__memmove_chk(void *to, const void *from, size_t n, size_t room) SAME_AS(__memcpy_chk);

PUBLIC void *__mempcpy_chk(void *to, const void *from, size_t n, size_t room)
{
    if (UNLIKELY(n > room))
        __chk_fail();
    return mempcpy(to, from, n);
}

PUBLIC void *__memset_chk(void *to, int byte, size_t n, size_t room)
{
    if (UNLIKELY(n > room))
        __chk_fail();
    return memset(to, byte, n);
}

PUBLIC void __explicit_bzero_chk(void *to, size_t n, size_t room)
{
    if (UNLIKELY(n > room))
        __chk_fail();
    explicit_bzero(to, n);
}
#endif

#endif
