/*
 * loam/region.h - regions: memory that is allocated piece by piece and released at once; and a thread's scratch.
 *
 * A region hands out pieces of blocks that it takes from malloc(3), by adding to a pointer. Nothing is freed by itself;
 * a scope in it, the whole of it, or its end releases what has been allocated since. The scratch is a region that each
 * thread has, for what lives no longer than a block of code. It does what alloca(3) is used for: but what is
 * too large for it comes from the heap instead of overflowing the stack, a failure is NULL, it can be used in a loop,
 * and what is allocated in a function can be returned to a caller whose scope it is.
 *
 *     LOAM_SCRATCH_SCOPE {
 *         char *path = loam_scratch(length + 1);
 *         ...
 *     } // released: at the end of the block, by break, return and goto, and by exceptions of C++
 *
 * longjmp(3) leaves a scope open; the next scope outside it that ends releases what it held.
 *
 * Of the blocks that a scope's end leaves over, a region keeps the largest for what comes next, however large that is:
 * only the region's end, for the scratch that of the thread, gives it back to malloc(3).
 *
 * Pieces are aligned to 16 bytes. In builds without NDEBUG every piece has pages of its own before a guard page, and
 * what has been released faults when it is used: loam_region_trap() says more.
 *
 * A region is one thread's at a time; different threads may use different ones. Nothing here is async-signal-safe.
 * Source: D. R. Hanson, "Fast allocation and deallocation of memory based on object lifetimes", 1990; alloca(3).
 */
#ifndef LOAM_REGION_H
#define LOAM_REGION_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All members are the functions' own. */
struct loam_region {
    uintptr_t next, end; /* what is left of the block that is allocated from: addresses, multiples of 16 */
    struct loam_region_block *block;
    struct loam_region_cleanup *cleanups;
    struct loam_region_block *spare; /* the largest block that a scope's end left over; NULL for none */
};

/* A moment of a region. */
struct loam_region_mark {
    uintptr_t next;
    struct loam_region_block *block;
    struct loam_region_cleanup *cleanups;
};

/* For the inline functions. A mark is passed in pieces, so that it can stay in registers. */
void *loam_region_extend(struct loam_region *region, size_t size);
void loam_region_rewind(struct loam_region *region, uintptr_t next, struct loam_region_block *block,
                        struct loam_region_cleanup *cleanups);

/* A new region; NULL with ENOMEM. Its memory is released by loam_region_destroy(). */
struct loam_region *loam_region_create(void);

/* Release all of the region, and the region itself; not of the scratch. NULL is ignored. */
void loam_region_destroy(struct loam_region *region);

/* Release all that was allocated in the region, which keeps its largest block. */
void loam_region_clear(struct loam_region *region);

/*
 * Allocate `size` bytes; NULL with ENOMEM, and the region is as it was. A size of 0 gives a pointer to nothing,
 * which may be the same twice.
 */
static inline void *loam_region_alloc(struct loam_region *region, size_t size)
{
    uintptr_t next = region->next;

    /* A size of 0, too: an empty region has no address for it. */
    if (__builtin_expect(size - 1 >= region->end - next, 0))
        return loam_region_extend(region, size);
    region->next = next + ((size + 15) & ~(size_t)15);
    return (void *)next;
}

/* As loam_region_alloc(count * size), zeroed; a product that overflows is ENOMEM. */
void *loam_region_calloc(struct loam_region *region, size_t count, size_t size);

/* Aligned to `alignment` bytes, a power of two, else EINVAL. */
void *loam_region_aligned(struct loam_region *region, size_t alignment, size_t size);

/*
 * Resize what was allocated as `old` bytes: in place if it is shortened or was the last, else in a copy, aligned to 16.
 * What has grown is the innermost scope's then. NULL as `ptr` allocates. NULL with ENOMEM, and it stays as it was.
 */
void *loam_region_resize(struct loam_region *region, void *ptr, size_t old, size_t size);

/* A copy of n bytes, or of a string. */
void *loam_region_memdup(struct loam_region *region, const void *from, size_t n);
char *loam_region_strdup(struct loam_region *region, const char *string);

