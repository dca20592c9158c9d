/*
 * place.c - see place.h.
 *
 *     start                                          start + extent
 *     | inaccessible | span: the pages of the map | inaccessible |
 *
 * A map without LOAM_MAP_GUARDED and LOAM_MAP_HUGE lets the kernel choose, and has nothing around its span. With them
 * addresses are reserved first, and the span is put into them: what huge pages need for alignment stays reserved, which
 * costs nothing but addresses.
 *
 * Invariant: the span lies in [start, start + extent); a map of size 0 holds no addresses.
 * Source: mmap(2), mremap(2).
 */
#include "map/place.h"

#include "sys/memory.h"
#include "sys/sys.h"

#include <sys/mman.h>

#define HUGE_PAGE (2 * MIB) /* x86-64's, and the usual one elsewhere */

static bool is_huge(unsigned flags, size_t size)
{
    return (flags & LOAM_MAP_HUGE) && size >= HUGE_PAGE;
}

/* Room for `size` bytes at an address that has as much of a huge page before it as `offset` has in the file. */
static int reserve(struct loam_map *map, size_t size, uint64_t offset, uintptr_t *address)
{
    size_t guard = map->flags & LOAM_MAP_GUARDED ? sys_page_size() : 0;
    size_t slack = is_huge(map->flags, size) ? HUGE_PAGE : 0;
    size_t extent = size + 2 * guard + slack; /* no size is above PTRDIFF_MAX */
    intptr_t start = sys_reserve(extent);

    if (start < 0)
        return (int)start;
    map->start = (uintptr_t)start;
    map->extent = extent;
    *address = map->start + guard;
    if (slack)
        *address += (offset - *address) % HUGE_PAGE;
    return 0;
}

static bool needs_room(const struct loam_map *map, size_t size)
{
    return (map->flags & LOAM_MAP_GUARDED) || is_huge(map->flags, size);
}

int place_map(struct loam_map *map, const struct backing *backing, size_t size, uintptr_t *address)
{
    struct loam_map next = *map;
    uintptr_t hint = 0;
    bool room = needs_room(map, size);

    int error = room ? reserve(&next, size, backing->offset, &hint) : 0;
    if (error)
        return error;
    intptr_t start = sys_map_file((void *)hint, size, backing->protection, backing->kind | (room ? MAP_FIXED : 0),
                                  backing->fd, backing->offset);
    if (start < 0) {
        if (room)
            place_unmap(&next);
        return (int)start;
    }
    if (!room) {
        next.start = (uintptr_t)start;
        next.extent = size;
    }
    *map = next;
    *address = (uintptr_t)start;
    return 0;
}

void place_unmap(struct loam_map *map)
{
    if (map->extent)
        sys_unmap((void *)map->start, map->extent);
    map->start = 0;
    map->extent = 0;
}

/* What is around the span, once that has moved away: its own addresses may be somebody else's already. */
static void unmap_around(const struct loam_map *map, struct span gone)
{
    size_t before = gone.start - map->start, after = map->extent - before - gone.size;

    if (before)
        sys_unmap((void *)map->start, before);
    if (after)
        sys_unmap((void *)(gone.start + gone.size), after);
}

int place_grow(struct loam_map *map, size_t size, uintptr_t *address)
{
    struct span span = map_span(map);
    struct loam_map next = *map;

    if (map->extent == span.size && !needs_room(map, size)) {
        intptr_t start = sys_remap((void *)span.start, span.size, size);
        if (start < 0)
            return (int)start;
        *address = map->start = (uintptr_t)start;
        map->extent = size;
        return 0;
    }
    int error = reserve(&next, size, map_offset_of(map, span.start), address);
    if (error)
        return error;
    intptr_t moved = sys_remap_at((void *)span.start, span.size, size, (void *)*address);
    if (moved < 0) {
        place_unmap(&next);
        return (int)moved;
    }
    unmap_around(map, span);
    *map = next;
    return 0;
}

void place_shrink(struct loam_map *map, size_t size)
{
    struct span span = map_span(map);
    void *rest = (void *)(span.start + size);

    if (size == span.size)
        return;
    if (map->extent > span.size)
        sys_reserve_at(rest, span.size - size);
    else if (sys_unmap(rest, span.size - size) == 0)
        map->extent = size;
}
