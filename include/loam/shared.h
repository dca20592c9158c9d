/*
 * loam/shared.h - a heap in shared memory, which several processes allocate from and free to.
 *
 * It lies in a file of memory: by name, as of shm_open(3), or without one (memfd_create(2)) for children and for
 * whoever is given the descriptor. Each process has it at an address of its own, so what is stored in it are offsets or
 * references, never pointers. It grows as it is used, up to the limit that it was made with.
 *
 * Each attachment, one per process as a rule, is a participant. A block has a holder: the participant that allocated
 * it, until that publishes it in a cell, keeps it, or frees it. When a participant detaches, or dies wherever it is,
 * what it holds is freed, and the others go on: none waits for a lock that a dead one has. So what is to stay must be
 * published or kept:
 *
 *     struct message *m = loam_shared_alloc(heap, sizeof(*m));     // mine; freed if I die
 *     ...
 *     loam_shared_push(heap, inbox, m, &m->next);                  // everyone's, in one step
 *
 *     struct message *m = loam_shared_pop(heap, inbox, offsetof(struct message, next)); // mine, in one step
 *     ...
 *     loam_shared_free(heap, m);
 *
 * Functions return 0 or -errno, or a pointer, or NULL with errno; on error nothing has changed. An attachment may be
 * used by any thread of its process, one at a time, others wait; threads that are to run in parallel attach by
 * themselves. A forked child has the attachments of its parent, as a participant of its own, which holds nothing yet; a
 * function that would have it take part fails with ESTALE if the file cannot be opened anew, which needs /proc and
 * permission, and with EUSERS if there are too many. Nothing here is async-signal-safe.
 *
 * Dead is who has ended: not who is stopped, nor who still writes a core file. A child that was made without the
 * handlers of pthread_atfork(3) must use no attachment, and keeps its parent's alive.
 *
 * Who may take part is a matter of the file's permissions; who may write to it can destroy what is in it. A file that
 * is not a heap or is damaged is refused when it is attached, and no offset in it is used unchecked. Only a file with a
 * name can be truncated by others, which is SIGBUS to all who use it.
 *
 * Source: shm_overview(7), memfd_create(2), fcntl(2) "Open file description locks".
 */
#ifndef LOAM_SHARED_H
#define LOAM_SHARED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct loam_shared;

/* --- heaps --- */

/*
 * Make a heap called `name`, without a slash, for at most `limit` bytes of blocks (0: 1 GiB; rounded up to 64 KiB), and
 * attach to it. `mode` is that of open(2). It appears whole, or not at all. -EEXIST: there is one; -EINVAL: the name,
 * or a limit above 16 TiB; -EFBIG beyond RLIMIT_FSIZE, without SIGXFSZ; -ENOSPC, -ENOMEM, or what open(2), linkat(2),
 * fallocate(2) or mmap(2) fail with. It stays, as /dev/shm/NAME, until its name is removed, also while nobody is
 * attached. What a limit costs by itself is 8 bytes of memory for each 64 KiB. Each participant takes memory for small
 * blocks in slices of 64 KiB, one at least for each size: a limit of less than some MiB is soon reached.
 */
int loam_shared_create(const char *name, uint64_t limit, mode_t mode, struct loam_shared **out);

/*
 * Attach to the heap of that name. -ENOENT: there is none; -EACCES; -EBADMSG: it is not a heap, or damaged, or of
 * another version; -EUSERS: it has 255 participants.
 */
int loam_shared_open(const char *name, struct loam_shared **out);

/* Make a heap without a name, which is gone with its last attachment and descriptor. Its memory is the machine's: where
 * the limit is more than there is, the kernel ends processes before it is reached. */
int loam_shared_anonymous(uint64_t limit, struct loam_shared **out);

/*
 * Attach to the heap in a file that is open; the descriptor stays the caller's. The file is opened anew, through /proc,
 * for reading and writing: -EACCES if that is not permitted, -ENOENT for a descriptor that is none; else as
 * loam_shared_open().
 */
int loam_shared_open_fd(int fd, struct loam_shared **out);

/*
 * Attach for looking only, which needs no more than permission to read: this is no participant, and nothing is changed.
 * For loam_shared_peek(), _usable_size(), _offset(), _at(), _roots(), _measure(), _participants() and _validate(); all
 * that would change something fails with -EROFS.
 */
int loam_shared_watch(const char *name, struct loam_shared **out);

/* The descriptor of a heap's file, to be given to another process, as by a socket; it stays the attachment's. */
int loam_shared_fd(const struct loam_shared *heap);

/* Remove the name. The heap goes with its last attachment. -ENOENT, -EINVAL, or what unlink(2) fails with. */
int loam_shared_unlink(const char *name);

/* Detach: what this participant still holds is freed. NULL is ignored. */
void loam_shared_close(struct loam_shared *heap);

/* --- blocks --- */

/*
 * Allocate `size` bytes, aligned to 16, not zeroed; a size of 0 gives a block, too. NULL with ENOMEM: the limit,
 * RLIMIT_FSIZE, or the memory of the machine or its file system, is reached.
 */
void *loam_shared_alloc(struct loam_shared *heap, size_t size);

/* Zeroed; a product that overflows is ENOMEM. */
void *loam_shared_calloc(struct loam_shared *heap, size_t count, size_t size);

/* Aligned to `alignment` bytes, a power of two of up to 4096, else NULL with EINVAL. */
void *loam_shared_aligned(struct loam_shared *heap, size_t alignment, size_t size);

