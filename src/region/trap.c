/*
 * trap.c - allocations of regions that fault when they are used after their release, or past their end.
 *
 *     | head ... | ... piece | guard |
 *
 * A released mapping gives its memory back and keeps its addresses, so that nothing else gets them, until
 * as many others have been released as the ring holds.
 *
 * A piece takes two mappings, of which the kernel gives a process 65,530. So there are only so many at once, and what
 * is allocated beyond is not trapped: a program must not fail for being a debug build.
 *
 * Locking: none. A slot of the ring belongs to the thread that drew its number; what it takes out by one exchange is
 * its own to unmap.
 */
#include "region/block.h"

#include "sys/memory.h"
#include "sys/sys.h"

enum { RELEASED = 4096, LIVE_MOST = 16384, PAGES_BITS = 24 };

static struct {
    ATOMIC bool wanted;
    ATOMIC size_t live;             /* pieces */
    ATOMIC size_t count;            /* of those released */
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

/* Room for a piece, with a guard page after it; NULL if there are too many. */
static struct loam_region_block *map_block(size_t inside)
{
    size_t page = sys_page_size();

    if (__atomic_fetch_add(&trap.live, 1, __ATOMIC_RELAXED) < LIVE_MOST) {
        intptr_t start = sys_map(inside + page);
        if (start >= 0 && sys_protect_none((void *)(start + (intptr_t)inside), page) == 0) {
            struct loam_region_block *block = (struct loam_region_block *)start;
            *block = (struct loam_region_block){.size = inside, .trap = inside + page};
            return block;
        }
        if (start >= 0)
            sys_unmap((void *)start, inside + page);
    }
    __atomic_fetch_sub(&trap.live, 1, __ATOMIC_RELAXED);
    return NULL;
}

void *trap_alloc(struct loam_region *region, size_t size, size_t alignment)
{
    size_t used = align_up(size, max_size(alignment, 16));
    size_t slack = alignment > PAGE_SIZE ? alignment : 0;
    size_t inside = align_up(sizeof(struct loam_region_block) + used + slack, sys_page_size());
    struct loam_region_block *block = map_block(inside);

    if (!block)
        return NULL;
    uintptr_t data = align_down((uintptr_t)block + inside - used, alignment);
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

    __atomic_fetch_sub(&trap.live, 1, __ATOMIC_RELAXED);
    if (pages > low_bits(PAGES_BITS) || sys_reserve_at(block, size) < 0) {
        sys_unmap(block, size);
        return;
    }
    size_t slot = __atomic_fetch_add(&trap.count, 1, __ATOMIC_RELAXED) % RELEASED;
    uint64_t entry = (uint64_t)((uintptr_t)block / PAGE_SIZE) << PAGES_BITS | pages;
    unmap(__atomic_exchange_n(&trap.ring[slot], entry, __ATOMIC_ACQ_REL));
}
