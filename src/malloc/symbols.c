/*
 * symbols.c - the standard names. A program that is linked with this file, or started with it
 * preloaded, runs on this heap.
 */
#include "malloc/front.h"
#include "malloc/summary.h"

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
    front_free_sized(ptr, size);
}

PUBLIC void free_aligned_sized(void *ptr, size_t alignment, size_t size)
{
    front_free_aligned_sized(ptr, alignment, size);
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

/* The C library remembers the break by itself; with another user of it, that would be wrong. */
PUBLIC int brk(void *end)
{
    return loam_brk(end);
}

PUBLIC void *sbrk(intptr_t increment)
{
    return loam_sbrk(increment);
}

/* The end of a process that runs no destructors leaves its record as well; vfork's child is not one. */
static _Noreturn void end_now(int status)
{
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
