/*
 * symbols.c - the standard names. A program that is linked with this file, or started with it
 * preloaded, runs on this heap.
 */
#include "malloc/front.h"
#include "malloc/summary.h"
#include "sample/check.h"
#include "sample/trap.h"

#include <loam/brk.h>
#include <loam/malloc.h>
#include <sys/syscall.h>
#include <unistd.h>

PUBLIC void *malloc(size_t size)
{
    return front_malloc(size);
}

PUBLIC void free(void *ptr)
{
    front_free(ptr);
}

PUBLIC void cfree(void *ptr)
{
    front_free(ptr);
}

PUBLIC void *calloc(size_t count, size_t size)
{
    return front_calloc(count, size);
}

PUBLIC void *realloc(void *ptr, size_t size)
{
    return front_realloc(ptr, size);
}

PUBLIC void *reallocarray(void *ptr, size_t count, size_t size)
{
    return front_reallocarray(ptr, count, size);
}

PUBLIC void free_sized(void *ptr, size_t size)
{
    front_free_sized(ptr, 0, size, ROUTINE_MALLOC);
}

PUBLIC void free_aligned_sized(void *ptr, size_t alignment, size_t size)
{
    front_free_sized(ptr, alignment, size, ROUTINE_MALLOC);
}

PUBLIC int posix_memalign(void **out, size_t alignment, size_t size)
{
    return front_posix_memalign(out, alignment, size);
}

PUBLIC void *aligned_alloc(size_t alignment, size_t size)
{
    return front_memalign(alignment, size);
}

PUBLIC void *memalign(size_t alignment, size_t size)
{
    return front_memalign(alignment, size);
}

PUBLIC void *valloc(size_t size)
{
    return front_valloc(size);
}

PUBLIC void *pvalloc(size_t size)
{
    return front_pvalloc(size);
}

PUBLIC size_t malloc_usable_size(void *ptr)
{
    return front_usable_size(ptr);
}

PUBLIC struct mallinfo mallinfo(void)
{
    return loam_mallinfo();
}

PUBLIC struct mallinfo2 mallinfo2(void)
{
    return loam_mallinfo2();
}

PUBLIC int mallopt(int parameter, int value)
{
    return loam_mallopt(parameter, value);
}

PUBLIC int malloc_trim(size_t pad)
{
    return loam_malloc_trim(pad);
}

PUBLIC void malloc_stats(void)
{
    loam_malloc_stats();
}

PUBLIC int malloc_info(int options, FILE *stream)
{
    return loam_malloc_info(options, stream);
}

/* A program's handler of faults comes after ours, see trap.h. */
PUBLIC int sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
    return trap_sigaction(number, action, before);
}

/* As in BSD: system calls are restarted, and the handler stays. */
PUBLIC sighandler_t signal(int number, sighandler_t handler)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, before;

    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, number);
    return trap_sigaction(number, &action, &before) < 0 ? SIG_ERR : before.sa_handler;
}

/* The C library remembers the break by itself; with another user of it, that would be wrong. */
PUBLIC int brk(void *end)
{
    return loam_brk(end);
}

PUBLIC void *sbrk(intptr_t increment)
{
    return loam_sbrk(increment);
}

/* The end of a process that runs no destructors is looked at, and leaves its record, as well; vfork's child is not one.
 */
static _Noreturn void end_now(int status)
{
    check_end();
    summary_write();
    for (;;)
        syscall(SYS_exit_group, status);
}

PUBLIC _Noreturn void _exit(int status)
{
    end_now(status);
}

PUBLIC _Noreturn void _Exit(int status)
{
    end_now(status);
}
