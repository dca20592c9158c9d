/* sys.c - see sys.h. */
#include "sys/sys.h"

#include "sys/call.h"
#include "sys/memory.h"
#include "sys/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <time.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif

/* Of linux/futex.h, which comes with the kernel and not with every C library. */
enum { FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129 };

#ifdef LOAM_INJECT
long (*sys_inject)(const char *call);
#else
static long (*const sys_inject)(const char *call) = NULL;
#endif

long sys_call(const char *name, long number, long a, long b, long c, long d, long e, long f)
{
    if (sys_inject) {
        long failure = sys_inject(name);
        if (failure)
            return failure;
    }
    return raw_call(number, a, b, c, d, e, f);
}

static intptr_t map(void *hint, size_t size, int protection, int flags)
{
    return sys_map_file(hint, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

intptr_t sys_reserve(size_t size)
{
    return map(NULL, size, PROT_NONE, MAP_NORESERVE);
}

intptr_t sys_map(size_t size)
{
    return map(NULL, size, PROT_READ | PROT_WRITE, 0);
}

int sys_remap_fresh(void *address, size_t size)
{
    intptr_t result = map(address, size, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_NORESERVE);
    return result < 0 ? (int)result : 0;
}

int sys_unmap(void *address, size_t size)
{
    return (int)sys_call("munmap", SYS_munmap, (long)address, (long)size, 0, 0, 0, 0);
}

int sys_protect_rw(void *address, size_t size)
{
    return sys_protect(address, size, PROT_READ | PROT_WRITE);
}

int sys_protect_ro(void *address, size_t size)
{
    return sys_protect(address, size, PROT_READ);
}

int sys_protect_none(void *address, size_t size)
{
    return sys_protect(address, size, PROT_NONE);
}

void sys_dump(void *address, size_t size, bool wanted)
{
    sys_advise(address, size, wanted ? MADV_DODUMP : MADV_DONTDUMP);
}

int sys_purge(void *address, size_t size)
{
    return sys_advise(address, size, MADV_DONTNEED);
}

int sys_advise_huge(void *address, size_t size)
{
    return sys_advise(address, size, MADV_HUGEPAGE);
}

int sys_populate(void *address, size_t size)
{
    return sys_advise(address, size, MADV_POPULATE_WRITE);
}

int sys_guard(void *address, size_t size)
{
    return sys_advise(address, size, MADV_GUARD_INSTALL);
}

int sys_unguard(void *address, size_t size)
{
    return sys_advise(address, size, MADV_GUARD_REMOVE);
}

int sys_resident(const void *address, size_t size, unsigned char *pages)
{
    return (int)sys_call("mincore", SYS_mincore, (long)address, (long)size, (long)pages, 0, 0, 0);
}

int sys_move_pages(void *from, void *to, size_t size)
{
    long flags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
    long result = sys_call("mremap", SYS_mremap, (long)from, (long)size, (long)size, flags, (long)to, 0);
    return result < 0 ? (int)result : 0;
}

uintptr_t sys_brk(uintptr_t end)
{
    if (end && sys_inject && sys_inject("brk"))
        end = 0; /* as the kernel refuses: the break stays */
    return (uintptr_t)raw_call(SYS_brk, (long)end, 0, 0, 0, 0, 0);
}

uint64_t sys_ram(void)
{
    struct sysinfo info;

    if (sys_call("sysinfo", SYS_sysinfo, (long)&info, 0, 0, 0, 0, 0) < 0)
        return 0;
    return (uint64_t)info.totalram * info.mem_unit;
}

uint64_t sys_address_limit(void)
{
    return sys_limit(RLIMIT_AS);
}

/* The C library reads these clocks from the vdso, without a system call; that cannot fail for clocks that exist. */
static uint64_t now_ns(clockid_t clock)
{
    struct timespec now = {0};

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t sys_now_ms(void)
{
    return now_ns(CLOCK_MONOTONIC_COARSE) / 1000000u;
}

uint64_t sys_now_ns(void)
{
    return now_ns(CLOCK_MONOTONIC);
}

uint64_t sys_cpu_ns(void)
{
    return now_ns(CLOCK_PROCESS_CPUTIME_ID);
}

int sys_pid(void)
{
    return (int)raw_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

int sys_parent_pid(void)
{
    return (int)raw_call(SYS_getppid, 0, 0, 0, 0, 0, 0);
}

int sys_thread(void)
{
    return (int)raw_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

void sys_raise(int number)
{
    raw_call(SYS_tgkill, sys_pid(), sys_thread(), number, 0, 0, 0);
}

int sys_open_read(const char *path)
{
    return (int)sys_call("openat", SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
}

int sys_create(const char *path)
{
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    return (int)sys_call("openat", SYS_openat, AT_FDCWD, (long)path, flags, 0600, 0, 0);
}

ssize_t sys_read(int fd, void *buffer, size_t size)
{
    return sys_call("read", SYS_read, fd, (long)buffer, (long)size, 0, 0, 0);
}

ssize_t sys_write(int fd, const void *buffer, size_t size)
{
    return sys_call("write", SYS_write, fd, (long)buffer, (long)size, 0, 0, 0);
}

int sys_close(int fd)
{
    return (int)sys_call("close", SYS_close, fd, 0, 0, 0, 0, 0);
}

static uint64_t to_ns(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_usec * 1000u;
}

int sys_cpu_times(uint64_t *user_ns, uint64_t *system_ns, uint64_t *minor, uint64_t *major)
{
    struct rusage usage;
    long result = sys_call("getrusage", SYS_getrusage, RUSAGE_SELF, (long)&usage, 0, 0, 0, 0);

    if (result < 0)
        return (int)result;
    *user_ns = to_ns(usage.ru_utime);
    *system_ns = to_ns(usage.ru_stime);
    *minor = (uint64_t)usage.ru_minflt;
    *major = (uint64_t)usage.ru_majflt;
    return 0;
}

_Noreturn void sys_exit(int status)
{
    for (;;)
        raw_call(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

/* A wait may end early, by a signal or a change of the word; its caller looks again. */
void sys_futex_wait(ATOMIC uint32_t *word, uint32_t expected)
{
    raw_call(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, expected, 0, 0, 0);
}

void sys_futex_wake(ATOMIC uint32_t *word)
{
    raw_call(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}

ssize_t sys_list(int fd, void *entries, size_t size)
{
    return (ssize_t)sys_call("getdents64", SYS_getdents64, fd, (long)entries, (long)size, 0, 0, 0);
}

int sys_copy(void *to, const void *from, size_t size)
{
    struct iovec local = {.iov_base = to, .iov_len = size}, remote = {.iov_base = (void *)from, .iov_len = size};
    long n = sys_call("process_vm_readv", SYS_process_vm_readv, sys_pid(), (long)&local, 1, (long)&remote, 1, 0);

    if (n < 0)
        return (int)n;
    return (size_t)n == size ? 0 : -EFAULT;
}
