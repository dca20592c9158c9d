/*
 * query.c - what the kernel says of the mapping at an address.
 *
 * PROCMAP_QUERY answers for one address; older kernels do not know it, and their list is read to where the address is.
 */
#include <loam/protect.h>

#include "sys/maps.h"
#include "sys/memory.h"
#include "sys/sys.h"

#include <errno.h>

static void set(const struct mapping *mapping, struct loam_protection *out)
{
    *out = (struct loam_protection){
        .start = (void *)mapping->start,
        .size = mapping->end - mapping->start,
        .readable = mapping->readable,
        .writable = mapping->writable,
        .executable = mapping->executable,
        .shared = mapping->shared,
    };
}

static int find_in_list(struct maps *maps, uintptr_t address, struct mapping *out)
{
    while (maps_next(maps, out))
        if (address - out->start < out->end - out->start)
            return 0;
    return maps->error ? maps->error : -ENOENT;
}

PUBLIC int loam_protection(const void *address, struct loam_protection *out)
{
    struct maps maps;
    struct mapping mapping;
    int error = maps_open(&maps, "/proc/self/maps");

    if (error)
        return error;
    error = maps_find(&maps, (uintptr_t)address, &mapping);
    if (error == -ENOTTY || error == -ENOSYS)
        error = find_in_list(&maps, (uintptr_t)address, &mapping);
    if (!error)
        set(&mapping, out);
    maps_close(&maps);
    return error;
}
