/*
 * map.c - `loam map`: the segments of a process, from its text to its stacks, and how much memory each has.
 */
#include "command.h"
#include "map_print.h"
#include "process.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT, JSON };

static const char help_text[] =
    "Shows the memory of a process, or of its core file, as it lies: text, data, BSS, heaps, mappings, stacks, from the\n"
    "highest address to the lowest, and how much of each is in memory. It need not run on loam's heap.\n"
    "\n"
    "  -a, --all        a line for each segment, also of libraries\n"
    "      --core FILE  read a core file\n"
    "      --json       print every figure, in bytes, as JSON\n"
    "  -h, --help       print this\n"
    "\n"
    "Resident memory is what is in RAM, whoever else uses it too; of what is proportional, shared pages count for a part,\n"
    "so that the sum over all processes is the machine's. Dirty pages are the process's own and have been written to.\n"
    "\n"
    "Exit status: 0; 1 when the process or file could not be read; 2 when the command was not understood.\n";

static void add_memory(struct mapping_memory *to, const struct mapping_memory *from)
{
    to->resident += from->resident;
    to->proportional += from->proportional;
    to->shared_clean += from->shared_clean;
    to->shared_dirty += from->shared_dirty;
    to->private_clean += from->private_clean;
    to->private_dirty += from->private_dirty;
    to->anonymous += from->anonymous;
    to->huge += from->huge;
    to->swapped += from->swapped;
    to->locked += from->locked;
}

static void add_up(struct kind_total *to, const struct segment *segment)
{
    to->segments++;
    to->size += segment->mapping.end - segment->mapping.start;
    add_memory(&to->memory, &segment->mapping.memory);
}

static void fill(struct memory_map *map, struct target *target, const struct segment *segments, size_t count)
{
    *map = (struct memory_map){.target = target, .segments = segments, .count = count};
    for (size_t i = 0; i < count; i++) {
        add_up(&map->totals[segments[i].kind], &segments[i]);
        if (segments[i].kind != SEGMENT_KERNEL)
            add_up(&map->total, &segments[i]);
    }
    if (!target->is_core) {
        process_executable(target->pid, map->program, sizeof(map->program));
        map->stack_limit = process_stack_limit(target->pid);
    }
}

static int show(struct target *target, int format, bool all)
{
    struct segment *segments;
    struct memory_map map;
    size_t count;
    int error = target_segments(target, true, &segments, &count);

    if (error) {
        target_warn(target, error);
        return EXIT_FAILURE;
    }
    fill(&map, target, segments, count);
    if (format == JSON)
        map_print_json(stdout, &map);
    else
        map_print_text(stdout, &map, all);
    free(segments);
    return command_finish();
}

static int run_command(int argc, char **argv)
{
    static const struct option options[] = {
        {"all", no_argument, NULL, 'a'},  {"core", required_argument, NULL, 'c'}, 
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0},
    };
    struct target target;
    const char *core = NULL;
    int format = TEXT, option;
    bool all = false;

    while ((option = getopt_long(argc, argv, "ah", options, NULL)) != -1) {
        switch (option) {
        case 'a':
            all = true;
            break;
        case 'c':
            core = optarg;
            break;
        case 'j':
            format = JSON;
            break;
        case 'h':
            return command_help(&command_map);
        default:
            return command_misused(&command_map);
        }
    }
    int status = target_open(&command_map, core, argc - optind, argv + optind, &target);
    if (status)
        return status;
    status = show(&target, format, all);
    target_close(&target);
    return status;
}

const struct command command_map = {
    .name = "map",
    .arguments = "[-a] [--json] PID | --core FILE",
    .purpose = "show the memory of any process as it lies",
    .help = help_text,
    .run = run_command,
};
