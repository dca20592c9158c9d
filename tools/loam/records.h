/*
 * records.h - the directory where processes on loam leave their summaries, and what was found in it.
 */
#ifndef LOAM_TOOLS_RECORDS_H
#define LOAM_TOOLS_RECORDS_H

#include "image/summary.h"

#include <stddef.h>
#include <sys/types.h>

enum { RECORDS_PATH = 256 };

struct records {
    struct summary *items; /* sorted: the largest peak of resident memory first */
    size_t count;
    size_t capacity;
    size_t ignored; /* files that were no records */
};

/*
 * Make a fresh directory in $TMPDIR or /tmp and put its absolute path into `directory`. Returns 0, or -errno after a
 * message.
 */
int records_create(char directory[RECORDS_PATH]);

/*
 * Read every record in `directory` into *out and remove the directory with all that is in it. A file that is no record
 * is told and left out. Returns 0, or -errno after a message; *out is valid either way.
 */
int records_collect(const char *directory, struct records *out);

/* Only remove the directory; what cannot be removed is told. */
void records_remove(const char *directory);

/* The last record of process `pid`, or NULL. A pid has several when other namespaces have the same number. */
const struct summary *records_find(const struct records *records, pid_t pid, pid_t parent);

void records_free(struct records *records);

#endif
