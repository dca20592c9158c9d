/*
 * memory.c - maps without a file: anonymous memory and rings, see loam/map.h.
 *
 * A ring is shared memory, mapped at both halves of a range of addresses; its map says one half as its size, extent has
 * both. It is not a file of memfd_create(2): the kernel lets one of any size be filled, and ends other processes when
 * there is no more memory; of mmap(2) it refuses what it could never hold.
 *
 * Locking: none, a map is one thread's at a time.
 * Source: mmap(2), mremap(2); proc_sys_vm(5), overcommit_memory.
 */
#include "map/place.h"

#include "sys/memory.h"
#include "sys/sys.h"

#include <errno.h>
#include <sys/mman.h>

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

/* One piece of memory at both halves of the addresses: a second mapping is what mremap(2) of a size of 0 makes. */
static int map_twice(size_t size, struct loam_map *map)
{
    intptr_t start = sys_reserve(2 * size);

    if (start < 0)
        return (int)start;
    void *first = (void *)start, *second = (char *)first + size;
    int kind = MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED;
    intptr_t mapped = sys_map_file(first, size, PROT_READ | PROT_WRITE, kind, -1, 0);
    if (mapped >= 0)
        mapped = sys_remap_at(first, 0, size, second);
    if (mapped < 0) {
        sys_unmap(first, 2 * size);
        return (int)mapped;
    }
    *map = (struct loam_map){
        .data = first, .size = size, .start = (uintptr_t)first, .extent = 2 * size, .flags = MAP_RING};
    return 0;
}

PUBLIC int loam_map_ring(size_t size, struct loam_map *out)
{
    int error = whole_pages(size, &size);
    return error ? error : map_twice(size, out);
}
