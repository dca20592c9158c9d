/*
 * unwind.h - the calls that led here: return addresses, from the innermost one on.
 *
 * Nothing is allocated and no lock of loam's is taken; every word of the stack is known to be readable before it is
 * read, so that a broken frame ends the stack, and not the process.
 */
#ifndef LOAM_SAMPLE_UNWIND_H
#define LOAM_SAMPLE_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UNWIND_MAX = 64 };

/* Where a thread is: the registers that lead to its callers. */
struct frame {
    uintptr_t pc, sp, bp;
};

/* Before all else: how many rules are kept in a table, a power of two. Returns 0 or -ENOMEM. */
int unwind_start(size_t rules);

/*
 * Put up to `max` return addresses into `calls`, those that lead to the frame's own; `exact` if its pc is an
 * instruction, not a return address. Returns how many.
 */
size_t unwind(struct frame frame, bool exact, uintptr_t *calls, size_t max);

/* The frame of the function that this stands in. */
static inline __attribute__((always_inline)) struct frame unwind_here(void)
{
    struct frame frame = {0};

#if defined(__x86_64__)
    __asm__ volatile("lea 0(%%rip), %0\n\tmov %%rsp, %1\n\tmov %%rbp, %2"
                     : "=r"(frame.pc), "=r"(frame.sp), "=r"(frame.bp));
#endif
    return frame;
}

#endif
