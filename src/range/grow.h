/* grow.h - raising the break, for the files of this folder. The range lock is held. */
#ifndef LOAM_RANGE_GROW_H
#define LOAM_RANGE_GROW_H

#include "range/range.h"

/* Commit so much that free chunks up to the break hold `bytes`. Returns 0 or -errno. */
int range_grow(struct range *range, size_t bytes);

/* The same in whichever range can, or in a new one. */
int range_grow_any(size_t bytes);

#endif
