/*
 * file.c - files as maps, see loam/map.h: open, windows, resize, close.
 *
 * A window is mapped from the page that it begins in, and data points into that page. A new window is mapped before the
 * old one is unmapped, and a file is lengthened before its map is: so the step that can fail comes first, and what
 * has been done is undone by a step that cannot.
 *
 * Invariant: data is NULL and no address is held where size is 0; else the span of data is mapped at
 * `offset` less what data is past its page.
 * Locking: none, a map is one thread's at a time.
 * Source: mmap(2), fallocate(2), ftruncate(2).
 */
#include "map/place.h"

#include "sys/file.h"
#include "sys/memory.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

enum {
    WAYS = LOAM_MAP_WRITE | LOAM_MAP_COPY,
    OF_FILES = WAYS | LOAM_MAP_PREFAULT | LOAM_MAP_HUGE | LOAM_MAP_GUARDED,
    OF_OPEN = LOAM_MAP_CREATE | LOAM_MAP_EXCLUSIVE,
    BLOCK = 4096, /* the least that a file system allocates; where it is less, too much is written */
};

int map_file_size(int fd, uint64_t *out)
{
    struct stat stat;
    int error = sys_stat(fd, &stat);

    if (error)
        return error;
    if (S_ISREG(stat.st_mode)) {
        *out = (uint64_t)stat.st_size;
        return 0;
    }
    if (S_ISDIR(stat.st_mode))
        return -EISDIR;
    return S_ISFIFO(stat.st_mode) || S_ISSOCK(stat.st_mode) ? -ESPIPE : -ENODEV;
}

/* --- windows --- */

static struct backing file_backing(const struct loam_map *map, uint64_t offset)
{
    bool stores = map->flags & WAYS;
    /* A copy needs memory for what is stored to only: without MAP_NORESERVE all of a huge file would count. */
    int kind = map->flags & LOAM_MAP_COPY ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED;

    return (struct backing){PROT_READ | (stores ? PROT_WRITE : 0), kind, map_fd(map), offset};
}

/* Map the window, which the file is known to have, into a map that has none. */
static int lay(struct loam_map *map, uint64_t offset, size_t size)
{
    size_t lead = offset % sys_page_size();
    struct backing backing = file_backing(map, offset - lead);
    uintptr_t address = 0;

    if (size > 0) {
        int error = place_map(map, &backing, align_up(lead + size, sys_page_size()), &address);
        if (error)
            return error;
        if (map->flags & LOAM_MAP_HUGE)
            sys_advise_huge((void *)address, align_up(lead + size, sys_page_size()));
        address += lead;
    }
    map->data = (void *)address;
    map->size = size;
    map->offset = offset;
    return 0;
}

/* Map what the file has of the window now. */
static int show(struct loam_map *map, uint64_t offset, size_t size)
{
    int error = map_file_size(map_fd(map), &map->file_size);

    if (error)
        return error;
    if (offset > map->file_size)
        return -ENXIO;
    error = lay(map, offset, min_size(size, map->file_size - offset));
    if (error)
        return error;
    if (map->flags & LOAM_MAP_PREFAULT)
        error = loam_map_prefault(map, 0, map->size);
    if (error)
        place_unmap(map);
    return error;
}

/* A map that holds no addresses yet, with the file's descriptor and flags. */
static struct loam_map empty_map(int fd, unsigned flags)
{
    return (struct loam_map){.flags = flags, .descriptor = (unsigned)fd + 1};
}

static void replace_window(struct loam_map *map, const struct loam_map *next)
{
    place_unmap(map);
    *map = *next;
}

PUBLIC int loam_map_window(struct loam_map *map, uint64_t offset, size_t size)
{
    if (!map->descriptor)
        return -EINVAL;
    struct loam_map next = empty_map(map_fd(map), map->flags);
    int error = show(&next, offset, size);
    if (error)
        return error;
    replace_window(map, &next);
    return 0;
}

/* --- open and close --- */

static bool are_valid(unsigned flags, unsigned allowed)
{
    return (flags & ~allowed) == 0 && (flags & WAYS) != WAYS &&
           (!(flags & LOAM_MAP_CREATE) || (flags & LOAM_MAP_WRITE)) &&
           (!(flags & LOAM_MAP_EXCLUSIVE) || (flags & LOAM_MAP_CREATE));
}

/* The descriptor is the map's, or closed. */
static int adopt(int fd, unsigned flags, uint64_t offset, size_t size, struct loam_map *out)
{
    struct loam_map map = empty_map(fd, flags);
    int error = show(&map, offset, size);

    if (error)
        sys_close(fd);
    else
        *out = map;
    return error;
}

