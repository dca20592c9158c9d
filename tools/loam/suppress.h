/*
 * suppress.h - findings that the user does not want to be told of.
 *
 * A file of lines, each "function PATTERN", "file PATTERN" or "module PATTERN", with patterns as of the shell; '#'
 * begins a comment. A finding is suppressed when any function of any of its stacks matches any line.
 */
#ifndef LOAM_TOOLS_SUPPRESS_H
#define LOAM_TOOLS_SUPPRESS_H

#include "frames.h"

struct suppressions;

/* NULL, after a message, when the file cannot be read or understood. */
struct suppressions *suppressions_read(const char *path);

/* `suppressions` may be NULL. */
bool suppressions_match(const struct suppressions *suppressions, const struct frames *frames);

void suppressions_free(struct suppressions *suppressions);

#endif
