/*
 * leaks.c - `loam leaks`: objects that are in use, and that nothing points to any more.
 */
#include "command.h"
#include "leak_scan.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>

static const char help_text[] =
    "Finds objects of a heap that are in use though nothing points to them any more: from data, stacks, registers or\n"
    "other objects. A process is stopped for as long as it takes to copy its memory, and goes on; where it seems to\n"
    "have lost something, once more, to be sure. To the program it is as if a debugger came by: epoll_wait(2) and the\n"
    "like, see signal(7), may return EINTR.\n"
    "\n"
    "      --core FILE     read a core file\n"
    "      --exit-code N   exit with status N when there are leaks; without it, with 0\n"
    "      --json          print the leaks as JSON\n"
    "  -h, --help          print this\n"
    "\n"
    "An object is lost when no pointer to it, or into it, is left; indirectly, when only lost ones lead to it. What\n"
    "looks like a pointer counts as one: what is said to be lost is, unless its address is kept in another form, but\n"
    "a stale word, on the stack for one, may hide a leak.\n"
    "\n"
    "Exit status: 0, or N; 1 when the process or file could not be read; 2 when the command was not understood.\n";

struct request {
    const char *core;
    bool json;
    int exit_code;
};

static void print_text(const struct target *target, const struct leaks *leaks)
{
    struct symbols *symbols = NULL;

    for (size_t i = 0; !symbols && i < leaks->group_count; i++)
        if (leaks->groups[i].stack)
            symbols = symbols_open(target, NULL);
    leaks_print_text(stdout, target->name, leaks, symbols);
    symbols_close(symbols);
}

static int show(void *context, struct target *target)
{
    const struct request *request = context;
    struct leaks leaks;
    int status = EXIT_FAILURE;

    if (target_needs_heap(target) < 0)
        return EXIT_FAILURE;
    if (leaks_find(target, 0, &leaks) == 0) {
        if (request->json)
            leaks_print_json(stdout, target->name, target->pid, &leaks);
        else
            print_text(target, &leaks);
        status = command_finish();
    }
    if (status == EXIT_SUCCESS && leaks.lost_objects)
        status = request->exit_code;
    leaks_free(&leaks);
    return status;
}

static int run_command(int argc, char **argv)
{
    static const struct option options[] = {
        {"core", required_argument, NULL, 'c'},
        {"exit-code", required_argument, NULL, 'x'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct request request = {.exit_code = EXIT_SUCCESS};
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            request.core = optarg;
            break;
        case 'x':
            if (!command_parse_status("--exit-code", optarg, &request.exit_code))
                return command_misused(&command_leaks);
            break;
        case 'j':
            request.json = true;
            break;
        case 'h':
            return command_help(&command_leaks);
        default:
            return command_misused(&command_leaks);
        }
    }
    return target_look(&command_leaks, request.core, argc - optind, argv + optind, show, &request);
}

const struct command command_leaks = {
    .name = "leaks",
    .arguments = "[--exit-code N] [--json] PID | --core FILE",
    .purpose = "find objects that nothing points to any more",
    .help = help_text,
    .run = run_command,
};
