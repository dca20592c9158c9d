/*
 * prepare.c - bring in the memory that a program with deadlines will use, and lock it.
 *
 * The stack and the heap grow first, and are locked then, which brings them in: past the limit mlockall(2) fails, while
 * a locked stack that grows past it is ended by SIGSEGV.
 * Source: mlock(2), "Real-time processes"; getrlimit(2), RLIMIT_STACK.
 */
#include <loam/lock.h>

#include "sys/keep.h"
#include "sys/maps.h"
#include "sys/memory.h"
#include "sys/sys.h"

#include <alloca.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { FRAMES = 16384 }; /* bytes of stack that are left for our own calls, and for the kernel's guard */

/* Bytes of the process's first stack below an address in it, down to its limit or what is mapped there; 0 for another.
 */
static size_t first_stack_left(uintptr_t here)
{
    struct maps maps;
    struct mapping mapping;
    uintptr_t below = 0;
    bool found = false;

    if (maps_open(&maps, "/proc/self/maps") < 0)
        return 0;
    while (!found && maps_next(&maps, &mapping)) {
        found = here < mapping.end;
        below = found ? below : mapping.end;
    }
    maps_close(&maps);
    if (!found || here < mapping.start || strcmp(mapping.path, "[stack]") != 0)
        return 0;
    uintptr_t lowest = mapping.end - min_size(sys_limit(RLIMIT_STACK), mapping.end);
    return here - min_size(max_size(lowest, below), mapping.start);
}

/*
 * Bytes of the thread's stack below here; 0 where that is not known, or for another stack, as of a coroutine. Of the
 * first thread's, musl tells as much as has been used.
 */
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
    if (error || left > size)
        return 0;
    return sys_thread() == sys_pid() ? max_size(left, first_stack_left(here)) : left;
}

/* The lowest byte is enough to have a stack grow to there. */
static NOINLINE void grow_stack(size_t size)
{
    volatile unsigned char *lowest = alloca(size + 1);

    *lowest = 0;
}

static int grow_heap(size_t size)
{
    if (!size)
        return 0;
    sys_keep_freed();
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
