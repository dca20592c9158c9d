/*
 * large.c - blocks that are runs of slices.
 *
 * The head's state makes the run a block, in one store; before that, and again when it is freed, the run is claimed.
 * What has been left half done is told by the head: CLAIMED, and the run is freed; LARGE, and what is still
 * claimed behind it becomes its body.
 */
#include "shared/shared.h"

#include <errno.h>

void *large_alloc(struct loam_shared *heap, size_t size)
{
    uint64_t count = divide_up(size, SLICE);

    if (size > heap->slices * SLICE) {
        errno = ENOMEM;
        return NULL;
    }
    int64_t first = slices_claim(heap, count);
    if (first < 0) {
        errno = (int)-first;
        return NULL;
    }
    uint64_t head = (uint64_t)first;
    __atomic_store_n(&record_of(heap, head)->tags[0], (uint16_t)heap->me, __ATOMIC_RELEASE);
    __atomic_store_n(&heap->states[head], state_of(KIND_LARGE, 0, count), __ATOMIC_RELEASE);
    for (uint64_t i = head + 1; i < head + count; i++)
        __atomic_store_n(&heap->states[i], state_of(KIND_BODY, 0, head), __ATOMIC_RELEASE);
    return slice_start(heap, head);
}

void large_free(struct loam_shared *heap, uint64_t slice, uint64_t count)
{
    if (!state_change(heap, slice, state_of(KIND_LARGE, 0, count), state_of(KIND_CLAIMED, heap->me, slice)))
        return; /* damaged: whoever has the tag is the only one to change it */
    slices_undo(heap, slice, count, heap->me);
    heap->free_hint = min_size(heap->free_hint, slice);
}
