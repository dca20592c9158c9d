/*
 * output.h - files that the user names for what a command has to tell; "-" is stdout.
 */
#ifndef LOAM_TOOLS_OUTPUT_H
#define LOAM_TOOLS_OUTPUT_H

#include <stdio.h>

/* Open the file for writing. Returns 0, or -errno after a message. */
int output_open(const char *name, FILE **out);

/* A stream of its own on an open descriptor, which stays open. NULL with errno when there is none. */
FILE *output_on(int fd);

/* Close it. Returns 0; or -errno when not all was written, after a message unless `name` is NULL. */
int output_close(FILE *out, const char *name);

#endif
