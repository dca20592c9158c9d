/* place.h - where a secret lies, and the bytes around it that tell whether something wrote past its ends. */
#ifndef LOAM_SECRET_PLACE_H
#define LOAM_SECRET_PLACE_H

#include "secret/range.h"

enum {
    CANARY_SIZE = GRANULE, /* bytes before a secret */
    TAIL_LEAST = 8,        /* bytes after it, up to the next granule's end */
};

struct place {
    struct chunk *chunk;
    uintptr_t start;
    size_t size; /* bytes asked for */
};

/* Bytes from the start to the end of what is compared after it. */
INLINE size_t place_body(size_t size)
{
    return align_up(size + TAIL_LEAST, GRANULE);
}

/* Draw the canary, once in a process. Returns 0 or -errno of getrandom(2). */
HIDDEN int place_begin(void);

/* The secret that starts at the address. Returns whether one does. */
HIDDEN bool place_at(uintptr_t address, struct place *out);

/* The secret that the address lies in, or just after; for a fault's report, without the lock. */
HIDDEN bool place_around(uintptr_t address, struct place *out);

/* The secrets of a chunk, one after the other; *cursor is 0 at first. Returns false after the last. */
HIDDEN bool place_next(struct chunk *chunk, size_t *cursor, struct place *out);

/* Write the canaries; stop the process if one of them is not what was written. The pages must be open. */
HIDDEN void place_enclose(const struct place *place);
HIDDEN void place_check(const struct place *place);

/* Let the place be read and written for a moment, whatever the group's access is; and give it that again. */
HIDDEN void place_open(const struct place *place, enum loam_secret_access access);
HIDDEN void place_close(const struct place *place, enum loam_secret_access access);

/* Stop the process: the kernel does not give pages back an access that they had. */
_Noreturn HIDDEN void place_refused(void);

#endif
