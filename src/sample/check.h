/*
 * check.h - every allocation is watched: guarded as long as its cost stays within bounds, else fenced.
 *
 * The governor compares the time that this has cost with the processor time that the process has used. When it costs
 * too much, a smaller share of allocations is guarded, by chance, but for the first few of each call site; and when
 * that is not enough, fewer calls are kept of the stacks of the others. A program of few allocations is guarded whole.
 */
#ifndef LOAM_SAMPLE_CHECK_H
#define LOAM_SAMPLE_CHECK_H

#include "heap/heap.h"
#include "sample/checked.h"

struct check_limits {
    unsigned slowdown; /* the program may take so many times its own time */
    size_t memory;     /* bytes that may be taken in addition to the program's own */
    bool guards;       /* as for slots_start() */
    bool leaks;        /* are looked for at the end */
    bool at_start;     /* objects lie behind their guard, not before it: underflows fault instead of overflows */
};

struct check {
    bool on;
    struct check_limits limits;
    int process; /* a child of vfork(2) is another one, though its memory is this */
    ATOMIC bool ended;
    ATOMIC uint32_t share; /* of 2^32, that is guarded */
    ATOMIC uint32_t depth; /* of the stacks of the others */
};

extern HIDDEN struct check check;

/* Once, before any object is allocated. Returns 0; or -ENOMEM, and nothing is checked. */
int check_start(const struct check_limits *limits);

/* Allocate an object; `zeroed`: it reads as zeroes. NULL when it is to be allocated as usual. */
void *check_take(struct heap *heap, size_t size, size_t align, bool zeroed, enum routine routine);

/*
 * Free a watched object, or tell what is wrong with what is given for one. False for an object that was allocated as
 * usual.
 */
bool check_give(struct heap *heap, void *ptr, const struct giving *giving);

/* Whether `ptr` is the start of an object that was allocated as usual, and so nothing is known of. */
bool check_is_usual(const void *ptr);

/* What is known of the watched object that an address is in or near. False for none. */
bool check_near(const void *p, struct checked *out);

/* The process ends, if it is checked: look at every object once more, and have the reporter look for leaks. */
void check_end(void);

/* For fork. */
void check_lock(void);
void check_unlock(void);
void check_after_fork(void);

#endif
