/*
 * loam/secret.h - memory for keys.
 *
 * Secrets are allocated in groups. Those of a group share pages, which are locked in memory, left out of core files,
 * zero in a forked child, and lie between pages that fault. Each secret lies between bytes that are compared when it is
 * freed, and is wiped then; all are wiped at exit(3) and by the signals below. A group's secrets are made inaccessible,
 * readable or writable together.
 *
 *     struct loam_secret_group *keys = loam_secret_group_create("keys", 0);
 *     unsigned char *key = loam_secret_alloc(keys, 32);
 *     ...
 *     loam_secret_access(keys, LOAM_SECRET_NONE); // until it is needed: a use is a fault with a report
 *
 * A secret of 32 bytes takes 64 of locked memory. What a compiler leaves of it in registers and on the stack, and what
 * the kernel has of it in buffers, is not covered.
 *
 * Signals. When a group is created, each of SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV,
 * SIGTERM, SIGSYS, SIGXCPU and SIGXFSZ that has its default action gets a handler that wipes all secrets and then has
 * the signal end the process as it would have. SIGSEGV and SIGBUS get it even where the program has a handler, which is
 * called for every fault that is not at a secret's address. A handler that is installed later replaces this one; if it
 * ends the process, it can call loam_secret_wipe_all() first. Other signals, SIGKILL among them, _exit(2) and
 * quick_exit(3) wipe nothing; the kernel then clears the pages before anyone else gets them.
 *
 * fork(2). A child finds zeroes in every secret, and may free it. It may go on to allocate. A child made by a bare
 * clone(2) or _Fork(3) must not use secrets if another thread was in a function of these at that moment. Handlers of
 * pthread_atfork(3) must not use secrets. A child of vfork(2) has its parent's secrets, which stay if a signal ends
 * it.
 *
 * The handlers stay for as long as the process does. So does libloam-kit.so, whatever dlclose(3) is called for; another
 * library that contains these functions must not be unloaded.
 *
 * All functions are thread-safe. loam_secret_wipe(), loam_secret_equal() and loam_secret_wipe_all() are
 * async-signal-safe, the others are not.
 * Source: mlock2(2), madvise(2), mprotect(2), memfd_secret(2), pkeys(7).
 */
#ifndef LOAM_SECRET_H
#define LOAM_SECRET_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- groups --- */

struct loam_secret_group;

enum {
    /* Where memory cannot be locked, left out of core files or emptied in a child, do without:
     * loam_secret_status() says what was lost. */
    LOAM_SECRET_BEST_EFFORT = 1,

    /* Each secret has pages of its own, and ends within 24 bytes of one that faults if aligned to 16. What is freed
     * faults, until the addresses of all secrets, up to 1 GiB, have been used once. */
    LOAM_SECRET_ISOLATED = 2,

    /* memfd_secret(2): not to be read through /proc/PID/mem or by a debugger either. Memory is taken in pieces of
     * 56 KiB. Best effort does not weaken this. */
    LOAM_SECRET_HIDDEN = 4,

    /* A protection key, see pkeys(7): access is switched for the calling thread alone, at the cost of an
     * instruction. A thread starts with the access of the one that creates it; those that exist when the group is
     * created, and each signal handler, with none. But a thread keeps what it may do with a key, and a group may get
     * that of one that another thread has destroyed. */
    LOAM_SECRET_KEYS = 8,
};

/*
 * A group, open for reading and writing; its name, of which 31 bytes are kept, is for reports; NULL: "". Released by
 * loam_secret_group_destroy(). NULL with errno:
 *   EINVAL   a flag that is not known
 *   EACCES   all has been wiped
 *   ENOMEM   no memory, or no addresses
 *   ENOSYS   HIDDEN, and the kernel has no memfd_secret(2), or it is switched off
 *   ENOTSUP  KEYS, and the processor or the kernel has none, or it is not x86-64
 *   ENOTSUP  pages are larger than 4 KiB, as on some aarch64
 *   ENOTSUP  without BEST_EFFORT, and the kernel cannot leave memory out of core files or empty it in a child
 *   ENOSPC   KEYS, and all of the processor's are in use
 * or an error of getrandom(2).
 */
