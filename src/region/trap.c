/*
 * trap.c - allocations of regions that fault when they are used after their release, or past their end.
 *
 *     | head ... | ... piece | guard |
 *
 * A released mapping gives its memory back and keeps its addresses, so that nothing else gets them, until
 * as many others have been released as the ring holds.
 *
 * Locking: none. A slot of the ring belongs to the thread that drew its number; what it takes out by one exchange is
 * its own to unmap.
 */
#include "region/block.h"

#include "sys/memory.h"
#include "sys/sys.h"

#include <errno.h>

enum { RELEASED = 4096, PAGES_BITS = 24 };

static struct {
    ATOMIC bool wanted;
    ATOMIC size_t count;
    ATOMIC uint64_t ring[RELEASED]; /* number of the first page, then of pages; 0: none */
} trap;

PUBLIC void loam_region_trap(int on)
{
    __atomic_store_n(&trap.wanted, on != 0, __ATOMIC_RELAXED);
}

bool trap_wanted(void)
{
    return __atomic_load_n(&trap.wanted, __ATOMIC_RELAXED);
}

void *trap_alloc(struct loam_region *region, size_t size, size_t alignment)
{
    size_t used = align_up(size, max_size(alignment, 16));
    size_t inside =
        align_up(sizeof(struct loam_region_block) + used + (alignment > PAGE_SIZE ? alignment : 0), PAGE_SIZE);
    intptr_t start = sys_map(inside + PAGE_SIZE);

    if (start < 0 || sys_protect_none((void *)(start + (intptr_t)inside), PAGE_SIZE) < 0) {
        if (start >= 0)
            sys_unmap((void *)start, inside + PAGE_SIZE);
        errno = ENOMEM;
        return NULL;
    }
    struct loam_region_block *block = (struct loam_region_block *)start;
    uintptr_t data = align_down((uintptr_t)start + inside - used, alignment);
    *block = (struct loam_region_block){.size = inside, .trap = inside + PAGE_SIZE};
    block_enter(region, block, region->end);
    region->next = region->end;
    return (void *)data;
}

static void unmap(uint64_t entry)
{
    if (entry)
        sys_unmap((void *)((entry >> PAGES_BITS) * PAGE_SIZE), (entry & low_bits(PAGES_BITS)) * PAGE_SIZE);
}

void trap_release(struct loam_region_block *block)
{
    size_t size = block->trap, pages = size / PAGE_SIZE;

    if (pages > low_bits(PAGES_BITS) || sys_reserve_at(block, size) < 0) {
        sys_unmap(block, size);
        return;
    }
    size_t slot = __atomic_fetch_add(&trap.count, 1, __ATOMIC_RELAXED) % RELEASED;
    uint64_t entry = (uint64_t)((uintptr_t)block / PAGE_SIZE) << PAGES_BITS | pages;
    unmap(__atomic_exchange_n(&trap.ring[slot], entry, __ATOMIC_ACQ_REL));
}
