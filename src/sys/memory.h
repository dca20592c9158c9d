/*
 * memory.h - the system calls by which pages are locked, sealed and hidden.
 *
 * As in sys.h: each returns what the manual page of its namesake says, or -errno, and leaves errno alone.
 */
#ifndef LOAM_SYS_MEMORY_H
#define LOAM_SYS_MEMORY_H

#include "base/base.h"

/* Replace what lies at the address by addresses that cannot be accessed. */
int sys_reserve_at(void *address, size_t size);

/* mmap(2) itself. Returns the address or -errno. */
intptr_t sys_map_file(void *address, size_t size, int protection, int flags, int fd, uint64_t offset);

/* PROT_ values of mprotect(2). */
int sys_protect(void *address, size_t size, int protection);

/* mremap(2) to where there is room, of pages of one mapping. Returns the new address or -errno. */
intptr_t sys_remap(void *address, size_t from, size_t to);

/* The same to an address, whose own mappings go. */
intptr_t sys_remap_at(void *address, size_t from, size_t to, void *target);

/* Write what was stored to pages of a file: MS_ values of msync(2). */
int sys_sync_pages(void *address, size_t size, int flags);

/* MADV_ values of madvise(2). */
int sys_advise(void *address, size_t size, int advice);

/* Lock pages, and populate them unless `on_fault`; before Linux 4.4, and in emulators that lack mlock2(2), always. */
int sys_lock(const void *address, size_t size, bool on_fault);
int sys_unlock(const void *address, size_t size);

/* MCL_ values of mlockall(2). */
int sys_lock_all(int flags);
int sys_unlock_all(void);

/* Linux 6.10, else -ENOSYS. */
int sys_seal(void *address, size_t size);

/*
 * Protection keys: a new one that this thread may use, or -ENOSPC. Linux 4.9 and a processor that has them, else
 * -ENOSYS.
 */
int sys_key_new(void);
int sys_key_free(int key);
int sys_key_protect(void *address, size_t size, int protection, int key);

/* What the calling thread may not do to pages of a key that it was given. */
enum { KEY_NO_ACCESS = 1, KEY_NO_WRITE = 2 };
unsigned sys_key_rights(int key);
void sys_key_set_rights(int key, unsigned rights);

/* Bytes of the soft limit; UINT64_MAX for none. `resource` as for getrlimit(2). */
uint64_t sys_limit(int resource);

int sys_random(void *out, size_t size);

/* Bytes that the process may lock; UINT64_MAX without a limit, or where it does not hold for the process. */
uint64_t sys_lock_limit(void);

/* Of the processor's setting: PAGE_SIZE, or a multiple. */
size_t sys_page_size(void);

int sys_prctl(int option, unsigned long argument);

#endif
