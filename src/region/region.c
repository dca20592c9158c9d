/*
 * region.c - see loam/region.h.
 *
 * A region is a list of blocks, newest first, and allocates from the newest; a scope's end frees those that are newer
 * than its mark. Blocks double from 4 KiB to 1 MiB, so that a region of n bytes has log n of them, or n divided by 1
 * MiB; what is larger than the next one would be has a block of its own size. The largest of those that are left over
 * stays as a spare: a loop whose scope begins near the end of a block, and takes less than 1 MiB, calls malloc in the
 * first rounds only; one that takes more calls it once for each further MiB or larger piece.
 *
 * Invariant: next <= end, and both are multiples of 16; so size <= end - next leaves room for size rounded up.
 * With traps no block has room left, so every allocation comes here, and gets a block of its own (trap.c), while there
 * can be more of them.
 */
#include <loam/region.h>

#include "base/base.h"
#include "base/report.h"
#include "region/block.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 16, BLOCK_LEAST = 4096, BLOCK_MOST = 1 << 20 };

static_assert(sizeof(struct loam_region_block) % ALIGNMENT == 0, "what follows a block's head is aligned");

/* In the region itself, so that it is released with what was allocated before it. */
struct loam_region_cleanup {
    struct loam_region_cleanup *older;
    void (*function)(void *argument);
    void *argument;
};

PUBLIC __thread struct loam_region loam_scratch_region;

static void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

/* --- blocks --- */

static void free_block(struct loam_region_block *block)
{
    if (block->trap)
        trap_release(block);
    else
        free(block);
}

/* It is no longer in the list. */
static void leave_block(struct loam_region *region, struct loam_region_block *block)
{
    struct loam_region_block *spare = region->spare;

    if (block->trap || (spare && spare->size >= block->size)) {
        free_block(block);
        return;
    }
    region->spare = block;
    free(spare);
}

/* At least `size` bytes, a multiple of 16. */
static struct loam_region_block *new_block(struct loam_region *region, size_t size)
{
    size_t last = region->block ? region->block->size : 0,
           wanted = min_size(max_size(2 * last, BLOCK_LEAST), BLOCK_MOST);
    struct loam_region_block *block = region->spare;

    size += sizeof(*block);
    if (block && block->size >= size) {
        region->spare = NULL;
        return block;
    }
    wanted = max_size(wanted, size);
    block = malloc(wanted);
    if (block)
        *block = (struct loam_region_block){.size = align_down(wanted, ALIGNMENT)};
    return block;
}

/* Where what is allocated in a block of malloc's begins. */
static uintptr_t block_data(const struct loam_region_block *block)
{
    return (uintptr_t)(block + 1);
}

/* The end of a thread releases its scratch. */
static struct {
    pthread_once_t once;
    pthread_key_t key;
    bool made;
} scratch = {.once = PTHREAD_ONCE_INIT};

static void release_all(struct loam_region *region)
{
    loam_region_clear(region);
    free(region->block);
    free(region->spare);
    *region = (struct loam_region){0};
}

static void end_scratch(void *region)
{
    release_all(region);
}

static void make_key(void)
{
    scratch.made = pthread_key_create(&scratch.key, end_scratch) == 0;
}

/* Where that fails, the memory is lost when the thread ends. */
static void watch_thread(struct loam_region *region)
{
    if (region != &loam_scratch_region || region->block)
        return;
    pthread_once(&scratch.once, make_key);
    if (scratch.made)
        pthread_setspecific(scratch.key, region);
}

PUBLIC void *loam_region_extend(struct loam_region *region, size_t size)
{
    if (size > PTRDIFF_MAX - 2 * BLOCK_MOST)
        return no_memory();
    if (size == 0 && region->block)
        return (void *)region->next;
    watch_thread(region);
    void *trapped = trap_wanted() ? trap_alloc(region, size, ALIGNMENT) : NULL;
    if (trapped)
        return trapped;
    size = align_up(size, ALIGNMENT);
    struct loam_region_block *block = new_block(region, size);
    if (!block)
        return no_memory();
    block_enter(region, block, block_data(block));
    return loam_region_alloc(region, size);
}

/* --- release --- */

static _Noreturn void stop_at_mark(void)
{
    report_stop_line("loam: a scope of a region is ended that has ended already, or that is another region's.\n");
}

static void run_cleanups(struct loam_region *region, const struct loam_region_cleanup *until)
{
    while (region->cleanups != until) {
        struct loam_region_cleanup *cleanup = region->cleanups;

        if (!cleanup)
            stop_at_mark();
        region->cleanups = cleanup->older;
        cleanup->function(cleanup->argument);
    }
}

/* An empty region keeps a block, so that a scope that finds it empty costs no more than others; but what can trap does.
 */
