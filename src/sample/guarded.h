/*
 * guarded.h - an object between guard pages, with the stacks of those who allocated and freed it.
 *
 * What a sample is (sample.h), and what most objects of `loam check` are (check.h).
 */
#ifndef LOAM_SAMPLE_GUARDED_H
#define LOAM_SAMPLE_GUARDED_H

#include "sample/checked.h"
#include "sample/slots.h"

struct guarded_limits {
    unsigned band_shift; /* bytes of addresses of a band, as a power of two */
    uint32_t hold;       /* free slots that are held back */
    size_t stack_bytes;  /* room for stacks */
    uint32_t stack_chains;
    size_t rules; /* that the unwinder keeps */
};

/*
 * Whether objects can be watched: the C library has started. What it allocates before that, perhaps to be able to tell
 * where unwind tables are, is allocated as usual.
 */
extern HIDDEN bool guarded_open;

/* Get everything ready; once, with no other thread here. `guards` as for slots_start(). Returns 0 or -ENOMEM. */
int guarded_start(const struct guarded_limits *limits, bool guards);

/* Place an object as slots_take() does; `stack` is that of who allocates. NULL when there is no place. */
void *guarded_take(size_t size, size_t align, bool at_end, enum routine routine, uint32_t stack);

/* Free what a program gave us, in the slots: or tell what is wrong with it. */
void guarded_give(void *ptr, const struct giving *giving);

/* What is known of the object that an address in the slots is in or near. False for none. */
bool guarded_near(const void *p, struct checked *out);

/* Look at the bytes around every live object, as far as nobody else changes it meanwhile. */
void guarded_look_at_all(void);

/* For fork: keep all others out of the slots; let them in; start over in the child. */
void guarded_lock(void);
void guarded_unlock(void);
void guarded_after_fork(void);

#endif
