/*
 * loam/mem.h - the routines of raw memory.
 *
 * They do what the standard's functions of these names do, as fast as the processor can: which instructions they use is
 * found out at the first call (LOAM_OPTIONS=cpu=sse2, avx2 or avx512 sets it). All are thread-safe and may be called in
 * signal handlers. Where a size is 0, nothing is read or written, whatever the pointers. No byte of a page is
 * read of which the arguments have none.
 *
 * Sources: ISO C 7.26 (memcpy, memmove, memset, memcmp, memchr), POSIX.1 (memccpy), and the manual pages of mempcpy(3),
 * memrchr(3), rawmemchr(3), memmem(3) and explicit_bzero(3) for the rest.
 */
#ifndef LOAM_MEM_H
#define LOAM_MEM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Copy n bytes. Returns `to`. The two may overlap, too, though a caller of memcpy should not count on it. */
void *loam_memcpy(void *to, const void *from, size_t n);
void *loam_memmove(void *to, const void *from, size_t n);

/* The same; returns the byte after the last one written. */
void *loam_mempcpy(void *to, const void *from, size_t n);

/*
 * Copy up to and with the first byte that is `byte`, as an unsigned char; at most n bytes. Returns what follows
 * it in `to`; or NULL, when n bytes have been copied and it was not among them.
 */
void *loam_memccpy(void *to, const void *from, int byte, size_t n);

/* Set n bytes to `byte`, as an unsigned char. Returns `to`. */
void *loam_memset(void *to, int byte, size_t n);

/* Set n bytes to zero, even if nothing reads them after: for secrets. No compiler takes the call out. */
void loam_explicit_bzero(void *to, size_t n);

/* Less than, equal to or greater than 0, as the first byte that differs, unsigned, is less in `a` or greater. */
int loam_memcmp(const void *a, const void *b, size_t n);

/*
 * The first or the last of the n bytes at `in` that is `byte`, as an unsigned char; NULL if there is none. loam_memchr
 * reads as if byte by byte: n may be more than there are if the byte is among those that are. loam_rawmemchr
 * requires that it is.
 */
void *loam_memchr(const void *in, int byte, size_t n);
void *loam_memrchr(const void *in, int byte, size_t n);
void *loam_rawmemchr(const void *in, int byte);

/*
 * The first place where the m bytes at `what` are among the n bytes at `in`; NULL if there is none. `in`, if m is 0.
 * The time is at most proportional to n + m, whatever the bytes.
 */
void *loam_memmem(const void *in, size_t n, const void *what, size_t m);

#ifdef __cplusplus
}
#endif

#endif
