/*
 * root.h - where a reader of the heap starts, from inside or outside the process.
 *
 * The root is the exported symbol `loam_image`; a reader without symbols tells it by its first field and its last. All
 * that is known of the heap hangs from it, in the structures of range.h, class.h, slab.h and heap.h; and of the objects
 * that are watched, in those of slots.h, fence.h and stacks.h. `version` changes with any of them.
 */
#ifndef LOAM_SAMPLE_ROOT_H
#define LOAM_SAMPLE_ROOT_H

#include "heap/heap.h"
#include "heap/observe.h"
#include "sample/fence.h"
#include "sample/slots.h"
#include "sample/stacks.h"

#define ROOT_MAGIC 0x474d494d414f4cULL /* "LOAMIMG" */

enum { ROOT_VERSION = 4 };

struct root {
    uint64_t magic;
    uint32_t version;
    uint32_t size; /* of this struct, bytes */
    const struct range_set *ranges;
    const struct heap_table *heaps;
    const struct class_table *classes;
    const struct observers *observers;
    const struct slots *slots;
    const struct fences *fences;
    const struct stacks *stacks;
    const struct root *self; /* where it is: copies of its bytes are no roots */
};

extern const struct root loam_image;

#endif
