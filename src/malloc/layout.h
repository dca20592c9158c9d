/*
 * layout.h - the reader of the process's own segments, see loam/layout.h.
 */
#ifndef LOAM_MALLOC_LAYOUT_H
#define LOAM_MALLOC_LAYOUT_H

/* In a forked child: no other thread is reading. */
void layout_after_fork(void);

#endif