PUBLIC int loam_map_open_window(const char *path, unsigned flags, uint64_t offset, size_t size, struct loam_map *out)
{
    /* Not blocking: to open a pipe would wait for its other end. To files it makes no difference. */
    int how = O_NONBLOCK | O_NOCTTY | (flags & LOAM_MAP_WRITE ? O_RDWR : O_RDONLY) |
              (flags & LOAM_MAP_CREATE ? O_CREAT : 0) | (flags & LOAM_MAP_EXCLUSIVE ? O_EXCL : 0);

    if (!are_valid(flags, OF_FILES | OF_OPEN))
        return -EINVAL;
    int fd = sys_open(path, how, 0666);
    return fd < 0 ? fd : adopt(fd, flags, offset, size, out);
}

PUBLIC int loam_map_open(const char *path, unsigned flags, struct loam_map *out)
{
    return loam_map_open_window(path, flags, 0, LOAM_MAP_TO_END, out);
}

PUBLIC int loam_map_open_fd(int fd, unsigned flags, uint64_t offset, size_t size, struct loam_map *out)
{
    if (!are_valid(flags, OF_FILES))
        return -EINVAL;
    int own = sys_duplicate(fd);
    return own < 0 ? own : adopt(own, flags, offset, size, out);
}

PUBLIC void loam_map_close(struct loam_map *map)
{
    place_unmap(map);
    if (map->descriptor)
        sys_close(map_fd(map));
    *map = (struct loam_map){0};
}

/* --- resize --- */

/* For file systems that cannot allocate: a byte into each block, all past the end that the file had. */
static int fill(int fd, uint64_t from, uint64_t to)
{
    for (uint64_t end; from < to; from = end) {
        end = min_size(align_down(from, BLOCK) + BLOCK, to);
        ssize_t n = sys_pwrite(fd, "", 1, end - 1);
        if (n != 1)
            return n < 0 ? (int)n : -ENOSPC;
    }
    return sys_truncate(fd, to); /* with O_APPEND the bytes came one after the other */
}

/* It may fail when it has come half way: then what it has added is taken away. */
static int lengthen(int fd, uint64_t from, uint64_t to)
{
    int error = sys_allocate(fd, 0, from, to - from);

    if (error == -EOPNOTSUPP || error == -ENOSYS)
        error = fill(fd, from, to);
    if (error)
        sys_truncate(fd, from);
    return error;
}

static int set_file_size(int fd, uint64_t from, uint64_t to)
{
    if (to <= from)
        return to < from ? sys_truncate(fd, to) : 0;
    if (to > INT64_MAX || !sys_may_reach(to))
        return -EFBIG;
    return lengthen(fd, from, to);
}

/* What the window is of a file of `file_size` bytes. */
static size_t window_of(const struct loam_map *map, uint64_t file_size)
{
    bool reaches_end = map->offset + map->size == map->file_size;
    uint64_t room = file_size > map->offset ? file_size - map->offset : 0;

    return reaches_end ? room : min_size(room, map->size);
}

/* The window anew: mremap(2) lengthens one mapping only, and advice and guards of a part of it make several. */
static int renew_window(struct loam_map *map, size_t size)
{
    struct loam_map next = empty_map(map_fd(map), map->flags);
    int error = lay(&next, map->offset, size);

    if (!error)
        replace_window(map, &next);
    return error;
}

/* Make the window `size` bytes. To make it smaller does not fail. */
static int resize_window(struct loam_map *map, size_t size)
{
    if (map->size == 0)
        return lay(map, map->offset, size);
    struct span now = map_span(map), wanted = span_of((uintptr_t)map->data, size);
    uintptr_t address = now.start, lead = (uintptr_t)map->data - now.start;
    int error = 0;
    if (size == 0)
        place_unmap(map);
    else if (wanted.size > now.size)
        error = place_grow(map, wanted.size, &address);
    else
        place_shrink(map, wanted.size);
    if (error)
        return error == -EFAULT ? renew_window(map, size) : error;
    map->data = size ? (void *)(address + lead) : NULL;
    map->size = size;
    return 0;
}

/* The file first, of which no more than what is added is taken away again. */
static int resize_both(struct loam_map *map, uint64_t from, uint64_t to)
{
    int fd = map_fd(map), error = set_file_size(fd, from, to);

    if (error)
        return error;
    error = resize_window(map, window_of(map, to));
    if (error)
        sys_truncate(fd, from);
    return error;
}

/* A window that shows more of what others had added is there first: what is cut off does not come back. */
static int shorten_file(struct loam_map *map, uint64_t to)
{
    struct loam_map next = empty_map(map_fd(map), map->flags);
    int error = lay(&next, map->offset, window_of(map, to));

    if (error)
        return error;
    error = sys_truncate(map_fd(map), to);
    if (error)
        place_unmap(&next);
    else
        replace_window(map, &next);
    return error;
}

PUBLIC int loam_map_resize(struct loam_map *map, uint64_t size)
{
    uint64_t before;

    if (!map_writes_file(map))
        return -EACCES;
    int error = map_file_size(map_fd(map), &before);
    if (error)
        return error;
    bool shows_more = window_of(map, size) > map->size;
    error = size < before && shows_more ? shorten_file(map, size) : resize_both(map, before, size);
    if (!error)
        map->file_size = size;
    return error;
}
