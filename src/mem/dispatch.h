/*
 * dispatch.h - which instruction set's routines run.
 *
 * The public names (names.h) are in the file of the newest instruction set. A size below dispatch_short, which is that
 * one's vector while it runs and 0 while it does not, is dealt with at once: the comparison that finds a short size
 * says what the processor has, too. Longer ones ask for the level; where it is another one, they jump to the routine of
 * dispatch.c, which goes by it. A jump more for all of them would cost the shortest calls a fifth.
 *
 * There is no pointer that would have to be relocated, so it works while the dynamic linker is still at it, in static
 * programs and with any C library; and no indirect function (STT_GNU_IFUNC), of which musl knows nothing, and of which
 * glibc's linker warns when a library that it relocates before this one calls it.
 *
 * Until something is called the level is LEVEL_UNKNOWN; the first call asks the processor. Several threads may do so at
 * once: they write the same. When a level is forced later, calls that are under way end in the other one, and all are
 * equally right; so the order in which the two variables are written does not matter.
 */
#ifndef LOAM_MEM_DISPATCH_H
#define LOAM_MEM_DISPATCH_H

#include "base/base.h"

enum level {
    LEVEL_UNKNOWN,
    LEVEL_WORD,
    LEVEL_SSE2,
    LEVEL_AVX2,
    LEVEL_AVX512,
    LEVEL_NEON,
};

/* The newest level of this architecture, and the bytes of its vector. */
#if defined(__x86_64__)
#define LEVEL_NEWEST  LEVEL_AVX512
#define NEWEST_VECTOR 64
#elif defined(__aarch64__)
#define LEVEL_NEWEST  LEVEL_NEON
#define NEWEST_VECTOR 16
#else
#define LEVEL_NEWEST  LEVEL_WORD
#define NEWEST_VECTOR 8
#endif

HIDDEN extern unsigned ATOMIC dispatch_level; /* an enum level */
HIDDEN extern size_t ATOMIC dispatch_short;

INLINE bool is_newest_level(void)
{
    return __atomic_load_n(&dispatch_level, __ATOMIC_RELAXED) == LEVEL_NEWEST;
}

/* Less is short; what is not, but less than twice as much, is two vectors: of the newest level, which then runs. */
INLINE size_t short_limit(void)
{
    return __atomic_load_n(&dispatch_short, __ATOMIC_RELAXED);
}

/* What LOAM_OPTIONS=cpu= may be, for messages. */
#define DISPATCH_NAMES "an instruction set of this processor (sse2, avx2, avx512; neon; word, which all have)"

/* Take the level of that name from now on. False if there is none, or this processor does not have it. */
HIDDEN bool dispatch_force(const char *name);

#endif
