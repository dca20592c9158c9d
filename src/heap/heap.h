/*
 * heap.h - one heap per thread: magazines over slabs.
 *
 *     malloc <- magazine <- refill <- slab bitmaps <- carve <- run of slices (range.h)
 *     free   -> magazine -> flush  -> slab bitmaps -> release -> run of slices
 *     free of another heap's object -> a magazine -> flush -> that slab's remote bits -> notice to its heap
 *
 * A magazine is a small stack of free objects of one class: malloc pops, free pushes, and neither
 * touches anything else. Only an empty or a full one meets the bitmaps, many objects at a time.
 *
 * An object of another heap's slab goes into the same magazine, and may be allocated from there again: where
 * threads give each other as much as they get, nothing needs to travel. But the smallest objects share cache
 * lines with several neighbours, which their own thread is using; they go into a magazine of their
 * own, the outbound one, that nothing is allocated from.
 *
 * A heap outlives its thread: the next thread takes it over as it is. Meanwhile, and while its thread is
 * asleep, other threads visit it (visit.c): they adopt its slabs, and give back what has become idle.
 *
 * Magazines are their owner's alone. Slabs and shelves are under the heap's lock: its owner takes it for each
 * refill and flush, where it costs little beside the many objects that pass, and a visitor only tries it.
 *
 * The map entry of a slab's slices is its class and a tag of its heap, so one load tells free() both. There are more
 * heaps than tags: those past the last share TAG_OTHER, and who needs to know looks at the record.
 */
#ifndef LOAM_HEAP_HEAP_H
#define LOAM_HEAP_HEAP_H

#include "cpu/cpu.h"
#include "heap/slab.h"

enum {
    TAG_NONE = 254,     /* of no slab: its owner finds nothing to be its own at first sight */
    TAG_OTHER = 255,    /* of all heaps past the last tag: the slab's record must be looked at */
    ENTRY_NONE = 65535, /* of no slice */
    HEAP_MAX = 65535,

    OUTBOUND_CLASSES = 2, /* classes of objects that share a cache line with three others or more */
    OUTBOUND_OBJECTS = 128,

    MAGAZINE_START = 16,              /* objects that a fresh magazine may hold, */
    MAGAZINE_START_BYTES = 32 * 1024, /* and bytes */
    IDLE_BUDGET = 4 * 1024 * 1024,    /* bytes of idle slabs that a heap may keep */
    WIDTH_BUDGET = 1024 * 1024,       /* bytes that all magazines of a heap together may grow by */
};

enum heap_state { HEAP_ORPHAN, HEAP_OWNED };

/* All that malloc and free look at, but for the stack itself, in one cache line. */
struct magazine {
    void **top;    /* above the last object; equal to bottom when empty */
    void **bottom; /* bottom[-1] is NULL: what a pop of an empty magazine gets */
    void **end;    /* full when top is here */
    void **limit;  /* end rises to here as the magazine is used */

    /* Of the class, see class.h. */
    uint64_t inverse;
    uint32_t mask;
    uint32_t size;
    uint64_t pad[2];
};

static_assert(sizeof(struct magazine) == CACHE_LINE, "a line each");

/* The slabs of a class that have free objects. */
struct shelf {
    struct slab *current;
    struct slab *partial;  /* doubly linked, the latest first */
    struct slab *draining; /* the same */
    struct slab *idle;     /* with nothing but free objects, kept for the next burst */
    uint64_t *spare_bits;  /* bitmaps of released slabs, linked through their first words */
    uint16_t idle_count;
    uint16_t idle_max; /* how many may be kept: as many as were missed after being released */
    uint16_t released; /* since the last tick */
};

/* A large run that was freed last, kept for the next allocation of its size. */
struct kept {
    struct range *range;
    size_t slice;
    size_t count; /* 0: none */
};

/* What `loam run` counts, when asked to. */
struct tally {
    uint64_t allocations;
    uint64_t requested; /* bytes */
};

