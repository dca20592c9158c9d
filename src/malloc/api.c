/* api.c - the heap under its own names: loam/malloc.h. */
#include "malloc/front.h"

#include <loam/malloc.h>

PUBLIC void *loam_malloc(size_t size)
{
    return front_malloc(size);
}

PUBLIC void loam_free(void *ptr)
{
    front_free(ptr);
}

PUBLIC void *loam_calloc(size_t count, size_t size)
{
    return front_calloc(count, size);
}

PUBLIC void *loam_realloc(void *ptr, size_t size)
{
    return front_realloc(ptr, size);
}

PUBLIC void *loam_reallocarray(void *ptr, size_t count, size_t size)
{
    return front_reallocarray(ptr, count, size);
}

PUBLIC void loam_free_sized(void *ptr, size_t size)
{
    front_free_sized(ptr, 0, size, ROUTINE_MALLOC);
}

PUBLIC void loam_free_aligned_sized(void *ptr, size_t alignment, size_t size)
{
    front_free_sized(ptr, alignment, size, ROUTINE_MALLOC);
}

PUBLIC int loam_posix_memalign(void **out, size_t alignment, size_t size)
{
    return front_posix_memalign(out, alignment, size);
}

PUBLIC void *loam_aligned_alloc(size_t alignment, size_t size)
{
    return front_memalign(alignment, size);
}

PUBLIC void *loam_memalign(size_t alignment, size_t size)
{
    return front_memalign(alignment, size);
}

PUBLIC void *loam_valloc(size_t size)
{
    return front_valloc(size);
}

PUBLIC void *loam_pvalloc(size_t size)
{
    return front_pvalloc(size);
}

PUBLIC size_t loam_malloc_usable_size(void *ptr)
{
    return front_usable_size(ptr);
}

PUBLIC int loam_heap_validate(void)
{
    return heap_faults();
}
