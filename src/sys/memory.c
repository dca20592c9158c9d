/* memory.c - see memory.h. */
#include "sys/memory.h"

#include "sys/call.h"
#include "sys/raw.h"
#include "sys/sys.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#ifndef SYS_mseal
#define SYS_mseal 462 /* the same on every architecture, as all since Linux 5.1 */
#endif

int sys_reserve_at(void *address, size_t size)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    intptr_t result = sys_map_file(address, size, PROT_NONE, flags, -1, 0);

    return result < 0 ? (int)result : 0;
}

intptr_t sys_map_file(void *address, size_t size, int protection, int flags, int fd, uint64_t offset)
{
    return sys_call("mmap", SYS_mmap, (long)address, (long)size, protection, flags, fd, (long)offset);
}

int sys_protect(void *address, size_t size, int protection)
{
    return (int)sys_call("mprotect", SYS_mprotect, (long)address, (long)size, protection, 0, 0, 0);
}

intptr_t sys_remap(void *address, size_t from, size_t to)
{
    return sys_call("mremap", SYS_mremap, (long)address, (long)from, (long)to, MREMAP_MAYMOVE, 0, 0);
}

intptr_t sys_remap_at(void *address, size_t from, size_t to, void *target)
{
    int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    return sys_call("mremap", SYS_mremap, (long)address, (long)from, (long)to, flags, (long)target, 0);
}

int sys_sync_pages(void *address, size_t size, int flags)
{
    return (int)sys_call("msync", SYS_msync, (long)address, (long)size, flags, 0, 0, 0);
}

int sys_advise(void *address, size_t size, int advice)
{
    return (int)sys_call("madvise", SYS_madvise, (long)address, (long)size, advice, 0, 0, 0);
}

int sys_lock(const void *address, size_t size, bool on_fault)
{
    int flags = on_fault ? MLOCK_ONFAULT : 0;
    long result = sys_call("mlock2", SYS_mlock2, (long)address, (long)size, flags, 0, 0, 0);

    if (result == -ENOSYS)
        result = sys_call("mlock", SYS_mlock, (long)address, (long)size, 0, 0, 0, 0);
    return (int)result;
}

int sys_unlock(const void *address, size_t size)
{
    return (int)sys_call("munlock", SYS_munlock, (long)address, (long)size, 0, 0, 0, 0);
}

int sys_lock_all(int flags)
{
    return (int)sys_call("mlockall", SYS_mlockall, flags, 0, 0, 0, 0, 0);
}

int sys_unlock_all(void)
{
    return (int)sys_call("munlockall", SYS_munlockall, 0, 0, 0, 0, 0, 0);
}

int sys_seal(void *address, size_t size)
{
    return (int)sys_call("mseal", SYS_mseal, (long)address, (long)size, 0, 0, 0, 0);
}

int sys_key_new(void)
{
    return RAW_HAS_KEYS ? (int)sys_call("pkey_alloc", SYS_pkey_alloc, 0, 0, 0, 0, 0, 0) : -ENOSYS;
}

int sys_key_free(int key)
{
    return (int)sys_call("pkey_free", SYS_pkey_free, key, 0, 0, 0, 0, 0);
}

int sys_key_protect(void *address, size_t size, int protection, int key)
{
    return (int)sys_call("pkey_mprotect", SYS_pkey_mprotect, (long)address, (long)size, protection, key, 0, 0);
}

enum { KEY_BITS = 2, KEY_MASK = KEY_NO_ACCESS | KEY_NO_WRITE };

unsigned sys_key_rights(int key)
{
    return raw_key_rights() >> KEY_BITS * key & KEY_MASK;
}

void sys_key_set_rights(int key, unsigned rights)
{
    int shift = KEY_BITS * key;

    raw_set_key_rights((raw_key_rights() & ~((unsigned)KEY_MASK << shift)) | rights << shift);
}

uint64_t sys_limit(int resource)
{
    struct rlimit limit;

    if (sys_call("prlimit", SYS_prlimit64, 0, resource, 0, (long)&limit, 0, 0) < 0)
        return UINT64_MAX;
    return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}

int sys_random(void *out, size_t size)
{
    uint8_t *bytes = out;

    for (size_t done = 0; done < size;) {
        long n = sys_call("getrandom", SYS_getrandom, (long)(bytes + done), (long)(size - done), 0, 0, 0, 0);
        if (n == -EINTR)
            continue;
        if (n < 0)
            return (int)n;
        done += (size_t)n;
    }
    return 0;
}

/*
 * What lifts the limit is CAP_IPC_LOCK of the first user namespace; root of another, as in a container, has one that
 * does not, and capget(2) shows both alike. So the kernel is asked for a page more than the limit. As it may not be
 * accessed, none of it is brought in.
 */
uint64_t sys_lock_limit(void)
{
    uint64_t limit = sys_limit(RLIMIT_MEMLOCK), page = sys_page_size();
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_LOCKED;

    if (limit == UINT64_MAX)
        return limit;
    size_t size = align_down(limit, page) + page;
    intptr_t probe = sys_map_file(NULL, size, PROT_NONE, flags, -1, 0);
    if (probe < 0)
        return limit;
    sys_unmap((void *)probe, size);
    return UINT64_MAX;
}

size_t sys_page_size(void)
{
    return getauxval(AT_PAGESZ);
}

int sys_prctl(int option, unsigned long argument)
{
    return (int)sys_call("prctl", SYS_prctl, option, (long)argument, 0, 0, 0, 0);
}