struct heap {
    /* Constant. */
    uint32_t tag; /* of its map entries: (index + 1) << ENTRY_TAG_SHIFT */
    uint32_t entry_tag;
    uint16_t index;

    /* Any thread. */
    ATOMIC uint32_t state;       /* enum heap_state; only its owner makes a heap an orphan */
    ATOMIC uint32_t period;      /* that the owner's last tick found */
    ATOMIC uint32_t seen;        /* heaps.carved when the owner last refilled or flushed a magazine */
    struct slab *ATOMIC notices; /* slabs that have become usable */

    /* Under the lock. */
    struct lock lock;
    bool stale; /* left behind by a fork, to be put in order by who takes the lock */
    struct shelf shelves[CLASS_COUNT];
    size_t idle_bytes;  /* of all shelves together, as far as idle_max allows */
    size_t slab_bytes;  /* of its slabs */
    size_t fresh_bytes; /* of slabs in fresh memory since all magazines were emptied last */

    /* The owner only, from here on. */
    int thread;   /* kernel's id of the last owner */
    size_t width; /* left of WIDTH_BUDGET */
    struct magazine magazines[CLASS_COUNT] __attribute__((aligned(CACHE_LINE)));
    struct magazine outbound[OUTBOUND_CLASSES];
    struct kept kept;
    uint64_t random;                       /* state of hardened mode's generator */
    struct tally tallies[CLASS_COUNT + 1]; /* the last for large objects */
    uint64_t frees;
    int64_t live_bytes; /* allocated less freed by this heap, since it was last added to the total */
    int64_t live_objects;
    void *slots[]; /* of all magazines */
};

/* All heaps there have ever been; entries are set once, in order. */
struct heap_table {
    struct lock lock; /* creation only */
    ATOMIC uint32_t count;
    ATOMIC uint32_t in_use; /* by threads */
    ATOMIC uint32_t in_use_peak;
    ATOMIC uint32_t carved; /* slabs, so far */
    ATOMIC uint32_t swept;  /* the last period in which somebody looked after all that sleep */
    struct heap *list[HEAP_MAX];
};

extern HIDDEN struct heap_table heaps;

/* Has no objects and owns nothing, and is never written: what a thread without a heap allocates from, in vain. */
extern HIDDEN const struct heap heap_empty;

/* What a thread knows. */
struct thread {
    struct heap *face; /* what the fast paths use: its heap, or heap_empty to be sent the slow way each time */
    struct heap *heap; /* NULL before the first allocation, and after the thread's end */
    bool ended;
};

extern HIDDEN CPU_THREAD_LOCAL struct thread heap_thread;

/* The thread has no heap of its own from here on: it borrows one for each call. */
INLINE void heap_end_thread(void)
{
    heap_thread = (struct thread){.face = (struct heap *)&heap_empty, .ended = true};
}

/* Start-up, once: the class table and the empty heap. `hardened` makes slabs keep live bits. */
void heap_start(bool hardened);

/* A heap for this thread: an orphan, or a new one. NULL when there is no memory. */
struct heap *heap_acquire(void);

/* The thread's last words: its objects go back to their slabs, its heap to whoever comes next. */
void heap_release(struct heap *heap);

/* Hand a heap back that was acquired for one call only. */
void heap_lend_back(struct heap *heap);

/* Allocate an object of a class. Returns NULL when there is no memory. */
void *heap_take(struct heap *heap, unsigned class);

/* The same, zeroed. */
void *heap_take_zeroed(struct heap *heap, unsigned class);

/*
 * Free object number `index` of a slab; `heap` is the thread's, or NULL for one that has none. The caller has
 * checked that it is an object.
 */
void heap_put(struct heap *heap, struct slab *slab, size_t index);

/* Put what is an object of a class, of another heap's slab or of an own one, into a magazine. */
void heap_push(struct heap *heap, unsigned class, bool foreign, void *object);

