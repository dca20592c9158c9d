/*
 * loam/protect.h - the protection of pages: read-only, guarded, never executable, sealed.
 *
 * The kernel protects whole pages, and objects of a heap share theirs with others. So there are three ways to protect
 * an object: on pages of its own (loam_pages_create), as a copy on such pages (loam_pages_freeze), or, of a large one,
 * those pages that nothing else lies in (loam_protect_within). What a caller holds as whole pages already is
 * protected by loam_protect(), which refuses anything else.
 *
 *     struct loam_pages table;
 *     if (loam_pages_freeze(&settings, sizeof(settings), LOAM_PAGES_SEALED, &table) == 0)
 *         use(table.data); // nothing in this process can write to it, move it or unmap it
 *
 * No protection here is both writable and executable. Functions return 0, or what they say, or -errno; on error outputs
 * are untouched. All are thread-safe, as far as no other thread changes the mappings of the same pages, and
 * async-signal-safe.
 * Source: mprotect(2), madvise(2), mseal(2), prctl(2), proc_pid_maps(5); Linux, Documentation/userspace-api/mseal.rst.
 */
#ifndef LOAM_PROTECT_H
#define LOAM_PROTECT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum loam_access { LOAM_ACCESS_NONE, LOAM_ACCESS_READ, LOAM_ACCESS_READ_WRITE, LOAM_ACCESS_READ_EXECUTE };

/*
 * Have `size` bytes at `start`, which are whole pages, accessible in this way from now on.
 *
 * -EINVAL if either is no multiple of the page size, if `size` is 0 or `start + size` overflows, or for no such access;
 * -ENOMEM if a part is not mapped (what lies before it may have changed), or for too many mappings; -EACCES if the
 * file below forbids it, or loam_never_execute() does; -EPERM if a part is sealed.
 */
int loam_protect(void *start, size_t size, enum loam_access access);

/* Whole pages. */
struct loam_protect_span {
    void *start;
    size_t size; /* bytes */
};

/*
 * The same for the pages that lie in an object of `size` bytes as a whole; *out says which these are. What shares a
 * page with anything else is not touched: up to a page less a byte at either end. Make them readable and writable again
 * before the object is freed.
 *
 * -ERANGE if there is no such page; -EINVAL if `object + size` overflows, or for no such access; else as
 * loam_protect().
 */
int loam_protect_within(void *object, size_t size, enum loam_access access, struct loam_protect_span *out);

/* --- objects on pages of their own --- */

struct loam_pages {
    void *data; /* the object */
    size_t size;
    void *mapping; /* all of its pages, with the guards: the functions' own */
    size_t mapped;
};

enum {
    LOAM_PAGES_GUARDED = 1, /* an inaccessible page on either side */
    LOAM_PAGES_AT_END = 2,  /* the object ends where its pages do, less at most 15 bytes of alignment */
    LOAM_PAGES_SEALED = 4,  /* for loam_pages_freeze(): sealed, too */
};

/*
 * Map `size` bytes of zeroes, readable and writable, on pages that nothing else is in. `data` is aligned to 16 bytes,
 * and to a page without LOAM_PAGES_AT_END; with both flags, to write 16 bytes past the object's end faults.
 *
 * -EINVAL for a size of 0 or unknown flags; -ENOMEM; -EAGAIN past the limit of locked memory, where all that is mapped
 * is locked (mlockall(2)). Release with loam_pages_destroy().
 */
int loam_pages_create(size_t size, unsigned flags, struct loam_pages *out);

/*
 * Copy an object of `size` bytes to pages of its own, which are read-only from the start: so an object of the heap
 * becomes read-only. The object itself stays as it is. Errors: as loam_pages_create(), loam_pages_seal().
 */
int loam_pages_freeze(const void *object, size_t size, unsigned flags, struct loam_pages *out);

/* Have the object accessible in this way; its guards stay. Errors: as loam_protect(). */
int loam_pages_protect(const struct loam_pages *pages, enum loam_access access);

/* Seal the object and its guards, as loam_seal(). They stay until the process ends. */
int loam_pages_seal(const struct loam_pages *pages);

/* Unmap the object. -EPERM if it is sealed; -ENOMEM. On error it is still there. */
int loam_pages_destroy(const struct loam_pages *pages);

/* --- ranges of pages --- */

/*
 * Have every access to whole pages of private, anonymous, readable and writable memory fault. What they hold is
 * dropped. Where the kernel has MADV_GUARD_INSTALL (Linux 6.13) this takes no mapping of its own.
 *
 * -EINVAL for what are no whole pages, or if a part is locked (mlock(2)), which the kernel does not drop: the rest may
 * have been dropped then, but can be accessed; -ENOMEM if a part is not mapped, or for too many mappings; -EPERM if a
 * part is sealed.
 */
int loam_guard(void *start, size_t size);

/* Have them accessible again, readable and writable, as zeroes. Errors: as loam_protect(). */
int loam_unguard(void *start, size_t size);

/*
 * Fix the mapping and the protection of whole pages until the process ends: mprotect(2), munmap(2), mremap(2), mmap(2)
 * over them, and what would drop what they hold while they are read-only, fail with EPERM. Children that fork(2) makes
 * inherit it.
 *
 * -EINVAL for what are no whole pages; -ENOMEM if a part is not mapped; -ENOSYS before Linux 6.10; -EPERM where the
 * processor has 32 bits.
 */
int loam_seal(void *start, size_t size);

/*
 * From now on no memory of this process becomes executable that is not so now, and none is mapped both writable and
 * executable: mprotect(2) and mmap(2) fail with EACCES. It cannot be undone; children inherit it. Libraries can still
 * be loaded by dlopen(3), as a rule; code that is generated at run time cannot be run.
 *
 * -EINVAL before Linux 6.3, or where the processor cannot; -EPERM if it was set with PR_MDWE_NO_INHERIT already.
 */
int loam_never_execute(void);

/* --- what holds now --- */

struct loam_protection {
    void *start;                        /* of the mapping */
    size_t size;                        /* bytes */
    int readable, writable, executable; /* 1 or 0 */
    int shared;                         /* 1 for MAP_SHARED */
};

/*
 * The mapping that holds `address`, as the kernel tells it. Guards of MADV_GUARD_INSTALL are no mappings, and not told.
 * By PROCMAP_QUERY, in some microseconds (Linux 6.11), else by a reading of /proc/self/maps. Whether it is sealed the
 * kernel does not tell.
 *
 * -ENOENT if nothing is mapped there; -errno of open(2) or read(2) where /proc cannot be read.
 */
int loam_protection(const void *address, struct loam_protection *out);

#ifdef __cplusplus
}
#endif

#endif