/*
 * Free a block, whoever holds it. -EINVAL: it is not the start of a block in use, or another is freeing it. NULL is
 * ignored. One that is in a cell must be taken out first; and one that has a holder must not be freed by that and
 * another at the same time: it is the one case of two frees that is not noticed.
 */
int loam_shared_free(struct loam_shared *heap, void *block);

/* The bytes that can be used at a block; 0 for what is not the start of one in use. */
size_t loam_shared_usable_size(struct loam_shared *heap, const void *block);

/*
 * From now on the block is everyone's, and stays when this participant goes. -EINVAL; -EPERM: this participant does not
 * hold it.
 */
int loam_shared_keep(struct loam_shared *heap, void *block);

/* --- cells: where blocks are published --- */

/* Of a block or a root, aligned to 8 bytes; zeroed, it is empty. Changed by the functions below only. */
struct loam_shared_cell {
    uint64_t word;
};

/*
 * Publish a block that this participant holds in an empty cell. In one step it is in the cell and everyone's, whatever
 * happens to this process. -EEXIST: the cell is not empty; -EINVAL: the block is not in use, or the cell is not in the
 * heap; -EPERM: this participant does not hold the block.
 */
int loam_shared_publish(struct loam_shared *heap, struct loam_shared_cell *cell, void *block);

/*
 * Take the block out of a cell: it is this participant's then. NULL with ENOENT: the cell is empty; EBADMSG: its block
 * was freed in it; EINVAL.
 */
void *loam_shared_take(struct loam_shared *heap, struct loam_shared_cell *cell);

/*
 * The same of a stack: push publishes a block on top of what the cell has, which is linked to by the cell `next` in the
 * block; pop takes the top block, whose `next` is so many bytes from its start. -EINVAL, too: `next` is not in the
 * block. Not to be mixed with the two above: to take the top of a stack loses what is under it.
 */
int loam_shared_push(struct loam_shared *heap, struct loam_shared_cell *cell, void *block,
                     struct loam_shared_cell *next);
void *loam_shared_pop(struct loam_shared *heap, struct loam_shared_cell *cell, size_t next);

/* The block in a cell, which stays there; NULL for none. Whether it is still there is for the callers to agree on. */
void *loam_shared_peek(struct loam_shared *heap, const struct loam_shared_cell *cell);

/* --- roots: cells that have a name --- */

/* The cell of that name, of up to 47 bytes; it is made, empty, if there is none. NULL with EINVAL, or ENOSPC: 256 have
 * been made. */
struct loam_shared_cell *loam_shared_root(struct loam_shared *heap, const char *name);

/* Remove the name of an empty cell, which must not be used any more. -ENOENT; -EBUSY: it is not empty. */
int loam_shared_remove_root(struct loam_shared *heap, const char *name);

/* Call visit with each name and what is in its cell until it returns something other than 0, which is returned. */
int loam_shared_roots(struct loam_shared *heap, int (*visit)(void *context, const char *name, const void *block),
                      void *context);

/* --- offsets and references --- */

/* The offset of an address in the heap, never 0; 0 for NULL. It means the same to every participant. Of an address that
 * is not in this attachment it means nothing. */
uint64_t loam_shared_offset(const struct loam_shared *heap, const void *address);

/* The address of `size` bytes at an offset; NULL for 0, and where they are not all where blocks can be, or all in
 * roots. Whether there is a block loam_shared_usable_size() tells. */
void *loam_shared_at(const struct loam_shared *heap, uint64_t offset, size_t size);

/*
 * A pointer within the heap that is right wherever that is mapped: the distance from itself, so a copy is wrong.
 * Zeroed, it is NULL.
 */
struct loam_shared_ref {
    int64_t distance;
};

static inline void loam_shared_ref_set(struct loam_shared_ref *ref, const void *to)
{
    ref->distance = to ? (int64_t)((uintptr_t)to - (uintptr_t)ref) : 0;
}

static inline void *loam_shared_ref_get(const struct loam_shared_ref *ref)
{
    return ref->distance ? (void *)((uintptr_t)ref + (uintptr_t)ref->distance) : NULL;
}

/* --- the whole --- */

/*
 * Free what participants held that have died, now. Else it is done when someone attaches in place of one, needs a cell
 * that one was changing, or would need fresh memory. Returns how many they were, or -errno.
 */
int loam_shared_recover(struct loam_shared *heap);

/* Give the memory of free slices back to the system. Returns its bytes. */
uint64_t loam_shared_trim(struct loam_shared *heap);

/* Bytes, where nothing else is said. Exact while nobody allocates. */
struct loam_shared_stats {
    uint64_t limit;
    uint64_t backed;       /* has memory */
    uint64_t used;         /* in blocks in use, rounding included */
    uint64_t blocks;       /* how many they are */
    uint64_t held;         /* of `used`: what a participant alone holds */
    uint64_t lost;         /* of `held`: what dead ones do, until it is recovered */
    unsigned participants; /* how many take part */
    unsigned dead;         /* how many have died and are not recovered */
    unsigned roots;        /* names */
};

void loam_shared_measure(struct loam_shared *heap, struct loam_shared_stats *out);

struct loam_shared_participant {
    unsigned number;
    pid_t pid; /* as it sees itself */
    int dead;  /* not 0: it has died and is not recovered */
    uint64_t held;
};

/* Call visit with each participant until it returns something other than 0, which is returned. It must not use the
 * heap. */
int loam_shared_participants(struct loam_shared *heap,
                             int (*visit)(void *context, const struct loam_shared_participant *participant),
                             void *context);

/* Check all of the heap, while nobody changes it. Returns the number of faults, each told on stderr. */
int loam_shared_validate(struct loam_shared *heap);

#ifdef __cplusplus
}
#endif

#endif
