/*
 * fault.c - guarded access, see loam/map.h: SIGBUS of a map's pages becomes an error.
 *
 * A guarded access puts a guard on the thread's list: the map's pages, and where to go if they fault. The action for
 * SIGBUS looks the address up there, innermost first, and jumps. The signal mask is restored from what the
 * kernel saved when it called the action, and not saved before, so a guard costs a few ns and no system call.
 *
 * Invariant: the list holds guards of calls that have not returned, the innermost first.
 * Locking: the list is the thread's. The action before ours is written once, before ours can be called.
 * Source: sigaction(2), sigsetjmp(3), fallocate(2); POSIX.1-2017, 2.4.
 */
#include "map/fault.h"

#include "map/place.h"

#include "sys/file.h"
#include "sys/local.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

#define PIECE (2 * MIB) /* what the page cache holds in one piece, at most; aligned to itself */

struct guard {
    struct guard *outer;
    const struct loam_map *map;
    uintptr_t fault; /* the address that faulted */
    sigjmp_buf jump;
};

static SYS_LOCAL struct guard *innermost;

/* --- reasons --- */

/*
 * To allocate the blocks says why there were none: those of all that the page cache may hold in one piece, as the
 * kernel wanted them. It may succeed, where the kernel wants to have some to spare since it delays the allocation.
 */
int fault_reason(const struct loam_map *map, uint64_t offset, uint64_t size)
{
    uint64_t file_size;

    if (!map->descriptor || map_file_size(map_fd(map), &file_size) < 0)
        return -EIO;
    if (offset + size > file_size)
        return -ENXIO;
    if (!map_writes_file(map))
        return -EIO;
    uint64_t start = align_down(offset, PIECE), end = min_size(align_up(offset + size, PIECE), file_size);
    int error = sys_allocate(map_fd(map), FALLOC_FL_KEEP_SIZE, start, end - start);
    return error == -ENOSPC || error == -EDQUOT ? error : -EIO;
}

/* --- the action --- */

static struct {
    pthread_once_t once;
    ATOMIC bool taken;
    struct sigaction before;
} action = {.once = PTHREAD_ONCE_INIT};

/* What the kernel does when an action returns. A stack for signals that it takes off while it is in use is one of it.
 */
static void leave_action(const ucontext_t *interrupted)
{
    if (interrupted->uc_stack.ss_flags & (int)SS_AUTODISARM)
        sigaltstack(&interrupted->uc_stack, NULL);
    pthread_sigmask(SIG_SETMASK, &interrupted->uc_sigmask, NULL);
}

PUBLIC void loam_map_fault(const void *address, const void *context)
{
    const ucontext_t *interrupted = context;

    for (struct guard *guard = innermost; guard; guard = guard->outer) {
        /* Of what the map holds besides its pages, a fault is SIGSEGV. */
        if ((uintptr_t)address - guard->map->start >= guard->map->extent)
            continue;
        innermost = guard->outer;
        guard->fault = (uintptr_t)address;
        leave_action(interrupted);
        siglongjmp(guard->jump, 1);
    }
}

static void restore_default(void)
{
    const struct sigaction none = {.sa_handler = SIG_DFL};
    sigaction(SIGBUS, &none, NULL);
}

/* Not for an access of this thread: by kill(2), or since memory that nobody has accessed yet has failed. */
static bool is_sent(const siginfo_t *info)
{
    return info->si_code <= 0 || info->si_code == BUS_MCEERR_AO;
}

/* A fault happens again when we return; what was sent does not. */
static void end_process(bool sent)
{
    restore_default();
    if (sent)
        sys_raise(SIGBUS);
}

