/*
 * prepare.c - bring in the memory that a program with deadlines will use, and lock it.
 *
 * The stack and the heap grow first, and are locked then, which brings them in: past the limit mlockall(2) fails, while
 * a locked stack that grows past it is ended by SIGSEGV.
 * Source: mlock(2), "Real-time processes"; mallopt(3).
 */
#include <loam/lock.h>

#include "base/base.h"

#include <alloca.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

enum { FRAMES = 16384 }; /* bytes of stack that are left for our own calls, and for the kernel's guard */

/* Bytes of the thread's stack below here; 0 where that is not known, or for another stack, as of a coroutine. */
static size_t stack_left(void)
{
    pthread_attr_t attributes;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    void *lowest = NULL;
    size_t size = 0;

    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return 0;
    int error = pthread_attr_getstack(&attributes, &lowest, &size);
    pthread_attr_destroy(&attributes);
    size_t left = here - (uintptr_t)lowest;
    return error || left > size ? 0 : left;
}

/* The lowest byte is enough to have a stack grow to there. */
static NOINLINE void grow_stack(size_t size)
{
    volatile unsigned char *lowest = alloca(size + 1);

    *lowest = 0;
}

/* On a heap that does not know a parameter, it has no effect. */
static void keep_freed_memory(void)
{
    mallopt(M_TRIM_THRESHOLD, -1);
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_ARENA_MAX, 1);
}

static int grow_heap(size_t size)
{
    if (!size)
        return 0;
    keep_freed_memory();
    void *heap = malloc(size);
    if (!heap)
        return -ENOMEM;
    free(heap);
    return 0;
}

PUBLIC int loam_lock_prepare(size_t heap, size_t stack)
{
    size_t left = stack_left();

    if (left < FRAMES || stack > left - FRAMES)
        return -ERANGE;
    int error = grow_heap(heap);
    if (error)
        return error;
    grow_stack(stack);
    return loam_lock_all(LOAM_LOCK_NOW | LOAM_LOCK_FUTURE);
}
