/*
 * use.c - how the pages of a map are used, see loam/map.h: advice, prefault, protection, guards, sync.
 *
 * Advice never loses what a map holds: so "not needed" is MADV_COLD for memory that nothing else keeps, and takes the
 * pages of a file out of this process and, if nobody else has them, out of memory.
 *
 * Locking: none, a map is one thread's at a time.
 * Source: madvise(2), posix_fadvise(2), mprotect(2), msync(2), sync_file_range(2), fsync(2).
 */
#include "map/fault.h"
#include "map/place.h"

#include "base/text.h"
#include "sys/file.h"
#include "sys/memory.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

/* --- advice --- */

static int forget(const struct loam_map *map, struct span pages)
{
    bool is_files = map->descriptor != 0 && !(map->flags & LOAM_MAP_COPY);

    if (!is_files)
        return sys_advise((void *)pages.start, pages.size, MADV_COLD);
    int error = sys_advise((void *)pages.start, pages.size, MADV_DONTNEED);
    return error ? error
                 : sys_advise_file(map_fd(map), map_offset_of(map, pages.start), pages.size, POSIX_FADV_DONTNEED);
}

PUBLIC int loam_map_advise(const struct loam_map *map, size_t offset, size_t size, enum loam_map_advice advice)
{
    static const int values[] = {
        [LOAM_MAP_ADVICE_NORMAL] = MADV_NORMAL,      [LOAM_MAP_ADVICE_SEQUENTIAL] = MADV_SEQUENTIAL,
        [LOAM_MAP_ADVICE_RANDOM] = MADV_RANDOM,      [LOAM_MAP_ADVICE_WILL_NEED] = MADV_WILLNEED,
        [LOAM_MAP_ADVICE_DONT_NEED] = MADV_DONTNEED, [LOAM_MAP_ADVICE_HUGE] = MADV_HUGEPAGE,
    };

    if (!map_holds(map, offset, size) || (unsigned)advice >= LENGTH(values))
        return -EINVAL;
    if (size == 0)
        return 0;
    struct span pages = span_of((uintptr_t)map->data + offset, size);
    if (advice == LOAM_MAP_ADVICE_DONT_NEED)
        return forget(map, pages);
    return sys_advise((void *)pages.start, pages.size, values[advice]);
}

/* --- prefault --- */

struct touching {
    struct span pages;
    bool stores;
    volatile size_t done; /* bytes; what a jump leaves must be right */
};

static int touch(void *argument)
{
    struct touching *touching = argument;

    for (size_t i = touching->done; i < touching->pages.size; touching->done = i += PAGE_SIZE) {
        char *byte = (char *)touching->pages.start + i;
        if (touching->stores)
            __atomic_fetch_or(byte, 0, __ATOMIC_RELAXED); /* as others may store there */
        else
            (void)*(volatile char *)byte;
    }
    return 0;
}

/* What fails for no reason that is still there is tried again, once at each page: fault_reason() may have helped. */
static int touch_all(const struct loam_map *map, struct touching *touching)
{
    size_t failed_at = SIZE_MAX;
    int error;

    while ((error = loam_map_try(map, touch, touching, NULL)) == -EIO && touching->done != failed_at)
        failed_at = touching->done;
    return error;
}

