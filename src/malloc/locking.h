/*
 * locking.h - lock=heap, lock=future, lock=all: the memory of the process is brought in, and stays.
 */
#ifndef LOAM_MALLOC_LOCKING_H
#define LOAM_MALLOC_LOCKING_H

/* As the options want it; before the first allocation. */
void locking_start(void);

/* A forked child has no locks. */
void locking_after_fork(void);

#endif
