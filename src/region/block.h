/* block.h - a piece of memory that a region allocates from; and those that trap what uses them after their end. */
#ifndef LOAM_REGION_BLOCK_H
#define LOAM_REGION_BLOCK_H

#include <loam/region.h>

#include "base/base.h"

/* At the start of the memory that it describes. */
struct loam_region_block {
    struct loam_region_block *older;
    uintptr_t left; /* where allocation had come to in the older one */
    size_t size;    /* bytes, this head's included */
    size_t trap;    /* bytes mapped, guard page included; 0 for a block of malloc's */
};

/* Make `block` the one that the region allocates from, and `data` where it begins to. */
INLINE void block_enter(struct loam_region *region, struct loam_region_block *block, uintptr_t data)
{
    block->older = region->block;
    block->left = region->next;
    region->block = block;
    region->next = data;
    region->end = (uintptr_t)block + block->size;
}

/* Whether allocations are to be trapped. */
HIDDEN bool trap_wanted(void);

/* Allocate `size` bytes as a block of their own, whose end is a guard page. NULL if there can be no more of them. */
HIDDEN void *trap_alloc(struct loam_region *region, size_t size, size_t alignment);

/* The block must not be accessed any more. */
HIDDEN void trap_release(struct loam_region_block *block);

#endif
