/*
 * map_print.h - the segments of a process, as text for people and in the formats of programs.
 */
#ifndef LOAM_TOOLS_MAP_PRINT_H
#define LOAM_TOOLS_MAP_PRINT_H

#include "target.h"

#include <stdio.h>

struct kind_total {
    size_t segments;
    uint64_t size; /* bytes of addresses */
    struct mapping_memory memory;
};

struct memory_map {
    const struct target *target;
    const struct segment *segments; /* in the order of addresses */
    size_t count;
    struct kind_total totals[SEGMENT_KINDS];
    struct kind_total total; /* of all but the kernel's */
    char program[MAPS_PATH]; /* path of what is executed; empty when it is not known */
    uint64_t stack_limit; /* bytes that the main stack may grow to; 0 when it is not known, UINT64_MAX for no limit */
};

/* Lines of up to 120 columns; with `all`, one for each segment, else one for each library and file. */
void map_print_text(FILE *out, const struct memory_map *map, bool all);

/* One document, every figure in bytes. */
void map_print_json(FILE *out, const struct memory_map *map);

/* A picture of 1000 units across. */
void map_print_svg(FILE *out, const struct memory_map *map);

#endif