/*
 * Give back all that is not in use, of this heap, and what can be had of the others: whole slices to the range, pages
 * between living objects to the kernel. Returns the bytes of the latter.
 */
size_t heap_trim(struct heap *heap);

/* Now and then, from slow paths: give back what has been idle. */
void heap_tick(struct heap *heap);

/* For fork: keep all others out of the heap's shared parts, and of heaps that are not theirs; let them in. */
void heap_lock_all(void);
void heap_unlock_all(void);

/* In a forked child: every heap but `own` lost its thread, perhaps in the middle of something. */
void heap_after_fork(struct heap *own);

/* The number of faults found, each told on stderr. No other thread may allocate meanwhile. */
int heap_faults(void);

INLINE uint16_t heap_entry(const struct heap *heap, unsigned class)
{
    return (uint16_t)(heap->entry_tag | class);
}

/* Between this folder's files. From here on, the heap's lock is held. */
extern struct lock heap_carving;
void shelf_start(bool hardened);

/* magazine.c */
bool heap_refill(struct heap *heap, unsigned class);
void heap_flush(struct heap *heap, unsigned class, struct magazine *magazine, size_t count);

/* Put only whole runs and idle slabs back into the range. */
void heap_flush_runs(struct heap *heap);

/* Put all that waits in magazines back into slabs. */
void heap_flush_slabs(struct heap *heap);

/* The same, and idle slabs and whole runs back into the range. */
void heap_flush_all(struct heap *heap);

/* `size` bytes of memory that was never touched are about to be used: give up first what may make that needless. */
void heap_spare_fresh(struct heap *heap, size_t size);

/* shelf.c */

/* A slab of the class with free objects, which becomes its shelf's current one; NULL when there is no memory. */
struct slab *heap_current_slab(struct heap *heap, unsigned class);

/* File the shelf's current slab as full, partial or idle. */
void heap_retire_current(struct heap *heap, unsigned class);

/* File a slab whose free objects have changed. */
void heap_settle(struct heap *heap, struct slab *slab);

/* Take over what others have freed: of slabs that are not full, nobody is told. */
void heap_collect(struct heap *heap);

/* Let go of idle slabs. */
void heap_drop_idle(struct heap *heap);

/* What the thread that ends has used, the next one will: keep a slab of each such class, even if it is idle. */
void heap_expect_successor(struct heap *heap);

/* Set the slabs that are less than half full to drain. */
void heap_drain_sparse(struct heap *heap);

/* Have the slab's record and the map name the heap as its owner. */
void heap_set_owner(const struct heap *heap, struct slab *slab, bool draining);

/*
 * Make a slab of `from`, whose lock is held as well, one of the heap's own: one that `from` can do without, or `any`
 * that it would allocate from next. NULL for none.
 */
struct slab *heap_take_over(struct heap *heap, struct heap *from, unsigned class, bool any);

/*
 * holes.c: give back free pages of slabs that have not changed since the last call, or of `all`, when magazines are
 * empty. Returns the bytes.
 */
size_t heap_purge_holes(struct heap *heap, bool all);

/* remote.c */

/* Mark objects of one word of another heap's bitmap free. The heap's own lock need not be held. */
void heap_send(struct slab *slab, size_t word, uint64_t mask);
void heap_drain_notices(struct heap *heap);

/* visit.c: these take the locks of others by trying. */

/* A slab with free objects from another heap; NULL for none. */
struct slab *heap_adopt_slab(struct heap *heap, unsigned class);

/*
 * Give back what is idle in heaps that sleep, or in `all` others. The lock of no heap is held. Returns the bytes that
 * went to the kernel.
 */
size_t heap_sweep(const struct heap *own, bool all);
extern struct lock heap_visiting;

/* large.c; the owner, without its lock */
void heap_drop_kept(struct heap *heap);

/* rebuild.c */
void heap_rebuild(struct heap *heap);

#endif