static void keep_one(struct loam_region *region)
{
    struct loam_region_block *block = region->spare;

    if (!block || trap_wanted())
        return;
    region->spare = NULL;
    block_enter(region, block, block_data(block));
}

PUBLIC void loam_region_rewind(struct loam_region *region, uintptr_t next, struct loam_region_block *block,
                               struct loam_region_cleanup *cleanups)
{
    run_cleanups(region, cleanups);
    while (region->block != block) {
        struct loam_region_block *newest = region->block;

        if (!newest)
            stop_at_mark();
        region->block = newest->older;
        leave_block(region, newest);
    }
    region->next = next;
    region->end = block ? (uintptr_t)block + block->size : 0;
    if (!block)
        keep_one(region);
}

PUBLIC void loam_region_clear(struct loam_region *region)
{
    loam_region_rewind(region, 0, NULL, NULL);
}

PUBLIC struct loam_region *loam_region_create(void)
{
    return calloc(1, sizeof(struct loam_region));
}

PUBLIC void loam_region_destroy(struct loam_region *region)
{
    if (!region)
        return;
    release_all(region);
    free(region);
}

PUBLIC int loam_region_defer(struct loam_region *region, void (*function)(void *argument), void *argument)
{
    struct loam_region_cleanup *cleanup = loam_region_alloc(region, sizeof(*cleanup));

    if (!cleanup)
        return -1;
    *cleanup = (struct loam_region_cleanup){.older = region->cleanups, .function = function, .argument = argument};
    region->cleanups = cleanup;
    return 0;
}

/* --- other ways to allocate --- */

PUBLIC void *loam_region_calloc(struct loam_region *region, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return no_memory();
    void *result = loam_region_alloc(region, bytes);
    return result ? memset(result, 0, bytes) : NULL;
}

PUBLIC void *loam_region_aligned(struct loam_region *region, size_t alignment, size_t size)
{
    size_t bytes;

    if (!is_power_of_two(alignment)) {
        errno = EINVAL;
        return NULL;
    }
    if (__builtin_add_overflow(size, alignment, &bytes) || bytes > PTRDIFF_MAX)
        return no_memory();
    if (alignment <= ALIGNMENT)
        return loam_region_alloc(region, size);
    void *trapped = trap_wanted() ? trap_alloc(region, size, alignment) : NULL;
    if (trapped)
        return trapped;
    uintptr_t start = (uintptr_t)loam_region_alloc(region, bytes);
    return start ? (void *)align_up(start, alignment) : NULL;
}

PUBLIC void *loam_region_resize(struct loam_region *region, void *ptr, size_t old, size_t size)
{
    uintptr_t start = (uintptr_t)ptr;
    /* A block that traps is one piece's: what that leaves is not for others. */
    bool is_last = ptr && start + align_up(old, ALIGNMENT) == region->next && !region->block->trap;

    if (is_last && size <= region->end - start) {
        region->next = start + align_up(size, ALIGNMENT);
        return ptr;
    }
    if (ptr && size <= old)
        return ptr;
    void *result = loam_region_alloc(region, size);
    if (result && ptr)
        memcpy(result, ptr, old);
    return result;
}

PUBLIC void *loam_region_memdup(struct loam_region *region, const void *from, size_t n)
{
    void *result = loam_region_alloc(region, n);
    return result && n ? memcpy(result, from, n) : result;
}

PUBLIC char *loam_region_strdup(struct loam_region *region, const char *string)
{
    return loam_region_memdup(region, string, strlen(string) + 1);
}

/* Into what is left of the block; if that is too little, it is known how much it takes. */
PUBLIC char *loam_region_vprintf(struct loam_region *region, const char *format, va_list arguments)
{
    size_t room = region->end - region->next;
    va_list again;

    va_copy(again, arguments);
    int length = vsnprintf(room ? (char *)region->next : NULL, room, format, arguments);
    char *result = length < 0 ? NULL : loam_region_alloc(region, (size_t)length + 1);
    if (result && (size_t)length + 1 > room)
        vsnprintf(result, (size_t)length + 1, format, again);
    va_end(again);
    return result;
}

PUBLIC char *loam_region_printf(struct loam_region *region, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *result = loam_region_vprintf(region, format, arguments);
    va_end(arguments);
    return result;
}

/* --- figures --- */

static size_t block_held(const struct loam_region_block *block)
{
    return block->trap ? block->trap : block->size;
}

PUBLIC void loam_region_measure(const struct loam_region *region, struct loam_region_usage *out)
{
    uintptr_t next = region->next;

    *out = (struct loam_region_usage){0};
    for (const struct loam_region_block *block = region->block; block; block = block->older) {
        out->used += next - block_data(block);
        out->held += block_held(block);
        out->blocks++;
        next = block->left;
    }
    if (region->spare) {
        out->held += region->spare->size;
        out->blocks++;
    }
}
