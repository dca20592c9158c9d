/*
 * program.h - the program to start: where it is, and whether a library can be preloaded into it.
 */
#ifndef LOAM_TOOLS_PROGRAM_H
#define LOAM_TOOLS_PROGRAM_H

#include "library.h"

#include <limits.h>

/* As of env(1), nohup(1), timeout(1). */
enum {
    EXIT_OWN_FAILURE = 125,
    EXIT_CANNOT_START = 126,
    EXIT_NOT_FOUND = 127,
};

/*
 * Find `name` as execvp(3) does: by $PATH unless it has a slash. Puts the path, which has a slash, into `path`.
 * Returns 0, or EXIT_NOT_FOUND or EXIT_CANNOT_START after a message.
 */
int program_find(const char *name, char path[PATH_MAX]);

/*
 * Check that the file at `path`, which the user calls `name`, can be started with `library` preloaded; of a script,
 * that its interpreter can. Returns 0, or EXIT_NOT_FOUND or EXIT_CANNOT_START after a message.
 */
int program_check(const char *name, const char *path, const struct elf_file *library);

/* Find the library, and the program, and whether the one can be started on the other. Returns likewise. */
int program_prepare(const char *name, char path[PATH_MAX], struct library *library);

/* The exit status for an execve(2) that failed with `error`, an errno. */
int program_exit_status(int error);

#endif
