/* look.h - look for bytes in another process's memory. */
#ifndef LOAM_TEST_LOOK_H
#define LOAM_TEST_LOOK_H

#include "sanitized.h"

#include <stddef.h>
#include <sys/types.h>

/* What a sanitizer has is too much to look at, and has copies of its own. */
enum { LOOK_CAN = !SANITIZED };

/* In the process that is looked at: wait until its input ends, and end. */
_Noreturn void look_wait(void);

/* Or have another do so that shares its memory, which is there then when this one has ended. Returns that one's id. */
pid_t look_keep(void);

/* How often they are in the data. */
int look_in(const unsigned char *data, size_t size, const void *needle, size_t needle_size);

/* How often they are in the pages of the process that are in memory or in swap; -1 if those may not be read. */
int look_for(pid_t pid, const void *needle, size_t needle_size);

#endif
