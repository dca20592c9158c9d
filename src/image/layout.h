/*
 * layout.h - the segments of a process: what each of its mappings is.
 *
 * Told by what the process itself has in its memory: the headers of its ELF files, the heap's root, the control blocks
 * of its threads. So it does for a core file what it does for a process, and needs none of the files.
 *
 * Nothing is allocated. What may not be read is passed over: a segment is then no more than its mapping says.
 */
#ifndef LOAM_IMAGE_LAYOUT_H
#define LOAM_IMAGE_LAYOUT_H

#include "image/image.h"
#include "sys/maps.h"

#include <loam/layout.h>

enum { SEGMENT_KINDS = LOAM_SEGMENT_KERNEL + 1 };

/* "text", "read-only data", ... */
extern const char *const segment_names[SEGMENT_KINDS];

struct segment {
    enum loam_segment_kind kind;
    struct mapping mapping; /* of BSS, its path is the file's that it is of */
    int thread;             /* that a stack or guard is of; 0 for none */
};

static inline size_t segment_size(const struct segment *segment)
{
    return segment->mapping.end - segment->mapping.start;
}

struct layout_thread {
    int id;
    uintptr_t stack_pointer; /* 0 when it is not known: the thread is running */
};

/* Where mappings come from, in the order of addresses. */
struct layout_input {
    bool (*next)(void *context, struct mapping *out);
    void *context;
    const struct image_source *source;   /* the memory; NULL when it cannot be read */
    const struct image *heap;            /* NULL for none */
    const struct layout_thread *threads; /* the first is the main one */
    size_t thread_count;
};

enum { LAYOUT_LOADS = 16 };

/* The part of an ELF file that lies in one piece of its addresses. */
struct layout_load {
    uintptr_t start, end;
    uintptr_t file_end; /* from here to `end` it is zeroes at first */
    bool writable, executable;
};

struct layout {
    struct layout_input input;
    bool has_next;
    struct mapping next;

    /* The ELF file whose mappings have been met last. */
    uintptr_t module_start, module_end;
    unsigned load_count;
    struct layout_load loads[LAYOUT_LOADS];
    char module[MAPS_PATH];
};

void layout_begin(struct layout *layout, const struct layout_input *input);

/* The next segment; false when there is none left. */
bool layout_next(struct layout *layout, struct segment *out);

#endif
