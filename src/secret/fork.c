/*
 * fork.c - see fork.h.
 *
 * In a child all pages of secrets are zero, and are not locked; hidden ones are not even there. What it inherits are
 * records of secrets that are zeroes, which it may free. It takes the locks again and writes the canaries the first
 * time that it uses a secret's function: one that only calls execve(2) pays nothing. But the holes where hidden
 * pages were are filled at once, before something else is mapped there.
 *
 * Locking: the parent holds range_lock during the fork, so the child's records are whole, unless all has been wiped.
 * Source:  pthread_atfork(3); madvise(2), MADV_WIPEONFORK and MADV_DONTFORK; mlock(2).
 */
#include "secret/fork.h"

#include "secret/chunk.h"
#include "secret/place.h"
#include "sys/memory.h"
#include "sys/sys.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

/* What the pages themselves allow: with a key everything, as the key decides. */
static enum loam_secret_access page_access(const struct loam_secret_group *group)
{
    return group->key < 0 ? group->access : LOAM_SECRET_READ_WRITE;
}

/* Nothing more is allocated here. */
static void retire(struct chunk *chunk)
{
    chunk->retired = true;
    if (chunk->group->current == chunk)
        chunk->group->current = NULL;
}

/* Zeroes instead of hidden pages. Where something else lies there already, the secrets are out of reach. */
static void replace_hidden(struct chunk *chunk)
{
    void *data = (void *)chunk_data(chunk);
    size_t size = chunk->open * PAGE_SIZE;

    retire(chunk);
    chunk->hidden = !range_fill(data, size) || (range_advise(data, size) & ~range.lost) != 0;
    if (chunk->hidden)
        chunk->open = 0;
    else
        chunk_protect(chunk, 0, chunk->open, page_access(chunk->group));
}

static void enclose_all(struct chunk *chunk)
{
    struct place place;

    for (size_t cursor = 0; place_next(chunk, &cursor, &place);)
        place_enclose(&place);
}

static void inherit(struct chunk *chunk)
{
    struct loam_secret_group *group = chunk->group;
    enum loam_secret_access access = group_access(group);
    size_t size = chunk->open * PAGE_SIZE;

    if (chunk_protect(chunk, 0, chunk->open, LOAM_SECRET_READ_WRITE) < 0) {
        chunk->open = 0; /* out of reach */
        retire(chunk);
        return;
    }
    if (group->key >= 0)
        group_switch_key(group, LOAM_SECRET_READ_WRITE);
    if (range.lost & LOAM_SECRET_LOST_FORK)
        loam_secret_wipe((void *)chunk_data(chunk), size);
    chunk->locked = sys_lock((void *)chunk_data(chunk), size, true) == 0 ? chunk->open : 0;
    enclose_all(chunk);
    chunk_protect(chunk, 0, chunk->open, page_access(group));
    if (group->key >= 0)
        group_switch_key(group, access);
    if (chunk->locked < chunk->open)
        retire(chunk);
}

void fork_inherit(void)
{
    FOR_EACH_OPEN(chunk)
    {
        if (chunk->hidden)
            replace_hidden(chunk);
        if (chunk->open)
            inherit(chunk);
    }
    range.process = sys_pid();
    *range.marker = 1;
}

static ATOMIC int forker; /* the thread that has the lock for its fork; 0: none */

/* Once all has been wiped, who has the lock may sleep with it; the records are not used any more then. */
static void before(void)
{
    while (!lock_try(&range_lock)) {
        if (range_wiped())
            return;
        sched_yield();
    }
    __atomic_store_n(&forker, sys_thread(), __ATOMIC_RELAXED);
}

static void in_parent(void)
{
    if (__atomic_load_n(&forker, __ATOMIC_RELAXED) != sys_thread())
        return;
    __atomic_store_n(&forker, 0, __ATOMIC_RELAXED);
    lock_give(&range_lock);
}

/* The marker is zero already, unless the kernel could not be told to empty the range. */
static void in_child(void)
{
    forker = 0;
    lock_init(&range_lock);
    if (!range.base)
        return;
    *range.marker = 0;
    if (range_wiped())
        return;
    FOR_EACH_OPEN(chunk)
    {
        if (chunk->hidden)
            replace_hidden(chunk);
    }
}

int fork_watch(void)
{
    static bool watched;

    if (!watched && pthread_atfork(before, in_parent, in_child) != 0)
        return -ENOMEM;
    watched = true;
    return 0;
}
