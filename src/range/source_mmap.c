/*
 * source_mmap.c - a range of addresses reserved by mmap(2), committed by mprotect(2).
 */
#include "range/range.h"
#include "sys/sys.h"

#include <errno.h>

/* The kernel gives page alignment: reserve a chunk more and drop both ends. */
static intptr_t reserve(size_t *size)
{
    intptr_t raw = sys_reserve(*size + CHUNK_SIZE);

    if (raw < 0)
        return raw;
    uintptr_t base = align_up((uintptr_t)raw, CHUNK_SIZE);
    size_t before = base - (uintptr_t)raw;
    if (before)
        sys_unmap((void *)raw, before); /* a failure leaves addresses reserved, no more */
    sys_unmap((void *)(base + *size), CHUNK_SIZE - before);
    return (intptr_t)base;
}

static intptr_t commit(const struct range *range, size_t size)
{
    size_t from = range->committed;

    if (size > range->size - from)
        return -ENOMEM;
    int error = range_commit((void *)(range->base + from), size, from, range->size - from - size);
    return error ? error : (intptr_t)from;
}

const struct source source_mmap = {.name = "mmap", .reserve = reserve, .commit = commit};
