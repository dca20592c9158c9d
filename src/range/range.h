/*
 * range.h - addresses: reserved once, committed from the bottom up, handed out in runs of slices.
 *
 * A range is one piece of reserved addresses. Its break separates what is accessible from what is not
 * yet. What lies below the break is cut into chunks of 2 MiB (a huge page), each of 32 slices of 64 KiB;
 * a run is consecutive slices. One range is the rule; where the kernel refuses one of the wanted
 * size, several smaller ones follow each other.
 *
 * All that is known of a slice lies in flat arrays beside the range, indexed by (p - base) >> 16: a map entry
 * of 16 bits, 0 for a slice in no run, else a word of the owner of the run; and a record, opaque here.
 *
 * Locking: functions take the range lock themselves; `map` and `records` belong to the owner of the run.
 */
#ifndef LOAM_RANGE_RANGE_H
#define LOAM_RANGE_RANGE_H

#include "base/base.h"
#include "sys/lock.h"

enum {
    SLICE_SHIFT = 16,
    CHUNK_SHIFT = 21,
    CHUNK_SLICES = 32,
    RANGE_RECORD = 128, /* bytes per slice */
    RANGE_MAX = 64,
};

#define SLICE_SIZE ((size_t)1 << SLICE_SHIFT)
#define CHUNK_SIZE ((size_t)1 << CHUNK_SHIFT)
#define NO_CHUNK   UINT32_MAX

static_assert(CHUNK_SIZE == CHUNK_SLICES * SLICE_SIZE, "a chunk is whole slices");

struct chunk {
    uint32_t free;   /* bit set: slice in no run */
    uint32_t dirty;  /* of the free ones: may hold memory, and not zeroes */
    uint32_t next;   /* in the list of chunks with the same `longest` */
    uint32_t prev;   /* NO_CHUNK at the ends */
    uint32_t aged;   /* of the dirty ones: so for a while; see purge.c */
    uint8_t longest; /* longest run of free slices */
    uint8_t moved;   /* pages were moved in: mappings are split here */
    uint8_t pad[10];
};

static_assert(sizeof(struct chunk) == 32, "two to a cache line");

struct source;

struct range {
    /* Constant once published by `count` of the set. */
    uintptr_t base;
    size_t size; /* bytes that can be committed */
    uint16_t *map;
    unsigned char *records;
    struct chunk *chunks;
    const struct source *source;

    /* Changed under the lock, read by any thread. */
    ATOMIC size_t committed; /* bytes below the break */

    /* Under the lock. */
    size_t described; /* bytes whose metadata is committed */
    uint64_t listed;  /* bit n set: lists[n] is not empty */
    uint32_t lists[CHUNK_SLICES + 1];
};

/* Where a range's addresses come from: mmap(2) or brk(2). */
struct source {
    const char *name;

    /* Find addresses for up to *size bytes, chunk-aligned; *size is what was got. Returns the base or -errno. */
    intptr_t (*reserve)(size_t *size);

    /* Make `size` more bytes accessible at or after the break. Returns their offset from the base, or -errno. */
    intptr_t (*commit)(const struct range *range, size_t size);
};

extern const struct source source_mmap;
extern const struct source source_brk;

/* All ranges, and what is counted over them. */
struct range_set {
    struct range list[RANGE_MAX];
    ATOMIC uint32_t count;

    /* Set at start. */
    const struct source *source;
    size_t first_size;     /* bytes to reserve at first */
    bool huge_pages;       /* ask the kernel for them */
    uint64_t purge_ms;     /* idle time before memory is given back */
    bool kept;             /* memory is locked: pages are not moved */
    size_t trim_threshold; /* bytes of idle memory above which it is given back at once */

    ATOMIC bool locking; /* what is committed is locked, range by range; until the kernel refuses */
    ATOMIC bool purging; /* idle memory is given back; not while all is locked */

    /* Under the lock. */
    struct lock lock;
    size_t dirty_slices;
    size_t metadata_bytes;
    unsigned char *ATOMIC meta_blocks; /* the latest one, see meta.c */
    uint64_t purged_ms;                /* when the period began; read without the lock, as is the period */
    uint32_t period;
    uint32_t moves; /* runs whose pages were moved and that split mappings */
};

extern HIDDEN struct range_set ranges;

struct run {
    struct range *range;
    size_t slice; /* index of the first */
    size_t count;
    bool clean; /* reads as zeroes */
};

