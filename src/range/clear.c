/*
 * clear.c - make the memory of a run zeroes, of which the last user may have touched a part.
 *
 * Pages that are in memory are written to. The others are dropped, though most are absent already, for some may lie in
 * swap. That costs far less than to have the kernel find memory for them, which nobody may need.
 * Source: mincore(2); madvise(2), MADV_DONTNEED.
 */
#include "range/range.h"
#include "sys/sys.h"

#include <string.h>

enum { LOOK = 512 }; /* pages that one call tells of */

/* How many pages from `first` on are like it: in memory, or not. */
static size_t alike(const unsigned char *pages, size_t first, size_t count)
{
    size_t end = first + 1;

    while (end < count && !((pages[end] ^ pages[first]) & 1))
        end++;
    return end - first;
}

static void clear_pages(unsigned char *start, const unsigned char *pages, size_t count)
{
    for (size_t i = 0, n; i < count; i += n) {
        n = alike(pages, i, count);
        unsigned char *at = start + i * PAGE_SIZE;
        if ((pages[i] & 1) || sys_purge(at, n * PAGE_SIZE) < 0)
            memset(at, 0, n * PAGE_SIZE);
    }
}

void range_clear(void *start, size_t size)
{
    unsigned char pages[LOOK];
    unsigned char *at = start;

    for (size_t part; size > 0; at += part, size -= part) {
        part = min_size(size, LOOK * PAGE_SIZE);
        if (sys_resident(at, part, pages) < 0)
            memset(at, 0, part);
        else
            clear_pages(at, pages, divide_up(part, PAGE_SIZE));
    }
}
