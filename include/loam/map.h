/*
 * loam/map.h - files and other memory as mappings: whole files, windows of files of any size, anonymous memory, rings.
 *
 *     struct loam_map map;
 *
 *     if (loam_map_open("data", LOAM_MAP_READ, &map) == 0) {
 *         use(map.data, map.size);
 *         loam_map_close(&map);
 *     }
 *
 * Every function that returns int returns 0 or -errno, here and in all that follows. On error the map, the file and
 * *out are as they were. Offsets and sizes are bytes. Where a function takes an offset and a size in a map, offset 0 is
 * map->data; -EINVAL if they do not lie in map->size bytes.
 *
 * What others do to a file that is mapped shows in the map. If they shorten it, or a disk fails, an access to
 * map->data is SIGBUS, which ends a process: the accessors below give an error instead. What lies past the new end, but
 * in its page, reads as zeroes, and is lost if it is written; loam_map_check() and loam_map_sync() notice that.
 *
 * What survives. Stores to a map that is open for writing are the file's at once: other processes see them, and they
 * stay if the process is killed, without any call. What survives a crash of the machine is what loam_map_sync() says.
 *
 * Threads may use different maps at any time. One map is one thread's at a time, but any number may access map->data
 * and use the accessors. Nothing here is async-signal-safe. A forked child has the map, too.
 * Source: mmap(2), msync(2), fallocate(2), sync_file_range(2), madvise(2), mremap(2).
 */
#ifndef LOAM_MAP_H
#define LOAM_MAP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A map that is all zeroes is a closed one. */
struct loam_map {
    /* To read. */
    void *data;         /* NULL where size is 0: an empty file is no error */
    size_t size;        /* bytes at data */
    uint64_t offset;    /* where in the file data begins */
    uint64_t file_size; /* bytes, as of the last call that asked: open, window or resize; 0 without a file */

    /* The functions' own. */
    uintptr_t start;     /* the addresses that are held, what is inaccessible included */
    size_t extent;       /* bytes of them */
    unsigned flags;      /* those below */
    unsigned descriptor; /* its number plus 1; 0 for none */
};

/* Flags. The first three exclude each other. */
enum {
    LOAM_MAP_READ = 0, /* loam_map_open() says what these three are */
    LOAM_MAP_WRITE = 1,
    LOAM_MAP_COPY = 2,
    LOAM_MAP_CREATE = 4,    /* the file if it is not there, with mode 0666 less umask(2); only with LOAM_MAP_WRITE */
    LOAM_MAP_EXCLUSIVE = 8, /* -EEXIST if it is there; only with LOAM_MAP_CREATE */
    LOAM_MAP_PREFAULT = 16, /* each window that is opened or made is populated, as by loam_map_prefault() */
    LOAM_MAP_HUGE = 32,     /* aligned for huge pages, which are asked for; without effect if there are none */
    LOAM_MAP_GUARDED = 64,  /* an inaccessible page on either side */
    LOAM_MAP_SHARED = 128,  /* of anonymous memory: shared with forked children */
};

/* As a window's size: to the end of the file. */
#define LOAM_MAP_TO_END SIZE_MAX

/* --- files --- */

/*
 * Map the whole file. LOAM_MAP_READ: for reading; a store is SIGSEGV. LOAM_MAP_WRITE: stores go to the file.
 * LOAM_MAP_COPY: stores go to copies of pages that are this map's alone, and are lost when it is closed.
 *
 * -EISDIR of a directory, -ESPIPE of a pipe or socket, -ENODEV of a device; -EINVAL of flags that do not go together;
 * -errno of open(2), fstat(2), mmap(2). Files of /proc and such say that they are empty, and are mapped so. A file that
 * was created stays when a later step fails. A store to a hole of a full disk is SIGBUS: loam_map_prefault() or
 * loam_map_write() give -ENOSPC instead, and what loam_map_resize() has added is not a hole.
 */
int loam_map_open(const char *path, unsigned flags, struct loam_map *out);

