/*
 * layout.h - what lies at an address outside the heap, for the reporter of errors.
 */
#ifndef LOAM_MALLOC_LAYOUT_H
#define LOAM_MALLOC_LAYOUT_H

#include "base/text.h"

/* Continue a sentence with what lies at `p`; with nothing, where another thread is just asking. Takes no lock by waiting. */
void layout_explain(struct text *text, const void *p);

/* In a forked child: no other thread is asking. */
void layout_after_fork(void);

#endif
