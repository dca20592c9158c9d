/*
 * library.h - the libloam.so that programs are started on.
 */
#ifndef LOAM_TOOLS_LIBRARY_H
#define LOAM_TOOLS_LIBRARY_H

#include "elf_file.h"

#include <limits.h>

struct library {
    char path[PATH_MAX]; /* absolute: the program may start in, or go to, any directory */
    struct elf_file file;
};

/*
 * Find the library that belongs to this command: $LOAM_LIBRARY, else libloam.so beside the command, as it is built, or
 * in the lib directory next to the command's, as it is installed. Returns 0, or -errno after a message.
 */
int library_find(struct library *out);

/* Find the one that is called `file` in the directory of `library`. Returns likewise. */
int library_find_other(const struct library *library, const char *file, struct library *out);

#endif
