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

/* Pages of which the last `used` bytes before a guard are aligned, which is the last page at least. */
static struct loam_region_block *map_block(size_t mapped, size_t used, size_t alignment)
{
    intptr_t start = sys_map(mapped);

    if (start < 0)
        return NULL;
    uintptr_t last = (uintptr_t)start + mapped - sys_page_size(), end = align_down(last - used, alignment) + used;
    if (sys_protect_none((void *)end, (uintptr_t)start + mapped - end) < 0) {
        sys_unmap((void *)start, mapped);
        return NULL;
    }
    struct loam_region_block *block = (struct loam_region_block *)start;
    *block = (struct loam_region_block){.size = end - (uintptr_t)start, .trap = mapped};
    return block;
}

/* What is aligned to more than a page ends where a page does, as a guard begins there. */
void *trap_alloc(struct loam_region *region, size_t size, size_t alignment)
{
    size_t page = sys_page_size(), used = align_up(size, min_size(max_size(alignment, 16), page));
    size_t slack = alignment > page ? alignment : 0;
    size_t mapped = align_up(sizeof(struct loam_region_block) + used + slack, page) + page;
    bool is_one_of_few = __atomic_fetch_add(&trap.live, 1, __ATOMIC_RELAXED) < LIVE_MOST;
    struct loam_region_block *block = is_one_of_few ? map_block(mapped, used, alignment) : NULL;

    if (!block) {
        __atomic_fetch_sub(&trap.live, 1, __ATOMIC_RELAXED);
        return NULL;
    }
    block_enter(region, block, region->end);
    region->next = region->end;
    return (void *)(region->end - used);
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
