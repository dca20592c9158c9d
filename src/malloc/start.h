/*
 * start.h - when the heap starts, and how threads come to it and go.
 */
#ifndef LOAM_MALLOC_START_H
#define LOAM_MALLOC_START_H

#include "heap/heap.h"

/*
 * The calling thread's heap, started and acquired as needed; NULL when there is no memory. Each enter is
 * followed by a leave: a thread past its end borrows a heap for the one call.
 */
struct heap *heap_enter_slow(void);
void heap_leave_slow(struct heap *heap);

/* Let the thread's fast paths be used, or not: after a change of observers. */
void heap_set_face(void);

INLINE struct heap *heap_enter(void)
{
    struct heap *heap = heap_thread.heap;
    return LIKELY(heap != NULL) ? heap : heap_enter_slow();
}

INLINE void heap_leave(struct heap *heap)
{
    if (UNLIKELY(heap != heap_thread.heap))
        heap_leave_slow(heap);
}

#endif
