/*
 * patch.h - have other functions called than the dynamic linker found.
 */
#ifndef LOAM_SAMPLE_PATCH_H
#define LOAM_SAMPLE_PATCH_H

#include <stdbool.h>
#include <stddef.h>

struct patch {
    const char *name; /* of a function */
    void *ours;       /* what is to be called instead, */
    const char *name_of_real;
    void **real; /* and what that calls; where this is NULL, nothing is changed */
};

/* Put them in order of their names. */
void patch_sort(struct patch *patches, size_t count);

/*
 * In every file that has been loaded since the last call, but for loam's and the C library's, let calls of these
 * functions go to ours. `all_loaded`: no file is just being loaded.
 */
void patch_all(const struct patch *patches, size_t count, bool all_loaded);

#endif
