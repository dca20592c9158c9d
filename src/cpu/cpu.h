/*
 * cpu.h - what differs between processors and is not an instruction set: thread-local storage, registers.
 */
#ifndef LOAM_CPU_CPU_H
#define LOAM_CPU_CPU_H

/*
 * Thread-local storage at a fixed offset from the thread pointer: one load, no call that could
 * allocate. The library is loaded at start, so the space is there (ELF TLS, initial-exec model).
 */
#define CPU_THREAD_LOCAL __thread __attribute__((tls_model("initial-exec")))

/* Leave zeroes in the vector registers that a call need not preserve. */
static inline void cpu_clear_vectors(void)
{
#if defined(__x86_64__)
    __asm__ volatile("pxor %%xmm0, %%xmm0\n\tpxor %%xmm1, %%xmm1\n\tpxor %%xmm2, %%xmm2\n\tpxor %%xmm3, %%xmm3\n\t"
                     "pxor %%xmm4, %%xmm4\n\tpxor %%xmm5, %%xmm5\n\tpxor %%xmm6, %%xmm6\n\tpxor %%xmm7, %%xmm7\n\t"
                     "pxor %%xmm8, %%xmm8\n\tpxor %%xmm9, %%xmm9\n\tpxor %%xmm10, %%xmm10\n\tpxor %%xmm11, %%xmm11\n\t"
                     "pxor %%xmm12, %%xmm12\n\tpxor %%xmm13, %%xmm13\n\tpxor %%xmm14, %%xmm14\n\tpxor %%xmm15, %%xmm15"
                     :
                     :
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                       "xmm12", "xmm13", "xmm14", "xmm15");
#endif
}

#endif