/* A string as of printf(3); NULL with ENOMEM, or with what vsnprintf(3) fails with. */
__attribute__((format(printf, 2, 3))) char *loam_region_printf(struct loam_region *region, const char *format, ...);
__attribute__((format(printf, 2, 0))) char *loam_region_vprintf(struct loam_region *region, const char *format,
                                                                va_list arguments);

/*
 * Have function(argument) called when what is allocated now would be released; what was deferred last is called first,
 * while the memory is still there. Such a function must not use the region. Returns 0, or -1 with ENOMEM.
 */
int loam_region_defer(struct loam_region *region, void (*function)(void *argument), void *argument);

/*
 * A scope: what is allocated between the two is released by the second. Scopes nest; ending one ends those inside it.
 * To end one a second time, or one whose outer scope has ended, stops the process if it is noticed.
 */
static inline struct loam_region_mark loam_region_begin(struct loam_region *region)
{
    struct loam_region_mark mark = {region->next, region->block, region->cleanups};
    return mark;
}

static inline void loam_region_end(struct loam_region *region, const struct loam_region_mark *mark)
{
    if (__builtin_expect(region->block == mark->block && region->cleanups == mark->cleanups, 1))
        region->next = mark->next;
    else
        loam_region_rewind(region, mark->next, mark->block, mark->cleanups);
}

/* Bytes. */
struct loam_region_usage {
    size_t used;   /* allocated and not released, rounding included */
    size_t held;   /* taken from malloc(3) for it */
    size_t blocks; /* how many pieces that is */
};

void loam_region_measure(const struct loam_region *region, struct loam_region_usage *out);

/*
 * Traps, for all regions from their next block on: each allocation lies in pages of its own, at their end, before
 * a guard page; what is released becomes inaccessible and stays so while its address is among the last 4,096 released.
 * So a use after the scope and an overflow are faults at the instruction that does it. An allocation takes some
 * microseconds then. A process has up to 16,384 such at once, fewer where the kernel refuses; what is allocated
 * beyond is not trapped. On in each process with a source file that includes this header without NDEBUG, unless it
 * defines LOAM_REGION_NO_TRAP.
 */
void loam_region_trap(int on);

/* --- the scratch of the calling thread; it is released when the thread ends --- */

extern __thread struct loam_region loam_scratch_region __attribute__((tls_model("initial-exec")));

/* Allocate in the innermost scope: as loam_region_alloc(). Without one, it is released when the thread ends. */
static inline void *loam_scratch(size_t size)
{
    return loam_region_alloc(&loam_scratch_region, size);
}

/* What a scope's variable holds, and what happens at its end. */
struct loam_region_scope {
    struct loam_region *region;
    struct loam_region_mark mark;
    int done;
};

static inline struct loam_region_scope loam_region_open(struct loam_region *region)
{
    struct loam_region_scope scope = {region, loam_region_begin(region), 0};
    return scope;
}

static inline void loam_region_close(struct loam_region_scope *scope)
{
    loam_region_end(scope->region, &scope->mark);
}

/* LOAM_REGION_SCOPE(region) { ... }: a scope that ends however the block is left. `continue` ends it, too. To a
 * compiler the block may end: a function that returns a value in it has a return after it, too. */
#define LOAM_REGION_SCOPE(region) LOAM_REGION_SCOPE_NAMED(region, __COUNTER__)

#define LOAM_REGION_SCOPE_NAME(number)          loam_region_scope_##number
#define LOAM_REGION_SCOPE_NAMED(region, number) LOAM_REGION_SCOPE_AS(region, LOAM_REGION_SCOPE_NAME(number))
#define LOAM_REGION_SCOPE_AS(region, name)                                                                             \
    for (struct loam_region_scope name __attribute__((cleanup(loam_region_close))) = loam_region_open(region);         \
         !name.done; name.done = 1)

#define LOAM_SCRATCH_SCOPE LOAM_REGION_SCOPE(&loam_scratch_region)

#if !defined(NDEBUG) && !defined(LOAM_REGION_NO_TRAP)
__attribute__((constructor, unused)) static void loam_region_trap_in_debug(void)
{
    loam_region_trap(1);
}
#endif

#ifdef __cplusplus
}
#endif

#endif
