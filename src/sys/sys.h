/*
 * sys.h - every system call that the heap makes.
 *
 * Each function returns what the manual page of its namesake says, or -errno, and leaves errno alone.
 * Thread-safe and async-signal-safe. In builds with LOAM_INJECT, sys_inject decides before each call
 * whether it fails.
 */
#ifndef LOAM_SYS_SYS_H
#define LOAM_SYS_SYS_H

#include "base/base.h"

#include <sys/types.h>

#ifdef LOAM_INJECT
/*
 * Test builds: called with the name of each system call; what is not 0 is its -errno. Weak, as each member of
 * libloam-kit.a has it.
 */
extern PUBLIC __attribute__((weak)) long (*sys_inject)(const char *call);
#endif

/* Reserve `size` bytes of addresses that cannot be accessed, at no cost in memory. Returns the address or -errno. */
intptr_t sys_reserve(size_t size);

/* Map `size` bytes of zeroes, readable and writable. Returns the address or -errno. */
intptr_t sys_map(size_t size);

/* Replace what lies at the address by fresh zeroes that merge with the mappings around them. */
int sys_remap_fresh(void *address, size_t size);

int sys_unmap(void *address, size_t size);

/* Make pages readable and writable. */
int sys_protect_rw(void *address, size_t size);

int sys_protect_ro(void *address, size_t size);

/* Make pages inaccessible; what they hold stays. */
int sys_protect_none(void *address, size_t size);

/*
 * Drop pages and have every access to them fault, without a mapping of their own; and let them be accessed again, as
 * zeroes. Linux 6.13, else -EINVAL.
 */
int sys_guard(void *address, size_t size);
int sys_unguard(void *address, size_t size);

/*
 * Whether core files have these pages: some debuggers write all that is reserved. A core is not worth failing for, so
 * that the kernel refuses has no effect.
 */
void sys_dump(void *address, size_t size, bool wanted);

/* Give the memory of pages back to the kernel; they read as zeroes after. */
int sys_purge(void *address, size_t size);

/* Ask for huge pages where pages that are not there yet are touched. */
int sys_advise_huge(void *address, size_t size);

/* Have the kernel find memory for pages that are about to be written to. Linux 5.14, else -EINVAL. */
int sys_populate(void *address, size_t size);

/* Set the lowest bit of one byte of `pages` for each page that is in memory; those in swap are not. */
int sys_resident(const void *address, size_t size, unsigned char *pages);

/* Move the pages of `from` to `to`, whose own are dropped; `from` stays mapped and empty. Linux 5.7, else -EINVAL. */
int sys_move_pages(void *from, void *to, size_t size);

/* The raw brk(2): sets the break to `end` (0: only asks) and returns the break as it is then. */
uintptr_t sys_brk(uintptr_t end);

uint64_t sys_ram(void);           /* bytes of physical memory; 0 when unknown */
uint64_t sys_address_limit(void); /* RLIMIT_AS in bytes, UINT64_MAX for none */
uint64_t sys_now_ms(void);        /* CLOCK_MONOTONIC_COARSE */
uint64_t sys_now_ns(void);        /* CLOCK_MONOTONIC */
uint64_t sys_cpu_ns(void);        /* CLOCK_PROCESS_CPUTIME_ID: of all threads */
int sys_pid(void);
int sys_parent_pid(void);
int sys_thread(void);

/* Send a signal to the calling thread: in a child of vfork(2), too, where musl's raise(3) sends it to the parent's. */
void sys_raise(int number);

int sys_open_read(const char *path);
int sys_create(const char *path); /* for writing; it must not exist */
ssize_t sys_read(int fd, void *buffer, size_t size);
ssize_t sys_write(int fd, const void *buffer, size_t size);
int sys_close(int fd);
ssize_t sys_list(int fd, void *entries, size_t size); /* getdents64(2) */

/* Copy of this process's own memory, which need not be there: -EFAULT then. Returns 0 or -errno. */
int sys_copy(void *to, const void *from, size_t size);

int sys_cpu_times(uint64_t *user_ns, uint64_t *system_ns, uint64_t *minor, uint64_t *major);

/* End the process, at once. */
_Noreturn void sys_exit(int status);

void sys_futex_wait(ATOMIC uint32_t *word, uint32_t expected);
void sys_futex_wake(ATOMIC uint32_t *word);

#endif