/* Open the file, and map `size` bytes of it from `offset` on, as loam_map_window(). A size of 0 maps nothing yet. */
int loam_map_open_window(const char *path, unsigned flags, uint64_t offset, size_t size, struct loam_map *out);

/* The same of a file that is open; the map has a duplicate of the descriptor. No LOAM_MAP_CREATE. */
int loam_map_open_fd(int fd, unsigned flags, uint64_t offset, size_t size, struct loam_map *out);

/*
 * Make data another window of the file, as it is now: any offset, any size, of which what is past the end of the
 * file is cut off. So (map, 0, LOAM_MAP_TO_END) maps a file again that others have made longer. Pointers into the
 * window before are invalid; advice, protection, guards and the copies of LOAM_MAP_COPY are a window's, and go with it.
 *
 * -ENXIO if the offset is past the end (at the end: the window is empty); -EINVAL without a file; -errno of fstat(2),
 * mmap(2), or loam_map_prefault().
 */
int loam_map_window(struct loam_map *map, uint64_t offset, size_t size);

/*
 * Make the file `size` bytes long. A window that reached to the end of the file reaches to the new end, any other
 * keeps its size, or what the file has of it. It may move. What is added reads as zeroes and has room on the disk, as
 * far as the file system keeps the promise of fallocate(2): so a full disk is an error here, and not SIGBUS later.
 * Where advice or guards of a part have made several mappings of it, it may be mapped anew, as by loam_map_window().
 *
 * -EACCES unless it is a file open with LOAM_MAP_WRITE; -ENOSPC, -EDQUOT; -EFBIG, beyond RLIMIT_FSIZE too,
 * without SIGXFSZ; -ENOMEM if there is no room to map it; -errno of ftruncate(2), fallocate(2), mremap(2).
 */
int loam_map_resize(struct loam_map *map, uint64_t size);

/* -ENXIO if the file now ends before the window does; -errno of fstat(2). Without a file 0. */
int loam_map_check(const struct loam_map *map);

enum loam_map_durability {
    LOAM_MAP_SYNC_START, /* begin to write; nothing is promised */
    LOAM_MAP_SYNC_DATA,  /* the bytes, and what is needed to read them, survive a crash of the machine */
    LOAM_MAP_SYNC_ENTRY, /* all of the file and its name in its directory do: for a file that has been created */
};

/*
 * Write what has been stored to the disk. All but LOAM_MAP_SYNC_START wait until the disk says that it has it. The
 * kernel writes whole pieces of the page cache, which may be megabytes where it has read ahead: for small records far
 * apart, give LOAM_MAP_ADVICE_RANDOM before the pages are first accessed.
 *
 * -EACCES unless it is a file open with LOAM_MAP_WRITE; -ENXIO if the file ends before offset + size, so that part of
 * the stores were to nothing; -EIO, -ENOSPC, -EDQUOT as of fsync(2): which bytes are on the disk is then unknown, and
 * the kernel says it once; to sync again is no remedy, to store again and sync is.
 */
int loam_map_sync(const struct loam_map *map, size_t offset, size_t size, enum loam_map_durability durability);

/* Unmap, close, and zero *map. To close a closed map has no effect. Nothing that was stored is lost. */
void loam_map_close(struct loam_map *map);

/* --- other memory --- */

/*
 * `size` bytes of zeroes, rounded up to whole pages; LOAM_MAP_SHARED, LOAM_MAP_PREFAULT, LOAM_MAP_HUGE,
 * LOAM_MAP_GUARDED. -EINVAL of other flags and of a size of 0; -ENOMEM.
 */
int loam_map_anonymous(size_t size, unsigned flags, struct loam_map *out);

/*
 * A ring of `size` bytes, rounded up to whole pages, mapped twice side by side: data[i] and data[i + out->size] are the
 * same byte, so what wraps around is in one piece. Forked children share it. -EINVAL of a size of 0; -ENOMEM, also of
 * more than the kernel's memory.
 */
int loam_map_ring(size_t size, struct loam_map *out);

/* --- how pages are used --- */

