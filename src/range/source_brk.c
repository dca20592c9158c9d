/*
 * source_brk.c - a range that grows with the program break, brk(2).
 *
 * The break belongs to the whole process. The kernel is asked where it is each time, and what others
 * took since stays theirs: it becomes a gap in the range, whose slices are never free.
 *
 * Locking: the range lock, which loam_brk() takes as well. Who calls brk(2) without either
 * can race; the kernel then hands the same addresses to both, as it does to any two users.
 */
#include "range/range.h"
#include "sys/sys.h"

#include <errno.h>

static intptr_t reserve(size_t *size)
{
    (void)size; /* as far as the kernel lets the break rise */
    uintptr_t now = sys_brk(0);
    return now ? (intptr_t)align_up(now, CHUNK_SIZE) : -ENOMEM;
}

static intptr_t commit(const struct range *range, size_t size)
{
    uintptr_t top = range->base + range->committed;
    uintptr_t now = sys_brk(0);
    uintptr_t from = now > top ? align_up(now, CHUNK_SIZE) : top;

    CHECK(range->committed == 0 || now >= top); /* nobody lowered it under us */
    if (from - range->base > range->size || size > range->size - (from - range->base))
        return -ENOMEM;
    if (sys_brk(from + size) != from + size)
        return -ENOMEM;
    return (intptr_t)(from - range->base);
}

const struct source source_brk = {.name = "brk", .reserve = reserve, .commit = commit};
