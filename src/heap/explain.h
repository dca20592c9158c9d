/*
 * explain.h - say in words what an address is, and what is wrong with it.
 */
#ifndef LOAM_HEAP_EXPLAIN_H
#define LOAM_HEAP_EXPLAIN_H

#include "base/report.h"

enum fault {
    FAULT_INVALID_FREE,    /* of what is not the start of an object */
    FAULT_DOUBLE_FREE,     /* of an object that is free */
    FAULT_INVALID_POINTER, /* given to realloc or malloc_usable_size */
    FAULT_WRONG_SIZE,      /* given to free_sized */
};

/* Say what `p` is; nothing is allocated and no lock is waited for. */
void explain_address(struct text *text, const void *p);

/*
 * Say in a sentence what lies at `p`, which is in no range of the heap. Defined by who knows what else there is,
 * malloc/layout.c. Waits for no lock.
 */
void explain_elsewhere(struct text *text, const void *p);

/* Stop the process with a report of one paragraph. Allocates nothing and takes no lock. */
_Noreturn void explain_stop(enum fault fault, const void *p);

#endif