/* Set the options; before anything else, once. */
void range_start(const struct source *source, uint64_t purge_ms, bool huge_pages);

/* Keep all memory that will be committed; if `locking`, lock it: else it is locked already. After range_start(). */
void range_keep(bool locking);

/*
 * Take `count` slices, the first at a multiple of `align` slices (a power of two).
 * Returns 0 or -ENOMEM. The caller fills map and records.
 */
int range_take(size_t count, size_t align, struct run *out);

/* The same, but only of slices whose memory is there already. Returns false when there is no such run. */
bool range_take_warm(size_t count, size_t align, struct run *out);

/* Give slices back: a whole run, or a part of one; `clean` if they read as zeroes. Their map entries become 0. */
void range_give(struct range *range, size_t slice, size_t count, bool clean);

/* Take the `count` slices from `slice` on, if they are free or can be committed. Returns 0 or -ENOMEM. */
int range_take_at(struct range *range, size_t slice, size_t count);

/*
 * Move the pages of one run to another. The old run reads as zeroes after. Returns 0; -EAGAIN when the kernel cannot,
 * and nothing has happened; or -EFAULT when `to` is lost over it: its addresses may be mapped no more, and must stay
 * taken.
 */
int range_move_pages(struct range *from, size_t from_slice, struct range *to, size_t to_slice, size_t count);

/* Make `size` bytes from the start of a run zeroes, and perhaps the rest of their last page. */
void range_clear(void *start, size_t size);

/* Give memory back that has been idle long enough; cheap, to be called now and then. Returns the period it is. */
uint32_t range_tick(void);

/* Give all idle memory back but `keep` bytes. Returns the bytes given back. */
size_t range_trim(size_t keep);

/* The number of faults found in every structure of every range, each told on stderr. */
int range_validate(void);

/* The range that `p` lies in, below its break; NULL for none. */
INLINE struct range *range_find(const void *p)
{
    uint32_t count = __atomic_load_n(&ranges.count, __ATOMIC_ACQUIRE);

    for (uint32_t i = 0; i < count; i++) {
        struct range *range = &ranges.list[i];
        if ((uintptr_t)p - range->base < __atomic_load_n(&range->committed, __ATOMIC_ACQUIRE))
            return range;
    }
    return NULL;
}

/* The map's entry. It changes under the eyes of who frees an object of a slab that is being adopted. */
INLINE uint16_t range_entry(const struct range *range, size_t slice)
{
    return __atomic_load_n(&range->map[slice], __ATOMIC_RELAXED);
}

/*
 * Whether `p` lies in the first range, as nearly all do, and at which *offset. The base is read whether it has been set
 * or not: before that nothing is committed.
 */
INLINE bool range_first(const void *p, size_t *offset)
{
    size_t committed = __atomic_load_n(&ranges.list[0].committed, __ATOMIC_ACQUIRE);

    *offset = (uintptr_t)p - __atomic_load_n(&ranges.list[0].base, __ATOMIC_RELAXED);
    return *offset < committed;
}

INLINE size_t range_slice(const struct range *range, const void *p)
{
    return ((uintptr_t)p - range->base) >> SLICE_SHIFT;
}

INLINE void *range_address(const struct range *range, size_t slice)
{
    return (void *)(range->base + (slice << SLICE_SHIFT));
}

/* For fork: keep all others out of ranges and their metadata, let them in, start over in the child. */
void range_lock_all(void);
void range_unlock_all(void);
void range_init_locks(void);

/*
 * Make `size` bytes of a large reserve accessible, of which `before` were made so earlier, and `after` are left: core
 * files leave those out. Returns 0 or -errno.
 */
int range_commit(void *address, size_t size, size_t before, size_t after);

/* Lock what has become accessible, if that is wanted. A refusal is told on stderr, and ends it. */
void range_lock_more(const void *address, size_t size);

extern struct lock purge_lock;

/* The uses of a chunk's free bits that more than one file has. */
void chunk_list(struct range *range, uint32_t index);
void chunk_unlist(struct range *range, uint32_t index);

/* How many free slices lie right below the break. The lock is held. */
size_t chunk_free_below_break(const struct range *range);

/* Apply to each chunk that the slices touch: set or clear their bits. The lock is held. */
void slices_claim(struct range *range, size_t slice, size_t count);
void slices_release(struct range *range, size_t slice, size_t count, bool dirty);

#endif
