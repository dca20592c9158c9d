/*
 * snap.c - `loam snap`: keep the figures of a process, for `loam diff` to compare.
 */
#include "command.h"
#include "output.h"
#include "snapshot.h"

#include <getopt.h>
#include <stdlib.h>

static const char help_text[] =
    "Writes what the memory of a process, or of its core file, holds at this moment into a file: by size of object, "
    "and\n"
    "by segment. 'loam diff' compares two of them.\n"
    "\n"
    "  -o, --output FILE  write into FILE instead of to stdout\n"
    "      --core FILE    read a core file\n"
    "  -h, --help         print this\n"
    "\n"
    "Exit status: 0; 1 when the process or file could not be read; 2 when the command was not understood.\n";

static int write_snapshot(const struct snapshot *snapshot, const char *name)
{
    FILE *out;

    if (output_open(name, &out) < 0)
        return EXIT_FAILURE;
    snapshot_write(out, snapshot);
    return output_close(out, name) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int take(void *output, struct target *target)
{
    struct snapshot snapshot;
    int error = snapshot_take(target, &snapshot);

    if (error)
        target_warn(target, error);
    int status = error ? EXIT_FAILURE : write_snapshot(&snapshot, output);
    snapshot_free(&snapshot);
    return status;
}

static int run_command(int argc, char **argv)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"core", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    static char to_stdout[] = "-";
    const char *core = NULL;
    char *output = to_stdout;
    int option;

    while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
        switch (option) {
        case 'o':
            output = optarg;
            break;
        case 'c':
            core = optarg;
            break;
        case 'h':
            return command_help(&command_snap);
        default:
            return command_misused(&command_snap);
        }
    }
    return target_look(&command_snap, core, argc - optind, argv + optind, take, output);
}

const struct command command_snap = {
    .name = "snap",
    .arguments = "[-o FILE] PID | --core FILE",
    .purpose = "keep the figures of a process, to compare them later",
    .help = help_text,
    .run = run_command,
};
