/*
 * file.h - the system calls by which files are opened, resized and written to disk.
 *
 * As in sys.h: each returns what the manual page of its namesake says, or -errno, and leaves errno alone.
 */
#ifndef LOAM_SYS_FILE_H
#define LOAM_SYS_FILE_H

#include "base/base.h"

#include <sys/stat.h>
#include <sys/types.h>

/* O_ flags of open(2); closed by exec. */
int sys_open(const char *path, int flags, unsigned mode);

/* Another descriptor of the same open file, closed by exec. */
int sys_duplicate(int fd);

/* A file that is memory alone. MFD_ flags of memfd_create(2). */
int sys_memfd(const char *name, unsigned flags);

int sys_stat(int fd, struct stat *out);
int sys_truncate(int fd, uint64_t size);

/* FALLOC_ modes of fallocate(2). */
int sys_allocate(int fd, int mode, uint64_t offset, uint64_t size);

ssize_t sys_pwrite(int fd, const void *buffer, size_t size, uint64_t offset);
ssize_t sys_read_link(const char *path, char *out, size_t size);

/* POSIX_FADV_ values of posix_fadvise(2). */
int sys_advise_file(int fd, uint64_t offset, uint64_t size, int advice);

int sys_sync(int fd);        /* fsync(2) */
int sys_sync_data(int fd);   /* fdatasync(2) */
int sys_sync_system(int fd); /* syncfs(2): all of the file system that the file is in */

/* Begin to write pages of a file that have been changed: sync_file_range(2). A size of 0: to the end. */
int sys_sync_start(int fd, uint64_t offset, uint64_t size);

#endif
