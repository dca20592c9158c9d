/*
 * meta.h - memory for records: never freed, zeroed, behind guard pages, far from user memory.
 */
#ifndef LOAM_RANGE_META_H
#define LOAM_RANGE_META_H

#include <stddef.h>

/* `size` bytes of zeroes, aligned to a cache line; NULL when there is no memory. Holds no lock of the caller's. */
void *meta_take(size_t size);

/*
 * Pages of their own, between two guard pages as long as the kernel has memory; NULL when there is none. `size` is a
 * multiple of the page size.
 */
void *meta_map(size_t size);

/* For fork: keep meta_take() out, let it in, and start over in the child. */
void meta_lock(void);
void meta_unlock(void);
void meta_lock_init(void);

#endif
