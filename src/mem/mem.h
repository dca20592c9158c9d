/*
 * mem.h - the routines of raw memory, once for each instruction set.
 *
 * Arguments and results are those of memmove (which is memcpy, too), memset, memcmp, memchr, memrchr and memmem. They
 * may be called by any thread and any signal handler, and before this library is relocated: they use no data that
 * relocation writes, and call nothing outside.
 */
#ifndef LOAM_MEM_MEM_H
#define LOAM_MEM_MEM_H

#include "base/base.h"

#define MEM_ROUTINES(isa)                                                                                              \
    HIDDEN void *copy_##isa(void *to, const void *from, size_t n);                                                     \
    HIDDEN void *set_##isa(void *to, int byte, size_t n);                                                              \
    HIDDEN int compare_##isa(const void *a, const void *b, size_t n);                                                  \
    HIDDEN void *find_##isa(const void *in, int byte, size_t n);                                                       \
    HIDDEN void *find_last_##isa(const void *in, int byte, size_t n);                                                  \
    HIDDEN void *search_##isa(const void *in, size_t n, const void *what, size_t m)

MEM_ROUTINES(word); /* portable */
MEM_ROUTINES(sse2);
MEM_ROUTINES(avx2);

/* Those of a level that is not the architecture's newest, as dispatch.h says. */
MEM_ROUTINES(other);

#endif
