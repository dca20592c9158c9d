/*
 * loam/lock.h - memory that is there: locked, so that to use it never waits for a page.
 *
 * Locked pages are in memory from the start, and stay there until they are unlocked. A secret does not reach the disk
 * so, and a program with deadlines takes no page fault after its start:
 *
 *     if (loam_lock_prepare(64 << 20, 1 << 20) < 0) // 64 MiB of heap, 1 MiB of stack
 *         ...
 *     run(); // ru_minflt and ru_majflt of getrusage(2) stay as they are
 *
 * How much may be locked is limited (RLIMIT_MEMLOCK, often 8 MiB) unless the process has CAP_IPC_LOCK; the functions
 * below tell what there is, and what room is left. Locks are of the process, not inherited by children that fork(2)
 * makes, and end with execve(2).
 *
 * Functions return 0, or what they say, or -errno; on error outputs are untouched. All are thread-safe, and none is
 * async-signal-safe. mlock(2), munlock(2) and their like are not to be used on the same pages.
 * Source: mlock(2), getrlimit(2), mallopt(3), proc_pid_status(5), proc_pid_smaps(5); Linux,
 * Documentation/mm/unevictable-lru.rst.
 */
#ifndef LOAM_LOCK_H
#define LOAM_LOCK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- ranges --- */

/*
 * Lock the pages that `size` bytes at `start` lie in: they are brought into memory, and stay there. Locks are counted:
 * a page is locked as long as any range is that it lies in. Unlock with loam_unlock() before the memory is unmapped;
 * what lies in the heap, before it is freed.
 *
 * -EINVAL if `size` is 0 or `start + size` overflows; -ENOMEM for more than the limit allows, for memory that is not
 * mapped or not accessible, or for too many mappings; -EPERM if the limit is 0; -EAGAIN if some pages could not be
 * brought in. On error, what was locked before is locked still, and nothing else.
 */
int loam_lock(const void *start, size_t size);

/*
 * End one lock of a range: of the same pages, as one call of loam_lock() locked them. Those that lie in no other locked
 * range can be taken from memory again, unless loam_lock_all() holds. Also those of a heap that LOAM_OPTIONS=lock=heap
 * keeps locked: what that has locked is not known here.
 *
 * -EINVAL if the range is not locked, and nothing has happened; -ENOMEM if a part is not mapped any more, or for too
 * many mappings: the lock has ended all the same, and pages of it may still be in memory.
 */
int loam_unlock(const void *start, size_t size);

/* --- the whole process --- */

enum {
    LOAM_LOCK_NOW = 1, /* all that is mapped now */
    LOAM_LOCK_FUTURE =
        2, /* all that will be mapped: the heap as it grows, libraries, the stacks of threads as a whole */
    LOAM_LOCK_ON_FAULT = 4, /* pages are not brought in, but stay once they have been used */
};

/*
 * Lock the whole process. A later call says anew what is done with future mappings; what is locked stays so. With
 * LOAM_LOCK_FUTURE, mmap(2), and so malloc(3), fails where it would pass the limit, and a stack that would is ended by
 * SIGSEGV. A process without a limit meets it when it gives CAP_IPC_LOCK up, as by setuid(2): it is to be raised first.
 *
 * -EINVAL for unknown flags, or neither NOW nor FUTURE; -ENOMEM for more than the limit allows, which counts addresses
 * that are reserved only, too; -EPERM if the limit is 0. On error nothing has changed.
 */
int loam_lock_all(unsigned what);

/* End it. Ranges stay locked; if one cannot be locked again, that error of loam_lock() is returned, of the first. */
int loam_unlock_all(void);

/*
 * For programs with deadlines, at their start: have `stack` bytes below the caller's frame, and `heap` bytes that
 * malloc(3) serves from, in memory; then loam_lock_all(LOAM_LOCK_NOW | LOAM_LOCK_FUTURE). From then on the process
 * takes no page fault while this thread's stack and the live objects of the heap, with what lies between them, stay
 * within that.
 *
 * malloc(3) is told by mallopt(3) to keep what is freed, to use no mappings of their own for large objects, and one
 * arena for all threads; so it stays after a failure. musl's cannot be told so: it asks the kernel for what is large
 * again and again, which brings it in by then, and counts that as faults. loam's own heap is to be started with
 * LOAM_OPTIONS=lock=all, or sample=0, else the objects that it samples are pages apart. What it takes beyond `heap` is
 * populated when it asks the kernel. The stacks of threads that start later are brought in as a whole as they start.
 * Beyond its reach: pages that a child of fork(2) shares, until they are written to; files that are truncated; what the
 * kernel migrates (compaction, NUMA balancing), which takes minor faults.
 *
 * -ERANGE if the thread's stack has no `stack` bytes left, as far as its limit goes (it grows as any stack does: where
 * the machine has no memory for it, by SIGSEGV), or if the caller is on another one; -ENOMEM if malloc(3) has not
 * `heap` bytes; else as loam_lock_all(). On error nothing is locked by it.
 */
int loam_lock_prepare(size_t heap, size_t stack);

/* --- what is locked --- */

/*
 * Bytes that are locked and count against the limit: VmLck. Mappings count as a whole, whether their pages are there
 * or not. UINT64_MAX where /proc cannot be read.
 */
uint64_t loam_locked_bytes(void);

/*
 * Bytes that may be: RLIMIT_MEMLOCK; UINT64_MAX if that is none, or with CAP_IPC_LOCK. Root of a user namespace, as in
 * a container of an ordinary user, is limited as that user is.
 */
uint64_t loam_locked_limit(void);

/* Bytes that may still be: the limit less what is locked, and 0 where that is not known. UINT64_MAX without a limit. */
uint64_t loam_locked_room(void);

/*
 * How many of `size` bytes at `start` are in locked mappings, and in memory, into *locked; whoever locked them. It
 * reads /proc/self/smaps, which takes some tenths of a millisecond. -EINVAL if `start + size` overflows; -errno of
 * open(2), read(2) of /proc/self/smaps and of mincore(2).
 */
int loam_locked_in(const void *start, size_t size, size_t *locked);

/* A locked mapping. */
struct loam_locked {
    void *start;
    size_t size;      /* bytes */
    size_t resident;  /* bytes of them that are in memory */
    const char *name; /* of the file, or as "[heap]"; "" for none; until the function returns */
};

/*
 * Call visit(mapping, context) for each locked mapping, in the order of addresses, until it returns other than 0.
 * Returns that, or 0; -errno of open(2) or read(2) of /proc/self/smaps.
 */
int loam_locked_walk(int (*visit)(const struct loam_locked *mapping, void *context), void *context);

#ifdef __cplusplus
}
#endif

#endif
