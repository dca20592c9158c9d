/* call.h - a system call that a test can have fail; for the files of src/sys alone. */
#ifndef LOAM_SYS_CALL_H
#define LOAM_SYS_CALL_H

/* Returns the kernel's answer: a result, or -errno. `name` is what sys_inject is asked about. */
long sys_call(const char *name, long number, long a, long b, long c, long d, long e, long f);

#endif
