/* faults.h - whether a byte can be read and written. */
#ifndef LOAM_TEST_FAULTS_H
#define LOAM_TEST_FAULTS_H

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

static sigjmp_buf back;

static inline void jump(int number)
{
    (void)number;
    siglongjmp(back, 1);
}

/* Whether to read, and to write, a byte faults. It keeps its value. */
static inline int faults(void *address, int writing)
{
    struct sigaction before[2], handler = {.sa_handler = jump};
    volatile char *byte = address;
    volatile int faulted = 1; /* what a jump leaves must be right */

    sigaction(SIGSEGV, &handler, &before[0]);
    sigaction(SIGBUS, &handler, &before[1]);
    if (sigsetjmp(back, 1) == 0) {
        char value = *byte;
        if (writing)
            *byte = value;
        faulted = 0;
    }
    sigaction(SIGSEGV, &before[0], NULL);
    sigaction(SIGBUS, &before[1], NULL);
    return faulted;
}

static inline int reads(void *address)
{
    return !faults(address, 0);
}

static inline int writes(void *address)
{
    return !faults(address, 1);
}

#endif
