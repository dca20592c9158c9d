/*
 * summary.h - leave a record of the process at its end, for `loam run`.
 */
#ifndef LOAM_MALLOC_SUMMARY_H
#define LOAM_MALLOC_SUMMARY_H

/* Remember when this process (or forked child) started. */
void summary_start(void);

/* Write the record, once, if options.summary asks for it. */
void summary_write(void);

#endif