struct loam_secret_group *loam_secret_group_create(const char *name, unsigned flags);

/*
 * Wipe and release all secrets of the group, and the group. NULL is ignored. No other thread may use it any more. To
 * use a group that there is not, or not any more, stops the process with a report if it is noticed.
 */
void loam_secret_group_destroy(struct loam_secret_group *group);

enum loam_secret_access { LOAM_SECRET_NONE, LOAM_SECRET_READ, LOAM_SECRET_READ_WRITE };

/*
 * What may be done with the group's secrets from now on, by all threads (with KEYS, by the calling one). It is not
 * counted: threads that open and close a group take turns. A system call that is given a closed secret fails with
 * EFAULT. Returns 0, or -1 with EINVAL, with ENOMEM (mprotect(2): too many mappings), or with EACCES (all has been
 * wiped), and nothing has changed.
 */
int loam_secret_access(struct loam_secret_group *group, enum loam_secret_access access);

/* Bits of `lost`. */
enum {
    LOAM_SECRET_LOST_LOCK = 1, /* some memory may be written to swap */
    LOAM_SECRET_LOST_DUMP = 2, /* core files may have the secrets */
    LOAM_SECRET_LOST_FORK = 4, /* a forked child has the secrets */
};

struct loam_secret_status {
    size_t secrets;  /* that are allocated */
    size_t bytes;    /* that were asked for, for these */
    size_t locked;   /* bytes of memory held for the group that are locked */
    size_t unlocked; /* bytes that could not be locked; in a child, locks are not inherited, but taken again */
    unsigned lost;   /* what was done without */
};

/* Returns 0; there is no error. */
int loam_secret_status(struct loam_secret_group *group, struct loam_secret_status *out);

/* Compare the bytes around each secret of the group; the process stops with a report if some have been overwritten. */
void loam_secret_check(struct loam_secret_group *group);

/* --- secrets --- */

/*
 * Allocate `size` bytes of zeroes, aligned to 16 bytes; 0 bytes have an address of their own, too. Free with
 * loam_secret_free(). NULL with errno, and nothing has changed:
 *   EACCES   the group is not open for reading and writing, or all has been wiped
 *   EAGAIN   the memory cannot be locked: RLIMIT_MEMLOCK, see mlock(2); not with BEST_EFFORT, unless HIDDEN
 *   ENOMEM   no memory, or no addresses
 */
void *loam_secret_alloc(struct loam_secret_group *group, size_t size);

/* Aligned to `alignment` bytes, a power of two up to 4096; else EINVAL. */
void *loam_secret_aligned(struct loam_secret_group *group, size_t alignment, size_t size);

/*
 * Move a secret to where it has `size` bytes, aligned to 16; what is new is zero, the old place is wiped. The group
 * must be open. NULL with errno as loam_secret_alloc(), and the secret stays as it was.
 */
void *loam_secret_realloc(void *secret, size_t size);

/*
 * Wipe and release; the group need not be open: the pages are opened for that moment. NULL is ignored. To use it
 * afterwards is a fault where no other secret is in its pages; else it reads zeroes, or another secret. The process
 * stops with a report if this is not the start of an allocated secret, if bytes around it have been overwritten, or if
 * the kernel refuses to open it, so that it cannot be wiped.
 */
void loam_secret_free(void *secret);

/* The bytes asked for; 0 for NULL. The process stops with a report if this is not the start of an allocated secret. */
size_t loam_secret_size(const void *secret);

/* 1 if n bytes are the same, else 0; the time depends on n alone. Of any memory. */
int loam_secret_equal(const void *a, const void *b, size_t n);

/* Set n bytes to zero, even if nothing reads them afterwards. Of any memory. */
void loam_secret_wipe(void *data, size_t n);

/*
 * Wipe every secret, for good; for a handler of a signal after which the process ends. The addresses become
 * inaccessible before the secrets become zero, so that no other thread works on with a key of zeroes: one that
 * uses a secret afterwards sleeps until the process ends. If another thread has begun to, wait for it. Allocations fail
 * with EACCES, frees do nothing, and sizes are 0.
 */
void loam_secret_wipe_all(void);

#ifdef __cplusplus
}
#endif

#endif
