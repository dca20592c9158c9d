/*
 * chunk.c - see chunk.h.
 *
 * Pages are opened from the first on, as they are needed, so that a group's first key locks one page. They are locked
 * as they are touched: that is the one way that also works for pages which are inaccessible at the moment, in a child.
 * Hidden pages are locked by their nature, and come all at once, as they cannot be added to.
 *
 * Whatever the access is, pages stay locked. To close them, they are made inaccessible, unlocked and dropped, and stay
 * what the kernel has been told of the range; but a hidden mapping is another one's and is replaced.
 *
 * Source: mlock2(2), mprotect(2), pkey_mprotect(2), memfd_secret(2).
 */
#include "secret/chunk.h"

#include "sys/file.h"
#include "sys/memory.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* With a key, the pages are accessible, and the key decides. */
static int protect(const struct loam_secret_group *group, void *address, size_t size, int protection)
{
    int result = group->key < 0 ? sys_protect(address, size, protection)
                                : sys_key_protect(address, size, protection, protection ? group->key : 0);
    return result < 0 ? -ENOMEM : 0;
}

static void *page_address(const struct chunk *chunk, size_t page)
{
    return (void *)(chunk_data(chunk) + page * PAGE_SIZE);
}

int chunk_protect(const struct chunk *chunk, size_t from, size_t count, enum loam_secret_access access)
{
    static const int protections[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};

    return protect(chunk->group, page_address(chunk, from), count * PAGE_SIZE, protections[access]);
}

/* --- the group's list --- */

static void link_chunk(struct chunk *chunk, struct loam_secret_group *group)
{
    chunk->group = group;
    chunk->next = group->chunks;
    if (chunk->next)
        chunk->next->previous = chunk;
    group->chunks = chunk;
}

static void unlink_chunk(struct chunk *chunk)
{
    if (chunk->previous)
        chunk->previous->next = chunk->next;
    else
        chunk->group->chunks = chunk->next;
    if (chunk->next)
        chunk->next->previous = chunk->previous;
    if (chunk->group->current == chunk)
        chunk->group->current = NULL;
}

/* --- hidden pages --- */

/* After this the addresses are as all others of the range; if not, they are never used again. */
static bool unhide(struct chunk *chunk)
{
    void *data = page_address(chunk, 0);
    size_t size = chunk->open * PAGE_SIZE;

    return sys_reserve_at(data, size) == 0 && (range_advise(data, size) & ~range.lost) == 0;
}

/*
 * The pages are made elsewhere and moved here: a mapping at a given address that exceeds the limit has taken away
 * what was there before the kernel refuses it, and what another thread maps next would lie among the secrets.
 */
static int hide(struct chunk *chunk, size_t pages)
{
    void *data = page_address(chunk, 0);
    size_t size = pages * PAGE_SIZE;
    intptr_t made = sys_map_secret(size);

    if (made < 0)
        return made == -EAGAIN || made == -ENOSYS ? (int)made : -ENOMEM;
    chunk->hidden = true;
    chunk_opened(chunk, pages);
    chunk->locked = pages;
    if (sys_remap_at((void *)made, size, size, data) < 0) {
        sys_unmap((void *)made, size);
        return -ENOMEM;
    }
    if (sys_advise(data, size, MADV_DONTFORK) < 0 || chunk_protect(chunk, 0, pages, LOAM_SECRET_READ_WRITE) < 0)
        return -ENOMEM;
    return 0;
}

/* --- life --- */

int chunk_create(struct loam_secret_group *group, size_t pages, struct chunk **out)
{
    struct chunk *chunk = range_take(divide_up(pages + 2, CHUNK_PAGES));

    if (!chunk)
        return -ENOMEM;
    link_chunk(chunk, group);
    int error = group->flags & LOAM_SECRET_HIDDEN ? hide(chunk, pages) : 0;
    if (error < 0) {
        chunk_close(chunk);
        return error;
    }
    *out = chunk;
    return 0;
}

int chunk_open(struct chunk *chunk, size_t pages)
{
    size_t from = chunk->open, count = pages - from;

    if (pages <= from)
        return 0;
    void *address = page_address(chunk, from);
    if (chunk_protect(chunk, from, count, LOAM_SECRET_READ_WRITE) < 0)
        return -ENOMEM;
    if (sys_lock(address, count * PAGE_SIZE, true) == 0)
        chunk->locked += count;
    else if (!(chunk->group->flags & LOAM_SECRET_BEST_EFFORT)) {
        chunk_protect(chunk, from, count, LOAM_SECRET_NONE);
        return -EAGAIN;
    }
    chunk_opened(chunk, pages);
    memset(address, 0, count * PAGE_SIZE);
    return 0;
}

/* Where the kernel refuses, zeroes stay accessible, and the next who opens the pages finds them. */
static void drop(const struct chunk *chunk)
{
    size_t size = chunk->open * PAGE_SIZE;

    protect(chunk->group, page_address(chunk, 0), size, PROT_NONE);
    if (chunk->locked)
        sys_unlock(page_address(chunk, 0), size);
    sys_purge(page_address(chunk, 0), size);
}

void chunk_close(struct chunk *chunk)
{
    bool usable = !chunk->hidden || unhide(chunk);

    if (!chunk->hidden && chunk->open)
        drop(chunk);
    unlink_chunk(chunk);
    if (usable) {
        range_give(chunk);
        return;
    }
    chunk->group = NULL;
    chunk->open = 0;
}

/* --- access --- */

static const unsigned key_rights[] = {KEY_NO_ACCESS, KEY_NO_WRITE, 0};

enum loam_secret_access group_access(const struct loam_secret_group *group)
{
    if (group->key < 0)
        return group->access;
    unsigned rights = sys_key_rights(group->key);
    return rights & KEY_NO_ACCESS  ? LOAM_SECRET_NONE
           : rights & KEY_NO_WRITE ? LOAM_SECRET_READ
                                   : LOAM_SECRET_READ_WRITE;
}

void group_switch_key(const struct loam_secret_group *group, enum loam_secret_access access)
{
    sys_key_set_rights(group->key, key_rights[access]);
}
