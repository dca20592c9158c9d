/* fault.h - why a page of a map cannot be accessed. */
#ifndef LOAM_MAP_FAULT_H
#define LOAM_MAP_FAULT_H

#include <loam/map.h>

#include "base/base.h"

/* What an access to these bytes of the file failed for: -EIO if no reason is left, so that it may succeed now. */
HIDDEN int fault_reason(const struct loam_map *map, uint64_t offset, uint64_t size);

#endif
