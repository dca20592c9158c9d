/*
 * meta.c - see meta.h.
 *
 * Blocks of 256 KiB, filled from the bottom; untouched pages cost nothing.
 * Locking: one lock, held for a few instructions or one mmap; the range lock may be taken under it.
 */
#include "range/meta.h"

#include "range/range.h"
#include "sys/sys.h"

#include <string.h>

#define BLOCK_SIZE (256 * KIB)

static struct {
    struct lock lock;
    unsigned char *next;
    size_t left;
} block;

/* Between two guard pages; NULL where the kernel has no more. */
static void *map(size_t size)
{
    intptr_t address = sys_reserve(size + 2 * PAGE_SIZE);

    if (address < 0)
        return NULL;
    unsigned char *inner = (unsigned char *)address + PAGE_SIZE;
    if (sys_protect_rw(inner, size) < 0) {
        sys_unmap((void *)address, size + 2 * PAGE_SIZE);
        return NULL;
    }
    range_lock_more(inner, size);
    __atomic_fetch_add(&ranges.metadata_bytes, size, __ATOMIC_RELAXED);
    return inner;
}

/* Where the kernel has no more for anyone, the range may still have idle memory: slices without guards, but memory. */
static void *from_range(size_t size)
{
    struct run run;

    if (range_take(align_up(size, SLICE_SIZE) / SLICE_SIZE, 1, &run) < 0)
        return NULL;
    void *slices = range_address(run.range, run.slice);
    return run.clean ? slices : memset(slices, 0, size);
}

void *meta_map(size_t size)
{
    void *mapping = map(size);
    return mapping ? mapping : from_range(size);
}

/* Each block begins with the address of the one before it: so who reads the process knows them all. */
static bool refill(void)
{
    unsigned char *fresh = map(BLOCK_SIZE), *start = fresh ? fresh : from_range(SLICE_SIZE);

    block.left = 0;
    if (!start)
        return false;
    memcpy(start, &ranges.meta_blocks, sizeof(ranges.meta_blocks));
    __atomic_store_n(&ranges.meta_blocks, start, __ATOMIC_RELEASE);
    block.next = start + CACHE_LINE;
    block.left = (fresh ? BLOCK_SIZE : SLICE_SIZE) - CACHE_LINE;
    return true;
}

void *meta_take(size_t size)
{
    unsigned char *taken = NULL;

    size = align_up(size, CACHE_LINE);
    lock_take(&block.lock);
    if (size <= block.left || refill()) {
        taken = block.next;
        block.next += size;
        block.left -= size;
    }
    lock_give(&block.lock);
    return taken;
}

void meta_lock(void)
{
    lock_take(&block.lock);
}

void meta_unlock(void)
{
    lock_give(&block.lock);
}

void meta_lock_init(void)
{
    lock_init(&block.lock);
}
