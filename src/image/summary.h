/*
 * summary.h - what a process under `loam run` leaves behind at its end.
 *
 * With LOAM_OPTIONS=summary=DIR every process writes one record, DIR/PID.N (N counts the programs that PID executed),
 * when it exits. A record shorter than its own `size` was cut off and is no record.
 */
#ifndef LOAM_IMAGE_SUMMARY_H
#define LOAM_IMAGE_SUMMARY_H

#include <stdint.h>

#define SUMMARY_MAGIC 0x314d55534d414f4cULL /* "LOAMSUM1", little endian */

enum { SUMMARY_CLASSES = 128, SUMMARY_TEXT = 256 };

/* One size class. The last entry in use is that of large objects: its object_size is 0. */
struct summary_class {
    uint32_t object_size; /* bytes */
    uint32_t slabs;
    uint64_t allocations;     /* since the start */
    uint64_t requested_bytes; /* asked for by those allocations */
    uint64_t live_objects;    /* at exit */
    uint64_t live_bytes;      /* at exit, in whole objects */
    uint64_t cached_objects;  /* free, in magazines */
    uint64_t free_objects;    /* free, in slabs */
    uint64_t span_bytes;      /* address space of the class's slabs */
};

struct summary {
    uint64_t magic;
    uint32_t size; /* of this struct, bytes */
    uint32_t class_count;
    int32_t pid;
    int32_t parent_pid;
    uint64_t start_ns; /* CLOCK_MONOTONIC */
    uint64_t end_ns;
    uint64_t user_ns;
    uint64_t system_ns;
    uint64_t resident_peak; /* bytes, of the whole process */
    uint64_t resident_exit;
    uint64_t faults_minor;
    uint64_t faults_major;
    uint64_t allocations;
    uint64_t frees;
    uint64_t requested_bytes;      /* by all allocations together */
    uint64_t live_bytes_peak;      /* in whole objects */
    uint64_t live_objects_at_peak; /* at that moment */
    uint64_t live_bytes_exit;
    uint64_t live_objects_exit;
    uint64_t committed_bytes; /* below the break */
    uint64_t dirty_bytes;     /* idle slices that the kernel has not got back */
    uint64_t metadata_bytes;
    uint32_t threads_peak; /* heaps in use at once */
    uint32_t exit_by_signal;
    char program[SUMMARY_TEXT]; /* name of the executable */
    struct summary_class classes[SUMMARY_CLASSES];
};

#endif
