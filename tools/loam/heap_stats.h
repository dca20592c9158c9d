/*
 * heap_stats.h - what a heap holds: by size, by thread, and where.
 */
#ifndef LOAM_TOOLS_HEAP_STATS_H
#define LOAM_TOOLS_HEAP_STATS_H

#include "image/figures.h"

#include <stdio.h>

/* What one thread's heap has. */
struct heap_figures {
    unsigned index;
    int thread;
    bool in_use;
    uint64_t live_bytes; /* in its slabs, whoever allocated them; what is in magazines not counted */
    uint64_t cached_bytes;
    uint64_t free_bytes;
    uint64_t kept_bytes;
    uint64_t span_bytes;
};

struct heap_stats {
    const struct image *image;
    struct figures figures;
    struct heap_figures *heaps;
    size_t heap_count;
    uint32_t *slices; /* live bytes in each, of all ranges one after the other */
    size_t slice_count;
};

/* Count everything. Returns 0 or -errno; heap_stats_free() either way. */
int heap_stats_read(const struct image *image, struct heap_stats *out);

void heap_stats_free(struct heap_stats *stats);

/* One document about the heap of process `pid`, every figure in bytes; with `slices`, what is live in each slice. */
void heap_stats_print_json(FILE *out, const struct heap_stats *stats, const char *name, int pid, bool slices);

#endif
