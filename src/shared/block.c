/* block.c - blocks in use: whether an address is one, by records that are not trusted. See format.h for the order of
 * reading. */
#include "shared/shared.h"

static bool find_in_slab(struct block *block, size_t within)
{
    uint64_t number = state_value(block->state);

    if (number >= CLASSES)
        return false;
    const struct class *class = &classes[number];
    block->index = (uint32_t)((uint64_t)within * class->inverse >> 32);
    block->size = class->size;
    if (block->index >= class->blocks || (size_t)block->index * class->size != within)
        return false;
    uint32_t w = block->index / WORD_BITS;
    uint64_t bit = 1ull << block->index % WORD_BITS;
    uint64_t returned = __atomic_load_n(&block->record->returned[w], __ATOMIC_ACQUIRE);
    return !(returned & bit) && (__atomic_load_n(&block->record->used[w], __ATOMIC_ACQUIRE) & bit);
}

static bool find_large(const struct loam_shared *heap, struct block *block, size_t within)
{
    uint64_t count = state_value(block->state);

    block->index = 0;
    block->size = count * SLICE;
    return within == 0 && count > 0 && count <= heap->slices - block->slice;
}

bool block_find(const struct loam_shared *heap, const void *address, struct block *out)
{
    uint64_t offset = (uint64_t)((const char *)address - heap->blocks);

    if (offset >= heap->slices * SLICE)
        return false;
    out->slice = offset >> SLICE_SHIFT;
    out->state = state_load(heap, out->slice);
    out->record = record_of(heap, out->slice);
    if (state_kind(out->state) == KIND_SLAB)
        return find_in_slab(out, offset % SLICE);
    return state_kind(out->state) == KIND_LARGE && find_large(heap, out, offset % SLICE);
}

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
