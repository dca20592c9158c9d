/* keep.h - have the C library's malloc(3) keep what is freed, where it can be told to. Source: mallopt(3). */
#ifndef LOAM_SYS_KEEP_H
#define LOAM_SYS_KEEP_H

#include <malloc.h>

/* On a heap that does not know a parameter, it has no effect; musl has no parameters. */
static inline void sys_keep_freed(void)
{
#ifdef M_TRIM_THRESHOLD
    mallopt(M_TRIM_THRESHOLD, -1);
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_ARENA_MAX, 1);
#endif
}

#endif
