/* fork.h - secrets in a forked child. */
#ifndef LOAM_SECRET_FORK_H
#define LOAM_SECRET_FORK_H

#include "secret/range.h"

/* Have fork(2) leave the records consistent in a child. Returns 0 or -ENOMEM. */
HIDDEN int fork_watch(void);

/* Make what a child has inherited its own; to be called under the lock while fork_happened(). */
HIDDEN void fork_inherit(void);

INLINE bool fork_happened(void)
{
    return range_reserved() && *range.marker == 0;
}

#endif
