/*
 * report.h - the one way out: every stop goes through here.
 *
 * A report is one paragraph on stderr; then the process aborts. Nothing is allocated, no lock is
 * taken: it works from any state of the heap.
 */
#ifndef LOAM_BASE_REPORT_H
#define LOAM_BASE_REPORT_H

#include "base/text.h"

/* Write `text` to stderr, whatever errno was staying so. */
void report_write(const struct text *text);

/* The same of a line that is known. */
void report_line(const char *line);

/* Write `text` to stderr and abort. */
_Noreturn void report_stop(const struct text *text);
_Noreturn void report_stop_line(const char *line);

#endif
