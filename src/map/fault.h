/* fault.h - why a page of a map cannot be accessed. */
#ifndef LOAM_MAP_FAULT_H
#define LOAM_MAP_FAULT_H

#include <loam/map.h>

#include "base/base.h"

/* -ENXIO if the file ends before `end`. The map has a file. */
HIDDEN int fault_check_end(const struct loam_map *map, uint64_t end);

/* What an access to these bytes of the file failed for: never 0. */
HIDDEN int fault_reason(const struct loam_map *map, uint64_t offset, uint64_t size);

#endif
