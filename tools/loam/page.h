/*
 * page.h - one self-contained page for a browser, with the map of a process, the picture of its heap, or both.
 */
#ifndef LOAM_TOOLS_PAGE_H
#define LOAM_TOOLS_PAGE_H

#include "heap_stats.h"
#include "map_print.h"
#include "target.h"

/* NULL for a part that is not wanted. Errors stay in the stream's error flag, as with printf. */
void page_print(FILE *out, const struct target *target, const struct memory_map *map, const struct heap_stats *stats);

#endif
