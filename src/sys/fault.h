/* fault.h - what the context of a signal handler tells of a fault. Source: sigaction(2), asm/trap_pf.h of Linux. */
#ifndef LOAM_SYS_FAULT_H
#define LOAM_SYS_FAULT_H

#include <ucontext.h>

/* In words: "read" or "write"; "use" where the architecture does not say. */
static inline const char *fault_kind(const void *context)
{
#if defined(__x86_64__)
    enum { WAS_WRITE = 2 };
    return ((const ucontext_t *)context)->uc_mcontext.gregs[REG_ERR] & WAS_WRITE ? "write" : "read";
#else
    (void)context;
    return "use";
#endif
}

#endif
