/* file.c - see file.h. */
#include "sys/file.h"

#include "sys/call.h"

#include <fcntl.h>
#include <sys/syscall.h>

int sys_open(const char *path, int flags, unsigned mode)
{
    return (int)sys_call("openat", SYS_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC, (long)mode, 0, 0);
}

int sys_duplicate(int fd)
{
    return (int)sys_call("fcntl", SYS_fcntl, fd, F_DUPFD_CLOEXEC, 0, 0, 0, 0);
}

int sys_memfd(const char *name, unsigned flags)
{
    return (int)sys_call("memfd_create", SYS_memfd_create, (long)name, (long)flags, 0, 0, 0, 0);
}

int sys_stat(int fd, struct stat *out)
{
    return (int)sys_call("fstat", SYS_fstat, fd, (long)out, 0, 0, 0, 0);
}

int sys_truncate(int fd, uint64_t size)
{
    return (int)sys_call("ftruncate", SYS_ftruncate, fd, (long)size, 0, 0, 0, 0);
}

int sys_allocate(int fd, int mode, uint64_t offset, uint64_t size)
{
    return (int)sys_call("fallocate", SYS_fallocate, fd, mode, (long)offset, (long)size, 0, 0);
}

ssize_t sys_pwrite(int fd, const void *buffer, size_t size, uint64_t offset)
{
    return sys_call("pwrite", SYS_pwrite64, fd, (long)buffer, (long)size, (long)offset, 0, 0);
}

ssize_t sys_read_link(const char *path, char *out, size_t size)
{
    return sys_call("readlinkat", SYS_readlinkat, AT_FDCWD, (long)path, (long)out, (long)size, 0, 0);
}

int sys_advise_file(int fd, uint64_t offset, uint64_t size, int advice)
{
    return (int)sys_call("fadvise", SYS_fadvise64, fd, (long)offset, (long)size, advice, 0, 0);
}

int sys_sync(int fd)
{
    return (int)sys_call("fsync", SYS_fsync, fd, 0, 0, 0, 0, 0);
}

int sys_sync_data(int fd)
{
    return (int)sys_call("fdatasync", SYS_fdatasync, fd, 0, 0, 0, 0, 0);
}

int sys_sync_system(int fd)
{
    return (int)sys_call("syncfs", SYS_syncfs, fd, 0, 0, 0, 0, 0);
}

int sys_sync_start(int fd, uint64_t offset, uint64_t size)
{
    return (int)sys_call("sync_file_range", SYS_sync_file_range, fd, (long)offset, (long)size, SYNC_FILE_RANGE_WRITE, 0,
                         0);
}
