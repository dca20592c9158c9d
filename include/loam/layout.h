/*
 * loam/layout.h - where the memory of this process is: its segments, and what lies at an address.
 *
 * Both functions are thread-safe: one thread at a time, others wait. Neither allocates nor is async-signal-safe. They
 * read /proc/self, see proc_pid_smaps(5).
 */
#ifndef LOAM_LAYOUT_H
#define LOAM_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum loam_segment_kind {
    /* Of an ELF file: the program or a library. */
    LOAM_SEGMENT_TEXT,
    LOAM_SEGMENT_READ_ONLY,
    LOAM_SEGMENT_DATA, /* also what is made read-only when it has been relocated */
    LOAM_SEGMENT_BSS,

    LOAM_SEGMENT_BREAK,   /* below the program break */
    LOAM_SEGMENT_HEAP,    /* loam's, below its own break */
    LOAM_SEGMENT_RESERVE, /* loam's, above it: addresses only */
    LOAM_SEGMENT_RECORDS, /* what loam knows of its heap */
    LOAM_SEGMENT_ANONYMOUS,
    LOAM_SEGMENT_FILE,
    LOAM_SEGMENT_SHARED, /* memory that other processes can have mapped as well */
    LOAM_SEGMENT_STACK,
    LOAM_SEGMENT_GUARD,        /* inaccessible, right below a stack */
    LOAM_SEGMENT_INACCESSIBLE, /* for another purpose */
    LOAM_SEGMENT_KERNEL        /* code and data of the kernel for the process: vdso, vvar */
};

struct loam_segment {
    uintptr_t start, end;
    enum loam_segment_kind kind;
    int protection;   /* PROT_READ | PROT_WRITE | PROT_EXEC of mprotect(2) */
    int shared;       /* MAP_SHARED, not MAP_PRIVATE */
    int thread;       /* the kernel's id of the thread whose stack or guard it is; 0 for none */
    uint64_t offset;  /* in the file, bytes */
    const char *path; /* of the file, or the kernel's name for it in brackets, or ""; valid during the call */

    /* Bytes. */
    size_t resident;      /* in memory */
    size_t proportional;  /* the same, where what n processes share counts for an nth */
    size_t private_dirty; /* in memory, this process's alone, and written to */
    size_t swapped;
    size_t locked;
    size_t huge; /* in huge pages */
};

/*
 * Call `visit` with each segment of the process, from the lowest address up; it must not call a function of this
 * header. The walk ends when it returns something other than 0. Returns 0, what `visit` returned, or -errno of open(2)
 * and read(2) of /proc/self/smaps.
 */
int loam_layout_walk(int (*visit)(void *context, const struct loam_segment *segment), void *context);

/* "text", "read-only data", ...: a name for each kind; "" for any other value. */
const char *loam_segment_name(enum loam_segment_kind kind);

/*
 * Say in words what lies at `pointer`, which need not point to anything: the object of the heap, whether it is in use
 * and how far inside; or the segment, and whose. Writes at most `size` bytes of text with its terminator, as
 * snprintf(3), and returns the length of what was written.
 */
size_t loam_explain(const void *pointer, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
