/*
 * allocator.h - the allocator under test, by the standard names.
 *
 * Include it last. Built plain, the names are libc's own and are answered by whatever allocator the program was
 * started with: libloam.so, glibc's, another. With LOAM_TEST_OWN_NAMES they stand for the loam_* functions of a
 * linked core, and a sanitizer keeps the standard names for itself.
 */
#ifndef LOAM_TEST_ALLOCATOR_H
#define LOAM_TEST_ALLOCATOR_H

#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef LOAM_TEST_OWN_NAMES
#include <loam/malloc.h>
#define malloc             loam_malloc
#define calloc             loam_calloc
#define realloc            loam_realloc
#define reallocarray       loam_reallocarray
#define free               loam_free
#define posix_memalign     loam_posix_memalign
#define aligned_alloc      loam_aligned_alloc
#define memalign           loam_memalign
#define valloc             loam_valloc
#define pvalloc            loam_pvalloc
#define malloc_usable_size loam_malloc_usable_size
#define mallopt            loam_mallopt
#define malloc_trim        loam_malloc_trim
#define malloc_stats       loam_malloc_stats
#define malloc_info        loam_malloc_info
#define mallinfo()         loam_mallinfo()  /* with (): */
#define mallinfo2()        loam_mallinfo2() /* structures have these names, too */
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What some allocators do not have: NULL where it is missing. Set before main(). */
struct optional_functions {
    int (*heap_validate)(void);
    void (*free_sized)(void *pointer, size_t size);
    void (*free_aligned_sized)(void *pointer, size_t alignment, size_t size);
    int (*brk)(void *end);
    void *(*sbrk)(intptr_t increment);
};
extern struct optional_functions optional;

/* Is it loam that answers? */
bool on_loam(void);

/* Was loam started with `option` among its LOAM_OPTIONS? */
bool loam_has_option(const char *option);

/* The number of faults in loam's structures; 0 where another allocator answers. */
int heap_validate(void);

/* May resident memory be asserted? A sanitizer's own memory would be counted with the heap's. */
extern const bool resident_is_the_heaps;

/* `pointer` or `size` as it is, but so that no compiler knows: tests do on purpose what compilers warn of. */
static inline void *opaque(const void *pointer)
{
    __asm__ volatile("" : "+r"(pointer) : : "memory");
    return (void *)(uintptr_t)pointer;
}

static inline size_t opaque_size(size_t size)
{
    __asm__ volatile("" : "+r"(size));
    return size;
}

#ifdef __cplusplus
}
#endif

#endif
