/*
 * locking.c - see locking.h.
 *
 * By mlockall(2), where nothing limits it. Where something does, that would be dangerous: a mapping past the limit
 * fails, and a stack that grows past it is ended by SIGSEGV; and the addresses that the heap reserves count, though no
 * memory is there. Then the heap alone is locked, as it grows, until the limit is met.
 * Source: mlock(2); Linux, mm/mmap.c, mlock_future_ok().
 */
#include "malloc/locking.h"

#include "base/report.h"
#include "malloc/options.h"
#include "range/range.h"
#include "sys/memory.h"

#include <sys/mman.h>

static const int flags_of[] = {
    [LOCK_HEAP] = 0,
    [LOCK_FUTURE] = MCL_FUTURE,
    [LOCK_ALL] = MCL_CURRENT | MCL_FUTURE,
};

static void tell(const char *format, uint64_t number)
{
    char buffer[256];
    struct text text;

    text_init(&text, buffer, sizeof(buffer));
    text_format(&text, format, number);
    report_write(&text);
}

void locking_start(void)
{
    if (options.lock == LOCK_NONE || options.check)
        return;
    int flags = flags_of[options.lock];
    uint64_t limit = sys_lock_limit();
    if (flags && limit != UINT64_MAX) {
        tell("loam: cannot lock all memory: RLIMIT_MEMLOCK is %u KiB (ulimit -l), and to grow past it would end the "
             "program; the heap alone is locked, as far as that goes.\n",
             limit / KIB);
        flags = 0;
    }
    int error = flags ? sys_lock_all(flags) : 0;
    if (error)
        tell("loam: cannot lock all memory: mlockall fails with error %u; the program runs unlocked.\n",
             (uint64_t)-error);
    else
        range_keep(!flags);
}

void locking_after_fork(void)
{
    if (!ranges.kept)
        return;
    ranges.kept = ranges.locking = false;
    ranges.purging = true;
}
