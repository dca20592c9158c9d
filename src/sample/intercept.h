/*
 * intercept.h - put checks before functions of the C library that read or write memory for their callers.
 *
 * Programs and libraries call them through tables of addresses (their GOTs), which the dynamic linker filled. There,
 * and nowhere else, ours take the place of the C library's: a process that is not checked pays nothing for them.
 * What the C library calls inside itself, and what compilers do inline, is not seen.
 */
#ifndef LOAM_SAMPLE_INTERCEPT_H
#define LOAM_SAMPLE_INTERCEPT_H

/* Once, after the dynamic linker has loaded the program. */
void intercept_start(void);

/* Now and then: files that have been loaded since are treated likewise. Cheap when there are none. */
void intercept_refresh(void);

#endif
