/*
 * file.h - system calls on files.
 *
 * As in sys.h: each returns what the manual page of its namesake says, or -errno, and leaves errno alone. Those that a
 * signal can interrupt are made again.
 */
#ifndef LOAM_SYS_FILE_H
#define LOAM_SYS_FILE_H

#include "base/base.h"

#include <sys/stat.h>
#include <sys/types.h>

/* open(2), always close-on-exec. */
int sys_open(const char *path, int flags, mode_t mode);

/* A descriptor of the same file with an open file description of its own. Needs /proc. */
int sys_reopen(int fd, int flags);

int sys_stat(int fd, struct stat *out);
int sys_truncate(int fd, uint64_t size);

/* fallocate(2). */
int sys_allocate(int fd, int mode, uint64_t offset, uint64_t size);

ssize_t sys_pread(int fd, void *buffer, size_t size, uint64_t offset);

/* A file of memory that can be sealed, close-on-exec. */
int sys_memfd(const char *name);
int sys_seal_file(int fd, int seals);

/* Give the file, which has none, a name. */
int sys_link(int fd, const char *path);
int sys_unlink(const char *path);

/* Have `to` be another descriptor for `from`, close-on-exec, in place of what it was. */
int sys_replace_fd(int from, int to);

/*
 * Lock or unlock one byte for writing, by the open file description. -EAGAIN: another has it, unless `wait`.
 * sys_byte_is_free: whether it could be locked.
 */
int sys_lock_byte(int fd, uint64_t byte, bool wait);
int sys_unlock_byte(int fd, uint64_t byte);
bool sys_byte_is_free(int fd, uint64_t byte);

#endif