static int populate(const struct touching *touching)
{
    return sys_advise((void *)touching->pages.start, touching->pages.size,
                      touching->stores ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
}

/* Before Linux 5.14 it cannot, and says so of no pages as well. */
static bool can_populate(void)
{
    const struct touching nothing = {0};
    return populate(&nothing) == 0;
}

PUBLIC int loam_map_prefault(const struct loam_map *map, size_t offset, size_t size)
{
    if (!map_holds(map, offset, size))
        return -EINVAL;
    if (size == 0)
        return 0;
    struct touching touching = {
        .pages = span_of((uintptr_t)map->data + offset, size),
        .stores = !map->descriptor || map_writes_file(map),
    };
    int error = populate(&touching);
    if (error == -EINVAL)
        return can_populate() ? -EACCES : touch_all(map, &touching);
    if (error != -EFAULT && error != -EHWPOISON)
        return error;
    error = fault_reason(map, map->offset + offset, size);
    return error == -EIO && populate(&touching) == 0 ? 0 : error;
}

/* --- protection --- */

PUBLIC int loam_map_protect(const struct loam_map *map, enum loam_map_access access)
{
    static const int values[] = {
        [LOAM_MAP_ACCESS_NONE] = PROT_NONE,
        [LOAM_MAP_ACCESS_READ] = PROT_READ,
        [LOAM_MAP_ACCESS_READ_WRITE] = PROT_READ | PROT_WRITE,
    };
    struct span pages = map_span(map);

    if ((unsigned)access >= LENGTH(values))
        return -EINVAL;
    return pages.size == 0 ? 0 : sys_protect((void *)pages.start, pages.size, values[access]);
}

PUBLIC int loam_map_guard(const struct loam_map *map, size_t offset, size_t size)
{
    uintptr_t start = (uintptr_t)map->data + offset;

    if (!map_holds(map, offset, size) || (start | size) % sys_page_size() != 0)
        return -EINVAL;
    if (size == 0)
        return 0;
    int error = sys_guard((void *)start, size);
    return error == -EINVAL ? sys_protect_none((void *)start, size) : error;
}

/* --- sync --- */

/* -ENXIO if the file ends before `end`. */
static int check_end(const struct loam_map *map, uint64_t end)
{
    uint64_t file_size;
    int error = map_file_size(map_fd(map), &file_size);

    if (error)
        return error;
    return file_size < end ? -ENXIO : 0;
}

PUBLIC int loam_map_check(const struct loam_map *map)
{
    return map->descriptor ? check_end(map, map->offset + map->size) : 0;
}

/* Open the directory that the file is in now; -ENOENT without /proc. */
static int open_directory(int fd)
{
    char link[64], path[PATH_MAX];
    struct text text;

    text_init(&text, link, sizeof(link));
    text_format(&text, "/proc/self/fd/%d", fd);
    ssize_t n = sys_read_link(link, path, sizeof(path) - 1);
    if (n < 0)
        return (int)n;
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash)
        return -ENOENT; /* it is in no directory */
    slash[slash == path ? 1 : 0] = '\0';
    return sys_open(path, O_RDONLY | O_DIRECTORY, 0);
}

/* Where the directory cannot be opened, all of the file system is written, and it with that. */
static int sync_entry(int fd)
{
    int error = sys_sync(fd);

    if (error)
        return error;
    int directory = open_directory(fd);
    if (directory < 0)
        return sys_sync_system(fd);
    error = sys_sync(directory);
    sys_close(directory);
    return error;
}

static int write_out(const struct loam_map *map, size_t offset, size_t size, enum loam_map_durability durability)
{
    struct span pages = span_of((uintptr_t)map->data + offset, size);

    if (durability == LOAM_MAP_SYNC_ENTRY)
        return sync_entry(map_fd(map));
    if (size == 0)
        return 0;
    if (durability == LOAM_MAP_SYNC_START)
        return sys_sync_start(map_fd(map), map_offset_of(map, pages.start), pages.size);
    return sys_sync_pages((void *)pages.start, pages.size, MS_SYNC);
}

PUBLIC int loam_map_sync(const struct loam_map *map, size_t offset, size_t size, enum loam_map_durability durability)
{
    if (!map_writes_file(map))
        return -EACCES;
    if (!map_holds(map, offset, size) || (unsigned)durability > LOAM_MAP_SYNC_ENTRY)
        return -EINVAL;
    int error = write_out(map, offset, size, durability);
    return error ? error : check_end(map, map->offset + offset + size);
}
