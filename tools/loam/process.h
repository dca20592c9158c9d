/*
 * process.h - read the memory of a running process. Nothing runs in it, and it is not stopped.
 */
#ifndef LOAM_TOOLS_PROCESS_H
#define LOAM_TOOLS_PROCESS_H

#include "image/layout.h"

#include <sys/types.h>

/* Threads and what is known of each. The list is the caller's to free. Returns 0 or -errno. */
int process_threads(pid_t pid, struct layout_thread **list, size_t *count);

/* Copy from the process whose pid_t `context` points to: the `read` of an image_source. */
int process_read(void *context, uintptr_t address, void *to, size_t size);

/* Whether each PAGE_SIZE bytes of [start, end) are in memory or swapped out, and so can be read without being made. */
int process_present(pid_t pid, uintptr_t start, uintptr_t end, bool *present);

/* The file that the process executes. Returns 0 or -errno. */
int process_executable(pid_t pid, char *path, size_t size);

/* The start of its command line, arguments separated by spaces; the empty string when there is none to be had. */
void process_command(pid_t pid, char *text, size_t size);

/* When it started, in the kernel's ticks since boot: tells it from a later one of the same id. 0 when it is not there.
 */
uint64_t process_started(pid_t pid);

/* Bytes of it that are in memory; 0 when that is not known. */
size_t process_resident(pid_t pid);

/* Bytes that its main stack may grow to: 0 when that is not known, UINT64_MAX for no limit. */
uint64_t process_stack_limit(pid_t pid);

#endif
