/*
 * loam/malloc.h - the heap under its own names.
 *
 * Every function behaves as its namesake of malloc(3), malloc_usable_size(3), mallinfo(3),
 * mallopt(3), malloc_trim(3), malloc_stats(3), malloc_info(3), POSIX and C23 say, with the
 * choices that those leave open made as glibc makes them. All are thread-safe; none is
 * async-signal-safe. libloam.so also defines the standard names.
 */
#ifndef LOAM_MALLOC_H
#define LOAM_MALLOC_H

#include <malloc.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Allocate `size` bytes; a size of 0 gives a unique pointer that can be freed. The memory is aligned
 * to 16 bytes, or to 8 for sizes of 8 and less. Returns NULL with ENOMEM when memory is
 * exhausted or `size` is above PTRDIFF_MAX.
 */
void *loam_malloc(size_t size);

/* As loam_malloc(count * size), zeroed; an overflowing product gives NULL with ENOMEM. */
void *loam_calloc(size_t count, size_t size);

/*
 * Resize `ptr` to `size` bytes, moving it where needed; NULL as `ptr` allocates. A size of 0
 * frees `ptr` and returns NULL. On failure: NULL with ENOMEM, and `ptr` stays as it was.
 */
void *loam_realloc(void *ptr, size_t size);

/* As loam_realloc(ptr, count * size); an overflowing product gives NULL with ENOMEM. */
void *loam_reallocarray(void *ptr, size_t count, size_t size);

/* Free `ptr`; NULL is ignored. errno is untouched. A pointer that is not an object's start stops the process. */
void loam_free(void *ptr);

/* Free an object whose requested size (and alignment) is known (C23, 7.24.3). `hardened` checks it. */
void loam_free_sized(void *ptr, size_t size);
void loam_free_aligned_sized(void *ptr, size_t alignment, size_t size);

/*
 * Allocate with an alignment that is a power of two, of up to 1 GiB. posix_memalign returns 0, EINVAL (not a power
 * of two, or not a multiple of sizeof(void *)) or ENOMEM, and leaves *out untouched on error; the others return NULL
 * with errno.
 */
int loam_posix_memalign(void **out, size_t alignment, size_t size);
void *loam_aligned_alloc(size_t alignment, size_t size);
void *loam_memalign(size_t alignment, size_t size);
void *loam_valloc(size_t size);
void *loam_pvalloc(size_t size);

/* The number of bytes that can be used at `ptr`, at least as many as were asked for; 0 for NULL. */
size_t loam_malloc_usable_size(void *ptr);

/* The figures of the whole heap, in bytes. */
struct mallinfo loam_mallinfo(void);
struct mallinfo2 loam_mallinfo2(void);

/* Set M_TRIM_THRESHOLD or M_PERTURB. Returns 1 when it was set, 0 when the parameter has no meaning here. */
int loam_mallopt(int parameter, int value);

/* Give idle memory back to the kernel, but for `pad` bytes. Returns 1 when some was given back, else 0. */
int loam_malloc_trim(size_t pad);

/* Print the figures of the heap to stderr. */
void loam_malloc_stats(void);

/* Write the state of the heap to `stream` as XML. `options` must be 0. Returns 0, or -1 with EINVAL. */
int loam_malloc_info(int options, FILE *stream);

/*
 * Check every structure of the heap against every other. Returns 0 when all agree, else the
 * number of faults, each told on stderr. Other threads must not allocate meanwhile.
 */
int loam_heap_validate(void);

#ifdef __cplusplus
}
#endif

#endif
