/*
 * command.h - what a subcommand of `loam` is.
 *
 * A subcommand is a file of its own, which defines one struct command, and a line in the table of main.c. It says its
 * errors with warn(3) and warnx(3), which begin them with the command's name.
 */
#ifndef LOAM_TOOLS_COMMAND_H
#define LOAM_TOOLS_COMMAND_H

#include <stdbool.h>

enum { EXIT_USAGE = 2 };

struct command {
    const char *name;
    const char *arguments; /* of the usage line */
    const char *purpose;   /* a line for `loam --help`; NULL for one that only programs run */
    const char *help;      /* the rest of `loam help NAME`, whole lines */

    /* argv[0] is "loam NAME"; main() has not parsed the rest. Returns the exit status. */
    int (*run)(int argc, char **argv);
};

extern const struct command command_run;
extern const struct command command_check;
extern const struct command command_report;
extern const struct command command_map;
extern const struct command command_stats;
extern const struct command command_explain;
extern const struct command command_leaks;
extern const struct command command_top;
extern const struct command command_snap;
extern const struct command command_diff;
extern const struct command command_shared;

/* Print how `command` is used to stdout. Returns the exit status: 0, or 1 with a message when stdout failed. */
int command_help(const struct command *command);

/* Say on stderr where help on `command` is to be had. Returns EXIT_USAGE. */
int command_misused(const struct command *command);

/* The exit status that `option` was given as `text`. False after a message when it is none. */
bool command_parse_status(const char *option, const char *text, int *out);

/* End a command that has printed to stdout. Returns the exit status: 0, or 1 with a message when stdout failed. */
int command_finish(void);

#endif
