/*
 * shared.c - the attachment: its lock, forks, and the functions for blocks.
 *
 * The lock is this process's own, so nobody else ever waits for it.
 *
 * A forked child shares its parent's open file descriptions, whose locks say who takes part. So it opens each file anew
 * at once, and takes part under a number of its own when it next enters: what was its parent's stays that. While an
 * attachment comes or goes no child is made, for that would have locks that it does not know of.
 */
#include "shared/shared.h"

#include "sys/file.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

static struct {
    pthread_once_t once;
    struct lock lock;
    struct loam_shared *first;
} attachments = {.once = PTHREAD_ONCE_INIT};

/* --- entering --- */

int shared_take_part(struct loam_shared *heap)
{
    int error = heap->watching ? -EROFS : heap->locks < 0 ? -ESTALE : 0;

    if (!error) {
        slab_forget(heap);
        error = participant_join(heap);
    }
    if (error)
        shared_leave(heap);
    return error;
}

/* --- forks --- */

static void before_fork(void)
{
    lock_take(&attachments.lock);
    for (struct loam_shared *heap = attachments.first; heap; heap = heap->next)
        lock_take(&heap->lock);
}

static void after_fork_in_parent(void)
{
    for (struct loam_shared *heap = attachments.first; heap; heap = heap->next)
        lock_give(&heap->lock);
    lock_give(&attachments.lock);
}

static void reopen(struct loam_shared *heap)
{
    sys_close(heap->locks);
    heap->locks = sys_reopen(heap->fd, heap->watching ? O_RDONLY : O_RDWR);
}

static void after_fork_in_child(void)
{
    lock_init(&attachments.lock);
    for (struct loam_shared *heap = attachments.first; heap; heap = heap->next) {
        lock_init(&heap->lock);
        heap->me = 0;
        reopen(heap);
    }
}

static void start(void)
{
    classes_start();
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* --- attachments --- */

static int attach(int fd, bool watching, struct loam_shared **out)
{
    struct loam_shared *heap;
    int error = segment_attach(fd, watching, &heap);

    if (error)
        return error;
    if (!watching && (error = participant_join(heap))) {
        segment_detach(heap);
        return error;
    }
    heap->next = attachments.first;
    attachments.first = heap;
    *out = heap;
    return 0;
}

int shared_attach(int fd, bool watching, struct loam_shared **out)
{
    pthread_once(&attachments.once, start);
    lock_take(&attachments.lock);
    int error = attach(fd, watching, out);
    lock_give(&attachments.lock);
    return error;
}

static void forget(struct loam_shared *heap)
{
    struct loam_shared **link = &attachments.first;

    while (*link != heap)
        link = &(*link)->next;
    *link = heap->next;
}

PUBLIC void loam_shared_close(struct loam_shared *heap)
{
    if (!heap)
        return;
    lock_take(&attachments.lock);
    forget(heap);
    if (heap->me)
        participant_leave(heap);
    segment_detach(heap);
    lock_give(&attachments.lock);
}

/* --- blocks --- */

static void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

PUBLIC void *loam_shared_alloc(struct loam_shared *heap, size_t size)
{
    int error = shared_enter(heap);

    if (UNLIKELY(error)) {
        errno = -error;
        return NULL;
    }
    void *result = LIKELY(size <= BLOCK_MOST) ? slab_alloc(heap, class_for(size)) : large_alloc(heap, size);
    shared_leave(heap);
    return result;
}

PUBLIC void *loam_shared_calloc(struct loam_shared *heap, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return no_memory();
    void *result = loam_shared_alloc(heap, bytes);
    return result ? memset(result, 0, bytes) : NULL;
}

/* Blocks of a power of two are aligned to it, as slabs are to pages. */
PUBLIC void *loam_shared_aligned(struct loam_shared *heap, size_t alignment, size_t size)
{
    if (!is_power_of_two(alignment) || alignment > PAGE_SIZE) {
        errno = EINVAL;
        return NULL;
    }
    if (alignment <= 16 || size > BLOCK_MOST)
        return loam_shared_alloc(heap, size);
    size = max_size(size, alignment);
    return loam_shared_alloc(heap, is_power_of_two(size) ? size : (size_t)2 << floor_log2(size));
}

/* Whoever changes the tag is the one to free it; a holder need not, for it is the one to say who may. */
static int free_found(struct loam_shared *heap, const struct block *block)
{
    unsigned tag = tag_load(block_tag(block));
    bool held = tag == HELD_BY_ALL || (tag != 0 && !(tag & FREEING));

    if (tag != heap->me && !(held && tag_change(block_tag(block), tag, heap->me | FREEING)))
        return -EINVAL;
    block_free(heap, block);
    return 0;
}

PUBLIC int loam_shared_free(struct loam_shared *heap, void *address)
{
    struct block block;

    if (!address)
        return 0;
    int error = shared_enter(heap);
    if (error)
        return error;
    error = block_find(heap, address, &block) ? free_found(heap, &block) : -EINVAL;
    shared_leave(heap);
    return error;
}

PUBLIC size_t loam_shared_usable_size(struct loam_shared *heap, const void *address)
{
    struct block block;

    return block_find(heap, address, &block) ? block.size : 0;
}

PUBLIC int loam_shared_keep(struct loam_shared *heap, void *address)
{
    struct block block;
    int error = shared_enter(heap);

    if (error)
        return error;
    if (!block_find(heap, address, &block))
        error = -EINVAL;
    else if (!tag_change(block_tag(&block), heap->me, HELD_BY_ALL))
        error = -EPERM;
    shared_leave(heap);
    return error;
}

/* --- offsets --- */

PUBLIC uint64_t loam_shared_offset(const struct loam_shared *heap, const void *address)
{
    return offset_of(heap, address);
}

static bool lies_in(uint64_t offset, size_t size, uint64_t first, uint64_t end)
{
    return offset >= first && offset <= end && size <= end - offset;
}

static bool lies_in_blocks(const struct loam_shared *heap, uint64_t offset, size_t size)
{
    uint64_t first = offset_of(heap, heap->blocks);

    return lies_in(offset, size, first, heap->size) &&
           (size == 0 || slice_is_there(heap, (offset + size - 1 - first) >> SLICE_SHIFT));
}

PUBLIC void *loam_shared_at(const struct loam_shared *heap, uint64_t offset, size_t size)
{
    if (!lies_in_blocks(heap, offset, size) &&
        !lies_in(offset, size, offsetof(struct head, roots), sizeof(struct head)))
        return NULL;
    return heap->base + offset;
}

/* --- the whole --- */

PUBLIC int loam_shared_recover(struct loam_shared *heap)
{
    int error = shared_enter(heap);

    if (error)
        return error;
    unsigned count = participants_recover(heap);
    shared_leave(heap);
    return (int)count;
}

PUBLIC uint64_t loam_shared_trim(struct loam_shared *heap)
{
    if (shared_enter(heap))
        return 0;
    uint64_t slices = slices_trim(heap);
    shared_leave(heap);
    return slices * SLICE;
}
