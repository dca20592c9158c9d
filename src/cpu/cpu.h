/*
 * cpu.h - what differs between processors and is not an instruction set: thread-local storage.
 */
#ifndef LOAM_CPU_CPU_H
#define LOAM_CPU_CPU_H

/*
 * Thread-local storage at a fixed offset from the thread pointer: one load, no call that could
 * allocate. The library is loaded at start, so the space is there (ELF TLS, initial-exec model).
 */
#define CPU_THREAD_LOCAL __thread __attribute__((tls_model("initial-exec")))

#endif
