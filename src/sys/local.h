/*
 * local.h - what a thread has of its own, and a signal handler reads.
 *
 * Where glibc loads a library by dlopen(3), it may allocate such a variable at a thread's first access, unless that is
 * by the thread's pointer alone (ELF TLS, initial-exec model). musl allocates them when it loads the library, and
 * loads none that has that model.
 */
#ifndef LOAM_SYS_LOCAL_H
#define LOAM_SYS_LOCAL_H

#include <features.h>

#ifdef __GLIBC__
#define SYS_LOCAL __thread __attribute__((tls_model("initial-exec")))
#else
#define SYS_LOCAL __thread
#endif

#endif