/* As the kernel would have called it: its mask is ours. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    const struct sigaction *before = &action.before;

    if (before->sa_flags & SA_RESETHAND)
        restore_default();
    if (before->sa_flags & SA_SIGINFO)
        before->sa_sigaction(number, info, context);
    else
        before->sa_handler(number);
}

static void on_bus(int number, siginfo_t *info, void *context)
{
    bool sent = is_sent(info);

    if (info->si_code == BUS_ADRERR || info->si_code == BUS_MCEERR_AR)
        loam_map_fault(info->si_addr, context);
    if (action.before.sa_handler == SIG_DFL || (action.before.sa_handler == SIG_IGN && !sent))
        end_process(sent);
    else if (action.before.sa_handler != SIG_IGN)
        pass_on(number, info, context);
}

/* By libc's function: it knows what the kernel wants of a handler's return. */
static void take_action(void)
{
    struct sigaction ours = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    sigaction(SIGBUS, NULL, &action.before);
    ours.sa_mask = action.before.sa_mask;
    ours.sa_flags |= action.before.sa_flags & (SA_NODEFER | SA_RESTART);
    sigaction(SIGBUS, &ours, NULL);
    __atomic_store_n(&action.taken, true, __ATOMIC_RELEASE);
}

/* --- access --- */

PUBLIC int loam_map_try(const struct loam_map *map, int (*body)(void *argument), void *argument, int *result)
{
    struct guard guard;

    if (UNLIKELY(!__atomic_load_n(&action.taken, __ATOMIC_ACQUIRE)))
        pthread_once(&action.once, take_action);
    guard.outer = innermost;
    guard.map = map;
    if (sigsetjmp(guard.jump, 0)) {
        uintptr_t page = align_down(guard.fault, sys_page_size());
        return fault_reason(map, map_offset_of(map, page), 1);
    }
    innermost = &guard;
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* the handler sees it before body begins */
    int value = body(argument);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    innermost = guard.outer;
    if (result)
        *result = value;
    return 0;
}

struct copy {
    char *to;
    const char *from;
    uintptr_t mapped; /* that of the two which is the map's */
    size_t size;
    volatile size_t done; /* what a jump leaves must be right */
};

/* From where it has come to; page by page, since it is not known in which order memcpy accesses what it copies. */
static int copy_pages(void *argument)
{
    struct copy *copy = argument;

    for (size_t done = copy->done; done < copy->size; copy->done = done) {
        size_t n = min_size(copy->size - done, PAGE_SIZE - (copy->mapped + done) % PAGE_SIZE);
        __asm__("" : "+r"(n)); /* a compiler that knows the bound copies by rep movs, at 3 times the cost */
        memcpy(copy->to + done, copy->from + done, n);
        done += n;
    }
    return 0;
}

/*
 * What failed for no reason that is still there is tried again, once at each place: the file may be long enough again,
 * or its blocks be allocated now, by fault_reason() itself.
 */
static int run_copy(const struct loam_map *map, struct copy *copy, size_t *done)
{
    size_t failed_at = SIZE_MAX;
    int error;

    while ((error = loam_map_try(map, copy_pages, copy, NULL)) == -EIO && copy->done != failed_at)
        failed_at = copy->done;
    if (done)
        *done = copy->done;
    return error;
}

PUBLIC int loam_map_read(const struct loam_map *map, size_t offset, void *buffer, size_t size, size_t *done)
{
    if (!map_holds(map, offset, size))
        return -EINVAL;
    const char *from = (const char *)map->data + offset;
    struct copy copy = {buffer, from, (uintptr_t)from, size, 0};
    return run_copy(map, &copy, done);
}

PUBLIC int loam_map_write(const struct loam_map *map, size_t offset, const void *buffer, size_t size, size_t *done)
{
    bool stores = !map->descriptor || (map->flags & (LOAM_MAP_WRITE | LOAM_MAP_COPY));

    if (!map_holds(map, offset, size))
        return -EINVAL;
    if (!stores)
        return -EACCES;
    char *to = (char *)map->data + offset;
    struct copy copy = {to, buffer, (uintptr_t)to, size, 0};
    return run_copy(map, &copy, done);
}
