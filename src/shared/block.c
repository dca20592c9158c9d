/* block.c - blocks in use, by offset; and their end. */
#include "shared/shared.h"

bool block_at(const struct loam_shared *heap, uint64_t offset, struct block *out)
{
    return offset < heap->size && block_find(heap, heap->base + offset, out);
}

void block_free(struct loam_shared *heap, const struct block *block)
{
    if (state_kind(block->state) == KIND_LARGE)
        large_free(heap, block->slice, state_value(block->state));
    else
        slab_free(heap, block);
}
