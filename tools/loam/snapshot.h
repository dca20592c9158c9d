/*
 * snapshot.h - the figures of a process at one moment, kept in a file to be compared with those of another.
 *
 * The file is text, a line for each figure or group of them, so that it can be read, kept and compared by other
 * programs as well:
 *
 *   loam snapshot 1
 *   process PID NAME
 *   taken SECONDS                                      since 1970
 *   heap LIVE_BYTES LIVE_OBJECTS CACHED FREE DIRTY COMMITTED    only of a process on loam's heap
 *   class OBJECT_SIZE SLABS LIVE CACHED FREE SPAN      each that has slabs; OBJECT_SIZE 0: large objects
 *   segment SIZE RESIDENT DIRTY SWAPPED KIND PATH      all of one kind and path together; blanks in KIND are _
 *   end
 */
#ifndef LOAM_TOOLS_SNAPSHOT_H
#define LOAM_TOOLS_SNAPSHOT_H

#include "image/figures.h"
#include "target.h"

#include <stdio.h>

struct snapshot_segment {
    uint64_t size;
    uint64_t resident;
    uint64_t dirty;
    uint64_t swapped;
    char kind[32];
    char *path; /* never NULL */
};

struct snapshot {
    char name[256];
    int pid;
    uint64_t taken;
    bool has_heap;
    struct figures figures; /* only what the file has of them; large objects are in `large` */
    struct snapshot_segment *segments;
    size_t segment_count;
};

/* Take the figures of a process or core file. Returns 0 or -errno; snapshot_free() either way. */
int snapshot_take(struct target *target, struct snapshot *out);

void snapshot_write(FILE *out, const struct snapshot *snapshot);

/* Read the file at `path`. Returns 0, or -errno after a message; snapshot_free() either way. */
int snapshot_read(const char *path, struct snapshot *out);

void snapshot_free(struct snapshot *snapshot);

#endif
