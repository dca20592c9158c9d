/*
 * range.c - see range.h.
 *
 * All secrets lie in one range of addresses, reserved once. What the kernel is told of it, to leave it out of core
 * files and to empty it in a child, it is told once, while the range is one mapping; to change the protection of a part
 * keeps that. What is known of a chunk is in an array beside, so nothing that lies in the memory of secrets is trusted.
 *
 * The first chunk is never used: its first page holds a word that is not 0, but in a child that has just been forked.
 *
 * Runs are taken where the last one ended, and round again at the end: what is freed stays inaccessible for as long as
 * there are other addresses.
 *
 * Invariant: a free chunk is inaccessible and has no memory.
 * Locking:   range_lock.
 * Source:    madvise(2), MADV_DONTDUMP and MADV_WIPEONFORK.
 */
#include "secret/range.h"

#include "sys/memory.h"
#include "sys/sys.h"

#include <errno.h>
#include <sys/mman.h>

struct range range;
struct lock range_lock;

static const size_t range_most = GIB, range_least = MIB;

unsigned range_advise(void *address, size_t size)
{
    unsigned lost = 0;

    if (sys_advise(address, size, MADV_DONTDUMP) < 0)
        lost |= LOAM_SECRET_LOST_DUMP;
    if (sys_advise(address, size, MADV_WIPEONFORK) < 0)
        lost |= LOAM_SECRET_LOST_FORK;
    return lost;
}

bool range_fill(void *address, size_t size)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;

    return sys_map_file(address, size, PROT_NONE, flags, -1, 0) == (intptr_t)address;
}

int range_reserve(void)
{
    size_t size = range_most;
    intptr_t base = 0;

    if (range.base)
        return 0;
    while ((base = sys_reserve(size)) < 0)
        if ((size /= 2) < range_least)
            return -ENOMEM;
    size_t count = size / CHUNK_SIZE;
    intptr_t chunks = sys_map(count * sizeof(struct chunk));
    unsigned lost = range_advise((void *)base, size);
    if (chunks < 0 || sys_protect_rw((void *)base, PAGE_SIZE) < 0) {
        if (chunks >= 0)
            sys_unmap((void *)chunks, count * sizeof(struct chunk));
        sys_unmap((void *)base, size);
        return -ENOMEM;
    }
    range.chunks = (struct chunk *)chunks;
    range.chunks[0].span = 1;
    range.count = count;
    range.used = range.cursor = 1;
    range.lost = lost;
    range.marker = (ATOMIC uint32_t *)base;
    range.process = sys_pid();
    *range.marker = 1;
    __atomic_store_n(&range.base, (uintptr_t)base, __ATOMIC_SEQ_CST);
    return 0;
}

/* The first of `span` free chunks that begin in [from, to); 0 for none. */
static size_t find(size_t from, size_t to, size_t span)
{
    size_t end = min_size(to + span - 1, range.count), free = 0;

    for (size_t i = from; i < end; i++) {
        const struct chunk *chunk = &range.chunks[i];
        free = chunk->span || chunk->back ? 0 : free + 1;
        if (free == span)
            return i + 1 - span;
    }
    return 0;
}

struct chunk *range_take(size_t span)
{
    if (span >= range.count)
        return NULL;
    size_t first = find(range.cursor, range.count, span);
    if (!first)
        first = find(1, range.cursor, span);
    if (!first)
        return NULL;
    struct chunk *head = &range.chunks[first];
    for (size_t i = 0; i < span; i++)
        head[i] = (struct chunk){.back = (uint32_t)i};
    head->span = (uint32_t)span;
    range.cursor = first + span;
    __atomic_store_n(&range.used, max_size(range.used, range.cursor), __ATOMIC_SEQ_CST);
    return head;
}

void range_give(struct chunk *head)
{
    for (size_t i = head->span; i-- > 0;)
        head[i] = (struct chunk){0};
}
