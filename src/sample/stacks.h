/*
 * stacks.h - call stacks, each kept once and known by a number.
 *
 * What is kept stays, and is never changed: a reader from outside finds a stack by its number alone.
 * Any thread may add: an entry is complete before it is linked into its chain, and it is linked in one step.
 */
#ifndef LOAM_SAMPLE_STACKS_H
#define LOAM_SAMPLE_STACKS_H

#include "base/base.h"
#include "sample/unwind.h"
#include "sys/lock.h"

enum { STACKS_UNIT = 8 /* bytes: a number times this is where the entry lies */ };

struct stack {
    uint32_t next; /* of the same hash */
    uint32_t hash;
    uint32_t count;
    uint32_t pad;
    uintptr_t calls[]; /* return addresses, the innermost first */
};

static_assert(sizeof(struct stack) % STACKS_UNIT == 0, "entries follow each other");

enum { STACKS_DEPTH = 32 /* calls of a stack that is worth its time */ };

struct stacks {
    unsigned char *base; /* the first unit is no entry: 0 is the number of no stack */
    size_t size;
    ATOMIC size_t used;
    ATOMIC size_t ready; /* bytes that are accessible */
    struct lock lock;    /* of making more so */
    ATOMIC uint32_t *chains;
    uint32_t mask;

    /* Where loam's own code is, if that is a library: calls within it are left out. */
    uintptr_t own_start, own_size;
};

extern HIDDEN struct stacks stacks;

/* Once: room for `size` bytes of stacks, and chains for about that many. Returns 0 or -ENOMEM. */
int stacks_start(size_t size, uint32_t chains);

/* The number of the stack of up to `depth` calls that leads to this instruction; 0 when there is no room. */
uint32_t stacks_from(struct frame frame, size_t depth);

/* The same of who calls this. */
INLINE uint32_t stacks_here(size_t depth)
{
    return stacks_from(unwind_here(), depth);
}

/* The number of a stack that is known already, of 1 to UNWIND_MAX calls. */
uint32_t stacks_keep(const uintptr_t *calls, size_t count);

/* In a forked child. */
void stacks_after_fork(void);

/* NULL for 0. */
const struct stack *stacks_get(uint32_t number);

#endif