enum loam_map_advice {
    LOAM_MAP_ADVICE_NORMAL,
    LOAM_MAP_ADVICE_SEQUENTIAL, /* read ahead more, from low offsets to high */
    LOAM_MAP_ADVICE_RANDOM,     /* do not read ahead */
    LOAM_MAP_ADVICE_WILL_NEED,  /* begin to read all of it */
    LOAM_MAP_ADVICE_DONT_NEED,  /* its memory may be used for other things; what it holds stays */
    LOAM_MAP_ADVICE_HUGE,       /* huge pages */
};

/* For the pages that the range touches. -errno of madvise(2); -EINVAL of LOAM_MAP_ADVICE_HUGE if there are none. */
int loam_map_advise(const struct loam_map *map, size_t offset, size_t size, enum loam_map_advice advice);

/*
 * Have the pages that the range touches in memory and mapped, of LOAM_MAP_WRITE and anonymous memory for writing.
 * -ENXIO if the file has been shortened; -ENOSPC, -EDQUOT of a hole on a full disk; -EACCES of what loam_map_protect()
 * forbids (SIGSEGV before Linux 5.14); -EIO, of a guard too; -ENOMEM. Pages may have been populated when it fails.
 */
int loam_map_prefault(const struct loam_map *map, size_t offset, size_t size);

enum loam_map_access { LOAM_MAP_ACCESS_NONE, LOAM_MAP_ACCESS_READ, LOAM_MAP_ACCESS_READ_WRITE };

/* For the whole map. -EACCES if the file is not open for it; -ENOMEM. */
int loam_map_protect(const struct loam_map *map, enum loam_map_access access);

/*
 * Make whole pages of it inaccessible, until it is closed. What they held is lost but for the file's. -EINVAL unless
 * data + offset and size are multiples of the page size; -ENOMEM. loam_map_protect() may end it before Linux 6.13.
 */
int loam_map_guard(const struct loam_map *map, size_t offset, size_t size);

/* --- guarded access --- */

/*
 * Copy from the map, or to it. *done, unless NULL, is how many bytes have been copied, on error too: all that lie in
 * pages before the one that cannot be accessed. What lies past them in the buffer is unspecified.
 *
 * -ENXIO if the file has been shortened; -ENOSPC, -EDQUOT of a hole on a full disk; -EIO of a disk or memory that
 * fails; loam_map_write(): -EACCES of a map for reading. A page that a guard or loam_map_protect() forbids is SIGSEGV,
 * here too. A few ns more than memcpy(3); no system call unless it fails.
 */
int loam_map_read(const struct loam_map *map, size_t offset, void *buffer, size_t size, size_t *done);
int loam_map_write(const struct loam_map *map, size_t offset, const void *buffer, size_t size, size_t *done);

/*
 * Call body(argument), and put what it returns into *result, unless NULL. If an access to the map's pages in it fails,
 * body is left as by longjmp(3), and this returns the errors above, or -EIO if the reason is gone, so that it may
 * succeed if it is tried again. What body changed stays, locks that it holds stay held. They nest: a body may try
 * another map. A fault elsewhere is the program's own. body must not be left otherwise than by return, so neither by
 * longjmp(3) nor by exceptions nor by the end of the thread. System calls that are given the map's pages fail with
 * EFAULT, as always.
 *
 * The first guarded access sets an action for SIGBUS, which passes on what is not its own to the action before it.
 * A program that sets an action later has it call loam_map_fault(). Where SIGBUS is blocked, a fault ends the process
 * as always: the kernel calls no action then. So do not block it around guarded accesses.
 */
int loam_map_try(const struct loam_map *map, int (*body)(void *argument), void *argument, int *result);

/*
 * For a program's own action for SIGBUS, with SA_SIGINFO: si_addr where si_code is above 0, and its third argument.
 * Leaves the guarded access of this thread that the address belongs to, and does not return; or returns.
 * Async-signal-safe.
 */
void loam_map_fault(const void *address, const void *context);

#ifdef __cplusplus
}
#endif

#endif
