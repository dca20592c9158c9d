/*
 * summary_print.h - what `loam run` tells at the end, as text for people and as JSON for programs.
 */
#ifndef LOAM_TOOLS_SUMMARY_PRINT_H
#define LOAM_TOOLS_SUMMARY_PRINT_H

#include "records.h"

#include <stdio.h>
#include <sys/types.h>

/* One run. */
struct report {
    const struct records *records;
    const struct summary *started; /* among the records: that of the program itself; NULL when it left none */
    char *const *argv;
    pid_t pid;
    int status; /* of waitpid(2) */
};

/* Lines of up to 100 columns. Errors stay in the stream's error flag, as with printf. */
void summary_print_text(FILE *out, const struct report *report);

/* One document; every field of every record under its own name. Errors likewise. */
void summary_print_json(FILE *out, const struct report *report);

#endif
