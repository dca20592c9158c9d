/*
 * stop.h - hold a process still for a moment.
 *
 * By ptrace(2): no signal is sent, nothing runs in the process, and if this command dies the kernel lets it go.
 */
#ifndef LOAM_TOOLS_STOP_H
#define LOAM_TOOLS_STOP_H

#include "image/layout.h"

#include <sys/types.h>

struct stop {
    pid_t pid;
    pid_t traced;                  /* a thread that stays stopped when the others go on */
    struct layout_thread *threads; /* with their stack pointers; the first is the main one */
    size_t thread_count;
    uintptr_t *registers; /* of all threads, one after the other */
    size_t register_count;
    uint64_t since_ns; /* CLOCK_MONOTONIC */
};

/*
 * Stop every thread, but for `traced`, which this process traces and has stopped already (0: none).
 * Returns 0, or -errno and nothing is stopped: -EPERM when another process traces it.
 */
int stop_process(pid_t pid, pid_t traced, struct stop *out);

/* Let it go on. Returns the nanoseconds that it stood still. What has been learnt stays until stop_free(). */
uint64_t stop_release(struct stop *stop);

void stop_free(struct stop *stop);

#endif
