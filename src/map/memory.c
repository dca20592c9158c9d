/*
 * memory.c - maps without a file: anonymous memory and rings, see loam/map.h.
 *
 * A ring is a file of memory alone, mapped at both halves of a range of addresses; its descriptor is closed, the
 * mappings keep it. Its map says one half as its size; extent has both.
 *
 * Locking: none, a map is one thread's at a time.
 * Source: memfd_create(2), mmap(2).
 */
#include "map/place.h"

#include "sys/file.h"
#include "sys/memory.h"
#include "sys/sys.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { OF_MEMORY = LOAM_MAP_SHARED | LOAM_MAP_PREFAULT | LOAM_MAP_HUGE | LOAM_MAP_GUARDED };

/* Of a size that can be mapped twice. */
static int whole_pages(size_t size, size_t *out)
{
    if (size == 0)
        return -EINVAL;
    if (size > PTRDIFF_MAX / 2)
        return -ENOMEM;
    *out = align_up(size, sys_page_size());
    return 0;
}

PUBLIC int loam_map_anonymous(size_t size, unsigned flags, struct loam_map *out)
{
    int kind = MAP_ANONYMOUS | (flags & LOAM_MAP_SHARED ? MAP_SHARED : MAP_PRIVATE);
    struct backing backing = {PROT_READ | PROT_WRITE, kind, -1, 0};
    struct loam_map map = {.flags = flags};
    uintptr_t address = 0;

    if (flags & ~(unsigned)OF_MEMORY)
        return -EINVAL;
    int error = whole_pages(size, &map.size);
    if (!error)
        error = place_map(&map, &backing, map.size, &address);
    if (error)
        return error;
    map.data = (void *)address;
    if (flags & LOAM_MAP_HUGE)
        sys_advise_huge(map.data, map.size);
    if (flags & LOAM_MAP_PREFAULT)
        error = loam_map_prefault(&map, 0, map.size);
    if (error)
        place_unmap(&map);
    else
        *out = map;
    return error;
}

/* A file of memory, all of it there. Returns its descriptor or -errno. */
static int ring_file(size_t size)
{
    if (size > sys_limit(RLIMIT_FSIZE))
        return -EFBIG; /* the kernel would send SIGXFSZ as well: it is a file */
    int fd = sys_memfd("loam ring", MFD_CLOEXEC);
    if (fd < 0)
        return fd;
    int error = sys_allocate(fd, 0, 0, size);
    if (error)
        sys_close(fd);
    return error ? error : fd;
}

static int map_twice(int fd, size_t size, struct loam_map *map)
{
    intptr_t start = sys_reserve(2 * size), half = start;

    for (int i = 0; i < 2 && half >= 0; i++)
        half =
            sys_map_file((char *)start + (size_t)i * size, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    if (half < 0) {
        if (start >= 0)
            sys_unmap((void *)start, 2 * size);
        return (int)half;
    }
    *map = (struct loam_map){
        .data = (void *)start, .size = size, .start = (uintptr_t)start, .extent = 2 * size, .flags = MAP_RING};
    return 0;
}

PUBLIC int loam_map_ring(size_t size, struct loam_map *out)
{
    int error = whole_pages(size, &size);
    if (error)
        return error;
    int fd = ring_file(size);
    if (fd < 0)
        return fd;
    error = map_twice(fd, size, out);
    sys_close(fd);
    return error;
}
