/*
 * sample.h - about one allocation per so many bytes is a tripwire.
 *
 * The bytes between two samples are drawn from an exponential distribution: a Poisson process over all bytes that a
 * program allocates, so that the chance of an object is its size over the interval, whatever the program's rhythm. A
 * thread counts down its own; that is one subtraction in an allocation.
 *
 * A sample costs some ten microseconds. Programs that allocate so much that this would be felt get fewer, unless an
 * interval has been asked for: after the first SAMPLE_BURST, one in a millisecond of all threads together.
 */
#ifndef LOAM_SAMPLE_SAMPLE_H
#define LOAM_SAMPLE_SAMPLE_H

#include "base/base.h"
#include "cpu/cpu.h"
#include "sample/guarded.h"

enum { SAMPLE_BURST = 256 };

/* Bytes that the thread may allocate before the next sample; below 0: one is due, or the thread is new. */
extern HIDDEN CPU_THREAD_LOCAL int64_t sample_countdown;

struct sample_limits {
    size_t interval; /* bytes, on average; 0: no samples */
    bool exact;      /* however many that is */
    bool guards;     /* as for slots_start() */
    uint64_t seed;   /* of the intervals; 0: from the clock */
};

/* Once. */
void sample_start(const struct sample_limits *limits);

/* Count `size` bytes, which may be any number: an allocation that fails takes it back. */
INLINE void sample_count(size_t size)
{
    sample_countdown = (int64_t)((uint64_t)sample_countdown - size);
}

INLINE void sample_undo(size_t size)
{
    sample_count(-size);
}

/* Count, and tell whether this is the allocation that the countdown ends with. */
INLINE bool sample_is_due(size_t size)
{
    sample_count(size);
    return UNLIKELY(sample_countdown < 0);
}

/* One is due: start a new countdown, and place the object. NULL when it is to be allocated as usual. */
void *sample_take(size_t size, size_t align, enum routine routine);

/* A random number of the thread's generator. */
uint64_t sample_random(void);

/* In a forked child: threads draw other numbers than in the parent. */
void sample_after_fork(void);

#endif
