/*
 * file.h - the system calls on files.
 *
 * As in sys.h: each returns what the manual page of its namesake says, or -errno, and leaves errno alone. Those that a
 * signal may interrupt before anything is done are made again.
 */
#ifndef LOAM_SYS_FILE_H
#define LOAM_SYS_FILE_H

#include "base/base.h"

#include <sys/stat.h>
#include <sys/types.h>

/* --- descriptors, all closed by exec --- */

/* O_ flags of open(2). */
int sys_open(const char *path, int flags, unsigned mode);

/* Another descriptor of the same open file. */
int sys_duplicate(int fd);

/* Have `to` be another descriptor of the open file `from`, in place of what it was. */
int sys_replace(int from, int to);

/* Open the file anew: an open file description of its own. Needs /proc. */
int sys_reopen(int fd, int flags);

/* A file that is memory alone. MFD_ flags of memfd_create(2). */
int sys_memfd(const char *name, unsigned flags);

/*
 * Map pages of memfd_secret(2), which nothing else can reach any more; they cannot be accessed yet. Linux 5.14, else
 * -ENOSYS. Returns the address or -errno.
 */
intptr_t sys_map_secret(size_t size);

/* F_SEAL_ values of fcntl(2). */
int sys_seal_file(int fd, int seals);

/* --- names --- */

/* Give the open file, which has none, a name. Needs /proc. */
int sys_link(int fd, const char *path);
int sys_unlink(const char *path);
ssize_t sys_read_link(const char *path, char *out, size_t size);

/* --- what is in them --- */

int sys_stat(int fd, struct stat *out);
int sys_truncate(int fd, uint64_t size);

/* Whether files of the process may be so large: where they may not, the kernel sends SIGXFSZ as well (RLIMIT_FSIZE). */
bool sys_may_reach(uint64_t size);

/* FALLOC_ modes of fallocate(2). */
int sys_allocate(int fd, int mode, uint64_t offset, uint64_t size);

ssize_t sys_pread(int fd, void *buffer, size_t size, uint64_t offset);
ssize_t sys_pwrite(int fd, const void *buffer, size_t size, uint64_t offset);

/* POSIX_FADV_ values of posix_fadvise(2). */
int sys_advise_file(int fd, uint64_t offset, uint64_t size, int advice);

int sys_sync(int fd);        /* fsync(2) */
int sys_sync_data(int fd);   /* fdatasync(2) */
int sys_sync_system(int fd); /* syncfs(2): all of the file system that the file is in */

/* Begin to write pages of a file that have been changed: sync_file_range(2). A size of 0: to the end. */
int sys_sync_start(int fd, uint64_t offset, uint64_t size);

/* --- locks --- */

/*
 * Lock or unlock one byte for writing, by the open file description. -EAGAIN: another has it, unless `wait`.
 * sys_byte_is_free: whether it could be locked.
 */
int sys_lock_byte(int fd, uint64_t byte, bool wait);
int sys_unlock_byte(int fd, uint64_t byte);
bool sys_byte_is_free(int fd, uint64_t byte);

#endif
