/*
 * maps.h - the mappings of a process, as /proc tells them.
 *
 * Reads maps and smaps alike, through a buffer of its own: nothing is allocated, no lock is taken.
 * Source: proc_pid_maps(5), proc_pid_smaps(5); Linux, include/uapi/linux/fs.h, PROCMAP_QUERY.
 */
#ifndef LOAM_SYS_MAPS_H
#define LOAM_SYS_MAPS_H

#include "base/base.h"

enum { MAPS_PATH = 1024, MAPS_BUFFER = 1024 };

/* Bytes of a mapping that are somewhere; all 0 when read of maps. */
struct mapping_memory {
    uint64_t resident;
    uint64_t proportional; /* shared pages count for a part */
    uint64_t shared_clean, shared_dirty;
    uint64_t private_clean, private_dirty;
    uint64_t anonymous;
    uint64_t huge; /* in huge pages */
    uint64_t swapped;
    uint64_t locked;
};

struct mapping {
    uintptr_t start, end;
    bool readable, writable, executable, shared;
    bool locked; /* by mlock(2) and its like; false when read of maps */
    unsigned device_major, device_minor;
    uint64_t offset, inode; /* of the file; 0 for none */
    char
        path[MAPS_PATH]; /* as /proc writes it: of a file, or a name in brackets; "" for neither. Longer ones are cut */
    struct mapping_memory memory;
};

struct maps {
    int fd;
    int error; /* that ended the reading, or 0 */
    bool held; /* the first line of the next mapping has been read, into `line` */
    size_t used, next;
    char line[MAPS_PATH + 128];
    char data[MAPS_BUFFER];
};

/* Begin to read the file at `path`, until maps_close(). Returns 0 or -errno. */
int maps_open(struct maps *maps, const char *path);

/* The next mapping, in the order of addresses. False at the end, and at an error, which `error` then holds. */
bool maps_next(struct maps *maps, struct mapping *out);

/*
 * The mapping at an address, without its path and memory, and without reading. Returns 0; -ENOENT when there is none;
 * -ENOTTY before Linux 6.11; -ENOSYS in an emulator.
 */
int maps_find(struct maps *maps, uintptr_t address, struct mapping *out);

void maps_close(struct maps *maps);

#endif
