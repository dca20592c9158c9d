/* file.c - see file.h. */
#include "sys/file.h"

#include "base/text.h"
#include "sys/call.h"
#include "sys/memory.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

enum { PROC_PATH = 40 };

static long call_again(const char *name, long number, long a, long b, long c, long d)
{
    long result;

    do {
        result = sys_call(name, number, a, b, c, d, 0, 0);
    } while (result == -EINTR);
    return result;
}

/* --- descriptors --- */

int sys_open(const char *path, int flags, unsigned mode)
{
    return (int)call_again("openat", SYS_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC, (long)mode);
}

int sys_duplicate(int fd)
{
    return (int)sys_call("fcntl", SYS_fcntl, fd, F_DUPFD_CLOEXEC, 0, 0, 0, 0);
}

int sys_replace(int from, int to)
{
    return (int)sys_call("dup3", SYS_dup3, from, to, O_CLOEXEC, 0, 0, 0);
}

static void proc_path(char path[PROC_PATH], int fd)
{
    struct text text;

    text_init(&text, path, PROC_PATH);
    text_format(&text, "/proc/self/fd/%d", fd);
}

int sys_reopen(int fd, int flags)
{
    char path[PROC_PATH];

    proc_path(path, fd);
    return sys_open(path, flags, 0);
}

int sys_memfd(const char *name, unsigned flags)
{
    return (int)sys_call("memfd_create", SYS_memfd_create, (long)name, (long)flags, 0, 0, 0, 0);
}

intptr_t sys_map_secret(size_t size)
{
    int fd = (int)sys_call("memfd_secret", SYS_memfd_secret, O_CLOEXEC, 0, 0, 0, 0, 0);

    if (fd < 0)
        return fd;
    intptr_t result = sys_truncate(fd, size);
    if (result == 0)
        result = sys_map_file(NULL, size, PROT_NONE, MAP_SHARED, fd, 0);
    sys_close(fd);
    return result;
}

int sys_seal_file(int fd, int seals)
{
    return (int)sys_call("fcntl", SYS_fcntl, fd, F_ADD_SEALS, seals, 0, 0, 0);
}

/* --- names --- */

int sys_link(int fd, const char *path)
{
    char from[PROC_PATH];

    proc_path(from, fd);
    return (int)sys_call("linkat", SYS_linkat, AT_FDCWD, (long)from, AT_FDCWD, (long)path, AT_SYMLINK_FOLLOW, 0);
}

int sys_unlink(const char *path)
{
    return (int)sys_call("unlinkat", SYS_unlinkat, AT_FDCWD, (long)path, 0, 0, 0, 0);
}

ssize_t sys_read_link(const char *path, char *out, size_t size)
{
    return sys_call("readlinkat", SYS_readlinkat, AT_FDCWD, (long)path, (long)out, (long)size, 0, 0);
}

/* --- what is in them --- */

int sys_stat(int fd, struct stat *out)
{
    return (int)sys_call("fstat", SYS_fstat, fd, (long)out, 0, 0, 0, 0);
}

int sys_truncate(int fd, uint64_t size)
{
    return (int)call_again("ftruncate", SYS_ftruncate, fd, (long)size, 0, 0);
}

bool sys_may_reach(uint64_t size)
{
    return size <= sys_limit(RLIMIT_FSIZE);
}

int sys_allocate(int fd, int mode, uint64_t offset, uint64_t size)
{
    return (int)call_again("fallocate", SYS_fallocate, fd, mode, (long)offset, (long)size);
}

ssize_t sys_pread(int fd, void *buffer, size_t size, uint64_t offset)
{
    return call_again("pread", SYS_pread64, fd, (long)buffer, (long)size, (long)offset);
}

ssize_t sys_pwrite(int fd, const void *buffer, size_t size, uint64_t offset)
{
    return call_again("pwrite", SYS_pwrite64, fd, (long)buffer, (long)size, (long)offset);
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

/* --- locks --- */

static int byte_lock(int fd, uint64_t byte, int command, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};
    int result = (int)call_again("fcntl", SYS_fcntl, fd, command, (long)&lock, 0);

    if (result == -EACCES)
        return -EAGAIN;
    return command == F_OFD_GETLK && result == 0 ? lock.l_type != F_UNLCK : result;
}

int sys_lock_byte(int fd, uint64_t byte, bool wait)
{
    return byte_lock(fd, byte, wait ? F_OFD_SETLKW : F_OFD_SETLK, F_WRLCK);
}

int sys_unlock_byte(int fd, uint64_t byte)
{
    return byte_lock(fd, byte, F_OFD_SETLK, F_UNLCK);
}

bool sys_byte_is_free(int fd, uint64_t byte)
{
    return byte_lock(fd, byte, F_OFD_GETLK, F_WRLCK) == 0;
}
