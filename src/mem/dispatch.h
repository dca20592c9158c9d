/*
 * dispatch.h - which instruction set's routines run.
 *
 * A byte says it. The public names (names.h) are in the file of the newest instruction set: each asks whether that is what runs,
 * and goes straight on; where not, it jumps to the routine of dispatch.c, which goes by the byte to the others. That
 * costs the newest a comparison that is always predicted; a jump more would cost the shortest calls a fifth.
 *
 * There is no pointer that would have to be relocated, so it works while the dynamic linker is still at it, in static programs
 * and with any C library; and no indirect function (STT_GNU_IFUNC), of which musl knows nothing, and of which
 * glibc's linker warns when a library that it relocates before this one calls it.
 *
 * Until something is called the byte is LEVEL_UNKNOWN; the first call asks the processor. Several threads may do so at
 * once: they write the same. When a level is forced later, calls that are under way end in the other one, and all are
 * equally right.
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

HIDDEN extern uint8_t ATOMIC dispatch_level; /* an enum level */

INLINE unsigned dispatch_current(void)
{
    return __atomic_load_n(&dispatch_level, __ATOMIC_RELAXED);
}

/* What LOAM_OPTIONS=cpu= may be, for messages. */
#define DISPATCH_NAMES "an instruction set of this processor (sse2, avx2, avx512; neon; word, which all have)"

/* Take the level of that name from now on. False if there is none, or this processor does not have it. */
HIDDEN bool dispatch_force(const char *name);

#endif
