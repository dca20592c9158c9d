/*
 * bounds.h - whether the memory that a function of the C library is given is the caller's to use.
 */
#ifndef LOAM_SAMPLE_BOUNDS_H
#define LOAM_SAMPLE_BOUNDS_H

#include "sample/finding.h"

#include <stddef.h>

/*
 * Tell when the `size` bytes at `p`, which `function` is about to access, are not all of one live object, though they
 * begin in or near a watched one. Of other memory nothing is known.
 */
void bounds_check(const void *p, size_t size, enum finding_access access, const char *function);

/* The same of a string that ends within `max` bytes: SIZE_MAX for any. Returns its length, or `max`. */
size_t bounds_check_string(const char *string, size_t max, const char *function);

/* Tell when two areas of `size` bytes overlap. */
void bounds_check_apart(const void *a, const void *b, size_t size, const char *function);

#endif
