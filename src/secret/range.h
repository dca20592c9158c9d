/* range.h - the addresses of all secrets, and the chunks that they are cut into. */
#ifndef LOAM_SECRET_RANGE_H
#define LOAM_SECRET_RANGE_H

#include <loam/secret.h>

#include "base/base.h"
#include "sys/lock.h"

enum {
    GRANULE = 16,          /* bytes: what places of secrets are multiples of, and their alignment */
    CHUNK_SIZE = 64 << 10, /* bytes */
    CHUNK_PAGES = CHUNK_SIZE / PAGE_SIZE,
    CHUNK_DATA_PAGES = CHUNK_PAGES - 2, /* without the first and the last, which stay inaccessible */
};

/*
 * 64 KiB of addresses; or several of them, a run, which the first, its head, describes. Its open pages, from the
 * second page of the run on, are those that have memory and may hold secrets.
 */
struct chunk {
    /* The lock's. */
    struct chunk *next, *previous; /* of the group's */
    size_t locked;                 /* pages of the open ones that are locked */
    uint32_t secrets;              /* allocated here */
    bool hidden;                   /* pages of memfd_secret(2) */
    bool retired;                  /* inherited by a child: nothing is allocated here any more */

    /* Changed under the lock; the signal handler reads them without. */
    struct loam_secret_group *group; /* NULL: none, and nothing is here */
    struct slots *slots;             /* NULL: it holds one secret */
    uintptr_t start;                 /* of that secret */
    size_t size;                     /* of it, in bytes */
    size_t open;                     /* pages; set before a secret is written, 0 only after all are wiped */
    uint32_t span;                   /* chunks of the run; 0: free */
    uint32_t back;                   /* chunks from the head to this one; 0 for a head */
};

#define GROUP_MAGIC 0x70756f7267746573ull /* "setgroup" */

struct loam_secret_group {
    char name[32];
    uint64_t magic; /* GROUP_MAGIC while there is the group */
    unsigned flags;
    int key;                        /* the protection key; -1: none */
    enum loam_secret_access access; /* without a key */
    struct chunk *chunks;
    struct chunk *current; /* the shared one that is tried first; NULL: none */
    size_t secrets, bytes; /* that are allocated, and asked for */
};

/*
 * Set by range_reserve(), `base` last, and constant after, but for `used`, `cursor`, `lost` and `process`, which are
 * the lock's. Who wipes all reads `base` and `used` without it.
 */
struct range {
    ATOMIC uintptr_t base; /* 0: not reserved yet */
    size_t count;          /* chunks */
    ATOMIC size_t used;    /* no chunk from this one on was ever in use */
    size_t cursor;         /* the chunk after the one that was used last */
    unsigned lost;         /* LOAM_SECRET_LOST_ bits of the whole range */
    struct chunk *chunks;
    ATOMIC uint32_t *marker; /* in memory that is zero in a child */
    int process;             /* whose secrets these are */
    ATOMIC int wiper;        /* the thread that wipes everything, or has; 0: nobody */
    ATOMIC uint32_t wiped;   /* 1: it has */
};

HIDDEN extern struct range range;
HIDDEN extern struct lock range_lock; /* of all that is known of secrets */

/* Returns 0, -ENOMEM. */
HIDDEN int range_reserve(void);

/* A run of `span` free chunks, those last that were in use last; NULL if there is none. */
HIDDEN struct chunk *range_take(size_t span);

/* The addresses must be as range_take() found them. */
HIDDEN void range_give(struct chunk *head);

/* Have [address, size), no pages but addresses that cannot be accessed, left out of core files and emptied in children.
 */
HIDDEN unsigned range_advise(void *address, size_t size);

/* Reserve [address, size) again, where there is a hole. Returns whether that went well. */
HIDDEN bool range_fill(void *address, size_t size);

INLINE bool range_holds(uintptr_t address)
{
    return address - range.base < range.count * CHUNK_SIZE;
}

/* The head of the run that the address lies in; a free chunk is its own. */
INLINE struct chunk *range_find(uintptr_t address)
{
    struct chunk *chunk = &range.chunks[(address - range.base) / CHUNK_SIZE];
    return chunk - chunk->back;
}

INLINE bool range_wiped(void)
{
    return __atomic_load_n(&range.wiper, __ATOMIC_SEQ_CST) != 0;
}

/* Then all that is constant of it is set. */
INLINE bool range_reserved(void)
{
    return __atomic_load_n(&range.base, __ATOMIC_SEQ_CST) != 0;
}

/*
 * Who calls this and then range_wiped(), and finds nothing wiped, has pages that will be. It has stored `base`, `used`
 * and `open` before it loads `wiper`; who wipes has stored that before it loads those. Each might load before its own
 * store is seen, on every processor; but not where all are SEQ_CST, which puts them in one order: there the one that
 * loaded 0 from `wiper` comes first with all its stores. What else it has stored of the chunk, it has before `open`.
 */
INLINE void chunk_opened(struct chunk *chunk, size_t pages)
{
    __atomic_store_n(&chunk->open, pages, __ATOMIC_SEQ_CST);
}

/* Where the open pages begin. */
INLINE uintptr_t chunk_data(const struct chunk *chunk)
{
    return range.base + (size_t)(chunk - range.chunks) * CHUNK_SIZE + PAGE_SIZE;
}

/* The next head of a run in use, from `chunk` on; NULL for none. */
INLINE struct chunk *range_next(struct chunk *chunk)
{
    const struct chunk *end = range.chunks + __atomic_load_n(&range.used, __ATOMIC_SEQ_CST);

    for (; chunk < end; chunk++)
        if (__atomic_load_n(&chunk->open, __ATOMIC_SEQ_CST))
            return chunk;
    return NULL;
}

#define FOR_EACH_OPEN(chunk) for (struct chunk *chunk = range_next(range.chunks); chunk; chunk = range_next(chunk + 1))

#endif
