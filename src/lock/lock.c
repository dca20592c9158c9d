/*
 * lock.c - ranges that are locked, counted; and the whole process.
 *
 * The kernel keeps one bit per page: two users of a page undo each other's locks. So ranges are kept here, as they were
 * given, and the end of one unlocks only those pages that no other has.
 *
 * Invariant: the list is sorted by start, then by end; no two are the same; each is `longest` bytes at most, so those
 * that can cover an address lie in a stretch of the list that a search finds. The pages of all of them are locked.
 * Locking: the list's; held during mlock(2), or a lock and an unlock of the same page could pass each other.
 * A forked child has no locks, and begins with an empty list.
 */
#include <loam/lock.h>

#include "sys/lock.h"
#include "sys/memory.h"
#include "sys/sys.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

enum { ALL_FLAGS = LOAM_LOCK_NOW | LOAM_LOCK_FUTURE | LOAM_LOCK_ON_FAULT };

static_assert(LOAM_LOCK_NOW == MCL_CURRENT && LOAM_LOCK_FUTURE == MCL_FUTURE && LOAM_LOCK_ON_FAULT == MCL_ONFAULT,
              "flags are passed on");

struct range {
    uintptr_t start, end; /* multiples of the page size */
    size_t count;         /* locks of it */
};

static struct {
    struct lock lock;
    struct range *list;
    size_t count, capacity;
    size_t longest; /* bytes; of all ranges so far */
    bool all;       /* loam_lock_all() holds */
} held;

/* --- fork --- */

static void before_fork(void)
{
    lock_take(&held.lock);
}

static void after_fork_in_parent(void)
{
    lock_give(&held.lock);
}

static void after_fork_in_child(void)
{
    held.count = 0;
    held.all = false;
    lock_init(&held.lock);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static void begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, watch_forks);
    lock_take(&held.lock);
}

/* --- the list --- */

/* The whole pages around the bytes. False for none, or past the end of addresses. */
static bool set_range(const void *start, size_t size, struct range *out)
{
    size_t page = sys_page_size();
    uintptr_t end;

    if (!size || __builtin_add_overflow((uintptr_t)start, size, &end) || end > align_down(UINTPTR_MAX, page))
        return false;
    *out = (struct range){.start = align_down((uintptr_t)start, page), .end = align_up(end, page), .count = 1};
    return true;
}

/* Where the first range is, or would be, that does not lie before (start, end). */
static size_t find(uintptr_t start, uintptr_t end)
{
    size_t low = 0, high = held.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct range *r = &held.list[middle];
        if (r->start < start || (r->start == start && r->end < end))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct range *find_same(const struct range *wanted, size_t *index)
{
    *index = find(wanted->start, wanted->end);
    struct range *found = &held.list[*index];
    return *index < held.count && found->start == wanted->start && found->end == wanted->end ? found : NULL;
}

/* Room for one more. Returns 0 or -ENOMEM. */
static int make_room(void)
{
    size_t old = held.capacity * sizeof(*held.list), size = old ? 2 * old : sys_page_size();

    if (held.count < held.capacity)
        return 0;
    intptr_t list = old ? sys_remap(held.list, old, size) : sys_map(size);
    if (list < 0)
        return (int)list;
    held.list = (struct range *)list;
    held.capacity = size / sizeof(*held.list);
    return 0;
}

static void insert(size_t index, const struct range *range)
{
    for (size_t i = held.count++; i > index; i--)
        held.list[i] = held.list[i - 1];
    held.list[index] = *range;
    held.longest = max_size(held.longest, range->end - range->start);
}

static void remove_at(size_t index)
{
    held.count--;
    for (size_t i = index; i < held.count; i++)
        held.list[i] = held.list[i + 1];
}

/* --- locks --- */

static int unlock_pages(uintptr_t start, uintptr_t end)
{
    return start < end ? sys_unlock((const void *)start, end - start) : 0;
}

/* Unlock those pages of what is no range, or no more, that lie in no other. Returns the first error. */
static int unlock_uncovered(const struct range *range)
{
    uintptr_t at = range->start; /* all before is done */
    int first = 0;

    if (held.all)
        return 0;
    for (size_t i = find(at - min_size(at, held.longest), 0); i < held.count && held.list[i].start < range->end; i++) {
        int error = unlock_pages(at, held.list[i].start);
        first = first ? first : error;
        at = max_size(at, held.list[i].end);
    }
    int error = unlock_pages(at, range->end);
    return first ? first : error;
}

/* The list's lock is held. */
static int add(const struct range *range)
{
    size_t index;
    struct range *same = find_same(range, &index);

    if (same) {
        same->count++;
        return 0;
    }
    int error = make_room();
    if (error)
        return error;
    error = sys_lock((const void *)range->start, range->end - range->start, false);
    if (error)
        unlock_uncovered(range); /* a part may have been locked */
    else
        insert(index, range);
    return error;
}

PUBLIC int loam_lock(const void *start, size_t size)
{
    struct range range;

    if (!set_range(start, size, &range))
        return -EINVAL;
    begin();
    int error = add(&range);
    lock_give(&held.lock);
    return error;
}

static int end(const struct range *range)
{
    size_t index;
    struct range *same = find_same(range, &index);

    if (!same)
        return -EINVAL;
    if (--same->count)
        return 0;
    remove_at(index);
    return unlock_uncovered(range);
}

PUBLIC int loam_unlock(const void *start, size_t size)
{
    struct range range;

    if (!set_range(start, size, &range))
        return -EINVAL;
    begin();
    int error = end(&range);
    lock_give(&held.lock);
    return error;
}

/* --- the whole process --- */

PUBLIC int loam_lock_all(unsigned what)
{
    if (what & ~(unsigned)ALL_FLAGS || !(what & (LOAM_LOCK_NOW | LOAM_LOCK_FUTURE)))
        return -EINVAL;
    begin();
    int error = sys_lock_all((int)what);
    held.all |= !error;
    lock_give(&held.lock);
    return error;
}

/* The kernel has unlocked all. Returns the first error. */
static int lock_again(void)
{
    int first = 0;

    for (size_t i = 0; i < held.count; i++) {
        const struct range *r = &held.list[i];
        int error = sys_lock((const void *)r->start, r->end - r->start, false);
        first = first ? first : error;
    }
    return first;
}

PUBLIC int loam_unlock_all(void)
{
    begin();
    int error = sys_unlock_all();
    if (!error) {
        held.all = false;
        error = lock_again();
    }
    lock_give(&held.lock);
    return error;
}
