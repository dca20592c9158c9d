/*
 * checked.h - what is known of an object that is watched, wherever it lies; and what is wrong with how it is used.
 */
#ifndef LOAM_SAMPLE_CHECKED_H
#define LOAM_SAMPLE_CHECKED_H

#include "base/base.h"
#include "sample/finding.h"

struct span {
    unsigned char *start;
    size_t size;
};

struct checked {
    uintptr_t start;
    size_t size; /* bytes asked for */
    struct origin *origin;
    ATOMIC uint8_t *life; /* enum object_life */
    uint8_t routine;
    struct span before, after; /* bytes around a live object that nobody may write to */
};

/* A call that frees: how, and with which size and alignment; 0: not said. */
struct giving {
    enum routine routine;
    size_t size, align;
};

/* A finding about an address, of the stack of a number; `object` is NULL where none is near. */
struct finding checked_finding_at(enum finding_kind kind, const struct checked *object, const void *address,
                                  uint32_t stack);

/* The same of the stack that leads here. */
struct finding checked_finding(enum finding_kind kind, const struct checked *object, const void *address);

/* Tell of `kind` when the bytes, that nobody may write to, are not all `byte`. */
void checked_look_at(enum finding_kind kind, const struct checked *object, struct span span, unsigned char byte);

/* Look at the bytes around a live object; tell when they were written to. */
void checked_look(const struct checked *object);

/*
 * A program frees `ptr`, and `object` is what is known to be there, or NULL. Tells what is wrong with it; returns
 * whether there is an object to be given back: its life has ended, and its origin says who freed it, by the innermost
 * `depth` calls.
 */
bool checked_end(const struct checked *object, const void *ptr, const struct giving *giving, size_t depth);

/* The kernel's id of this thread. */
int thread_id(void);

/* In a forked child: its id is another. */
void thread_after_fork(void);

/* Whether `ptr` is a live object, as one must be that is asked about or reallocated; tells what is wrong otherwise. */
bool checked_is_live(const struct checked *object, const void *ptr);

/* An alignment that every object of this size has. */
INLINE size_t natural_align(size_t size)
{
    return size > 8 ? 16 : 8;
}

#endif
