/* brk.c - see loam/brk.h. The heap's part of the break is what its range has committed, if it grows by brk(2). */
#include <loam/brk.h>

#include "range/range.h"
#include "sys/sys.h"

#include <errno.h>

/* The end of what the heap holds of the break; 0 for nothing. */
static uintptr_t heap_end(void)
{
    const struct range *range = &ranges.list[0];

    if (!ranges.count || range->source != &source_brk || !range->committed)
        return 0;
    return range->base + range->committed;
}

/* The lock is held. */
static bool set_break(uintptr_t end)
{
    return end >= heap_end() && sys_brk(end) == end;
}

PUBLIC int loam_brk(void *end)
{
    lock_take(&ranges.lock);
    bool done = set_break((uintptr_t)end);
    lock_give(&ranges.lock);
    if (done)
        return 0;
    errno = ENOMEM;
    return -1;
}

PUBLIC void *loam_sbrk(intptr_t increment)
{
    lock_take(&ranges.lock);
    uintptr_t now = sys_brk(0);
    bool wraps = increment < 0 ? (uintptr_t)-increment > now : now + (uintptr_t)increment < now;
    bool done = !wraps && (increment == 0 || set_break(now + (uintptr_t)increment));
    lock_give(&ranges.lock);
    if (done)
        return (void *)now;
    errno = ENOMEM;
    return (void *)-1;
}
