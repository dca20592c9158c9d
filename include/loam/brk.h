/*
 * loam/brk.h - the program break, over the raw system call.
 *
 * The C library remembers where it believes the break to be; these functions ask the kernel each
 * time, so they stay right however many users the break has. Thread-safe among themselves.
 * Source: brk(2).
 */
#ifndef LOAM_BRK_H
#define LOAM_BRK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Set the program break to `end`. Returns 0, or -1 with ENOMEM; the heap's own part of the break is never cut off. */
int loam_brk(void *end);

/* Move the program break by `increment` bytes. Returns the break as it was, or (void *)-1 with ENOMEM. */
void *loam_sbrk(intptr_t increment);

#ifdef __cplusplus
}
#endif

#endif
