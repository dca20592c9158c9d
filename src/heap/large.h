/*
 * large.h - objects above the largest class: a run of slices each.
 *
 * Thread-safe; the object itself must be the caller's.
 */
#ifndef LOAM_HEAP_LARGE_H
#define LOAM_HEAP_LARGE_H

#include "heap/heap.h"
#include "heap/object.h"

/* Runs from which pages are moved rather than bytes copied are at least this large. */
#define MOVE_MIN (256 * KIB)

/* What has grown will often grow again; of large objects, addresses past the end cost nothing until touched. */
enum { HEADROOM_SHIFT = 3 }; /* an eighth */

/*
 * Allocate `size` bytes at a multiple of `align` (a power of two). *clean tells whether they
 * read as zeroes. NULL when there is no memory.
 */
void *large_take(struct heap *heap, size_t size, size_t align, bool *clean);

/* Free; `heap` is the thread's, or NULL. False when another thread has freed it first. */
bool large_give(struct heap *heap, const struct object *object);

/* Change the size in place. False when it cannot be; nothing is changed then. */
bool large_resize(const struct object *object, size_t size);

/* Move the contents of a run to another by its page tables; `from` can only be freed then. As range_move_pages(). */
int large_move_pages(const struct object *from, const struct object *to, size_t size);

#endif
