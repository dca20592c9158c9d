/*
 * main.c - the command `loam`: a table of subcommands, and help for each.
 */
#include "command.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LENGTH = 64 };

static int run_help(int argc, char **argv);

static const struct command help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .purpose = "show how a command is used",
    .help = "Shows how COMMAND is used; without one, what commands there are.\n",
    .run = run_help,
};

static const struct command *const commands[] = {
    &command_run,   &command_check, &command_map,  &command_stats,  &command_top, &command_explain,
    &command_leaks, &command_snap,  &command_diff, &command_shared, &help,        &command_report,
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static const struct command *find(const char *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    warnx("there is no command '%s'; see 'loam --help'", name);
    return NULL;
}

/* What was printed may still be in a buffer: only now it shows whether stdout took it. */
int command_finish(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_SUCCESS;
    warn("cannot write to stdout");
    return EXIT_FAILURE;
}

static void print_usage(FILE *out)
{
    fputs("Usage: loam COMMAND [ARGUMENT]...\n"
          "\n"
          "loam is a heap that any program can be started on, and the tools that show where its memory is.\n"
          "\n"
          "Commands:\n",
          out);
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (commands[i]->purpose)
            fprintf(out, "  %-8s %s\n", commands[i]->name, commands[i]->purpose);
    fputs("\n"
          "'loam help COMMAND' tells more about one. Options: -h, --help; -V, --version.\n"
          "Start here:  loam run python3 -c 'print(sum(range(10)))'\n",
          out);
}

int command_help(const struct command *command)
{
    printf("Usage: loam %s %s\n\n%s", command->name, command->arguments, command->help);
    return command_finish();
}

int command_misused(const struct command *command)
{
    fprintf(stderr, "Try 'loam %s --help'.\n", command->name);
    return EXIT_USAGE;
}

bool command_parse_status(const char *option, const char *text, int *out)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*end || end == text || value < 0 || value > 255) {
        warnx("%s %s: an exit status is a number from 0 to 255", option, text);
        return false;
    }
    *out = (int)value;
    return true;
}

static int run_help(int argc, char **argv)
{
    if (argc > 2) {
        warnx("one command at a time");
        return EXIT_USAGE;
    }
    if (argc == 2) {
        const struct command *command = find(argv[1]);
        return command ? command_help(command) : EXIT_USAGE;
    }
    print_usage(stdout);
    return command_finish();
}

/* getopt(3) and warn(3) begin their messages with these names. */
static int run(const struct command *command, int argc, char **argv)
{
    static char name[NAME_MAX_LENGTH];

    snprintf(name, sizeof(name), "loam %s", command->name);
    program_invocation_short_name = name;
    argv[0] = name;
    optind = 0; /* glibc: begin anew, with a new argv */
    return command->run(argc, argv);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    static char name[] = "loam";

    program_invocation_short_name = name;
    if (argc > 0)
        argv[0] = name;
    switch (getopt_long(argc, argv, "+hV", options, NULL)) {
    case 'h':
        print_usage(stdout);
        return command_finish();
    case 'V':
        puts("loam " LOAM_VERSION);
        return command_finish();
    case -1:
        break;
    default:
        fputs("Try 'loam --help'.\n", stderr);
        return EXIT_USAGE;
    }
    if (optind >= argc) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    const struct command *command = find(argv[optind]);
    return command ? run(command, argc - optind, argv + optind) : EXIT_USAGE;
}
