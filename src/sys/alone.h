/* alone.h - whether this process has one thread, as far as the C library knows. */
#ifndef LOAM_SYS_ALONE_H
#define LOAM_SYS_ALONE_H

#include <stdbool.h>

#if defined(__has_include)
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define SYS_KNOWS_THREADS
#endif
#endif

/* Stays as it is until the calling thread makes another. Source: __libc_single_threaded of glibc 2.32, in its manual.
 */
static inline bool sys_alone(void)
{
#ifdef SYS_KNOWS_THREADS
    return __libc_single_threaded;
#else
    return false;
#endif
}

#endif
