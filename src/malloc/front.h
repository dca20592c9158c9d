/*
 * front.h - the fast paths of malloc and free, and the functions behind every name.
 *
 * malloc: size -> class (one load), class -> magazine, pop. free: address -> map entry (one load) -> class; the offset
 * in the slab must be an object's start (one multiplication); push. Whose the slab is matters for the smallest objects
 * only, so that no branch depends on it. Everything else goes the slow way.
 */
#ifndef LOAM_MALLOC_FRONT_H
#define LOAM_MALLOC_FRONT_H

#include "heap/heap.h"
#include "sample/sample.h"

#include <stdio.h>

void *front_malloc_slow(size_t size, enum routine routine);
void front_free_slow(void *ptr, enum routine routine);

void *front_calloc(size_t count, size_t size);
void *front_realloc(void *ptr, size_t size);
void *front_reallocarray(void *ptr, size_t count, size_t size);

/* `align` is a power of two. NULL with errno. */
void *front_aligned(size_t align, size_t size, enum routine routine);

int front_posix_memalign(void **out, size_t align, size_t size);
void *front_memalign(size_t align, size_t size);
void *front_valloc(size_t size);
void *front_pvalloc(size_t size);
size_t front_usable_size(void *ptr);

/* `size` and `align`: 0 when they are not said. */
void front_free_sized(void *ptr, size_t align, size_t size, enum routine routine);

/* An object of a class from its magazine; NULL when that is empty. */
INLINE void *front_pop(unsigned class)
{
    struct magazine *magazine = &heap_thread.face->magazines[class];
    void *object = magazine->top[-1];

    if (LIKELY(object != NULL))
        magazine->top--;
    return object;
}

INLINE void *front_take(size_t size, enum routine routine)
{
    void *object = NULL;

    if (LIKELY(size <= SMALL_MAX))
        object = front_pop(class_of_small(size));
    else if (size <= SLAB_MAX)
        object = front_pop(class_of(size));
    return LIKELY(object != NULL) ? object : front_malloc_slow(size, routine);
}

/* The routine is a constant: only the slow way looks at it. */
INLINE void *front_malloc_as(size_t size, enum routine routine)
{
    return sample_is_due(size) ? front_malloc_slow(size, routine) : front_take(size, routine);
}

INLINE void *front_malloc(size_t size)
{
    return front_malloc_as(size, ROUTINE_MALLOC);
}

/*
 * The magazine that an object goes into; NULL for whatever is not the start of one, and for one of a draining slab or
 * of another heap's that goes into an outbound magazine. An entry of 0 reads as one of the latter.
 */
INLINE struct magazine *front_magazine(const void *ptr)
{
    struct heap *heap = heap_thread.face;
    size_t offset;

    if (UNLIKELY(!range_first(ptr, &offset)))
        return NULL;
    uint16_t entry = range_entry(&ranges.list[0], offset >> SLICE_SHIFT);
    size_t class = entry_magazine(entry);
    if (UNLIKELY(class >= CLASS_COUNT))
        return NULL;
    if (LIKELY(class < OUTBOUND_CLASSES) && UNLIKELY((entry ^ heap->tag) != class)) /* who has tiny ones has many */
        return NULL;
    struct magazine *magazine = &heap->magazines[class];
    bool start = (offset & magazine->mask) * magazine->inverse < magazine->inverse;
    return LIKELY(start) ? magazine : NULL;
}

/*
 * Nothing here reads the object, but its first line is fetched. The object will be among the next that are allocated;
 * and where the program reads it right before the call, at an address that it still waits for, the processor gets here
 * by speculation, and the line is on its way meanwhile.
 */
INLINE void front_free_as(void *ptr, enum routine routine)
{
    __builtin_prefetch(ptr);
    struct magazine *magazine = front_magazine(ptr);

    if (UNLIKELY(!magazine || magazine->top == magazine->end || magazine->top[-1] == ptr)) {
        front_free_slow(ptr, routine);
        return;
    }
    *magazine->top++ = ptr;
}

INLINE void front_free(void *ptr)
{
    front_free_as(ptr, ROUTINE_MALLOC);
}

#endif
