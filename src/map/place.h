/*
 * place.h - addresses for mappings, with guard pages around them and aligned for huge pages where that is wanted; and
 * what the files of this facility know of a map. The bytes of a map lie in whole pages, which are its span.
 */
#ifndef LOAM_MAP_PLACE_H
#define LOAM_MAP_PLACE_H

#include <loam/map.h>

#include "base/base.h"
#include "sys/memory.h"

enum { MAP_RING = 1 << 30 }; /* beside the public flags */

struct span {
    uintptr_t start;
    size_t size; /* bytes */
};

/* What is to be mapped: the arguments of mmap(2). */
struct backing {
    int protection;
    int kind; /* MAP_ flags */
    int fd;
    uint64_t offset; /* a multiple of the page size */
};

/* The pages that `size` bytes at `address` touch. */
INLINE struct span span_of(uintptr_t address, size_t size)
{
    uintptr_t start = align_down(address, sys_page_size());
    return (struct span){start, size ? align_up(address + size, sys_page_size()) - start : 0};
}

/* All that is mapped: of a ring both halves. */
INLINE struct span map_span(const struct loam_map *map)
{
    return span_of((uintptr_t)map->data, map->flags & MAP_RING ? 2 * map->size : map->size);
}

/* Whether these bytes are the map's. */
INLINE bool map_holds(const struct loam_map *map, size_t offset, size_t size)
{
    return offset <= map->size && size <= map->size - offset;
}

/* -1 without a file. */
INLINE int map_fd(const struct loam_map *map)
{
    return (int)map->descriptor - 1;
}

/* Where in the file the byte at an address of the map is. */
INLINE uint64_t map_offset_of(const struct loam_map *map, uintptr_t address)
{
    return map->offset + (address - (uintptr_t)map->data);
}

INLINE bool map_writes_file(const struct loam_map *map)
{
    return map->descriptor != 0 && (map->flags & LOAM_MAP_WRITE) != 0;
}

/* The size of a regular file; -EISDIR, -ESPIPE or -ENODEV of any other. */
HIDDEN int map_file_size(int fd, uint64_t *out);

/* Map `size` bytes, whole pages. Sets start and extent, and *address to where they are. 0 or -errno. */
HIDDEN int place_map(struct loam_map *map, const struct backing *backing, size_t size, uintptr_t *address);

/* Give the addresses back. */
HIDDEN void place_unmap(struct loam_map *map);

/* Lengthen the span, which is not empty; it may move. On error nothing has changed. */
HIDDEN int place_grow(struct loam_map *map, size_t size, uintptr_t *address);

/* Shorten it, to no less than a page. Where the kernel refuses, pages stay that nothing needs. */
HIDDEN void place_shrink(struct loam_map *map, size_t size);

#endif
