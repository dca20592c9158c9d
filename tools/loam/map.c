/*
 * map.c - `loam map`: the segments of a process, from its text to its stacks, and how much memory each has.
 */
#include "command.h"
#include "heap_stats.h"
#include "map_print.h"
#include "output.h"
#include "page.h"
#include "process.h"
#include "watch_end.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char help_text[] =
    "Shows the memory of a process, of its core file, or of COMMAND when it ends, as it lies: text, data, BSS, heaps,\n"
    "mappings, stacks, from the highest address to the lowest, and how much of each is in memory. It need not run on\n"
    "loam's heap.\n"
    "\n"
    "  -a, --all        a line for each segment, also of libraries\n"
    "      --core FILE  read a core file\n"
    "      --json       print every figure, in bytes, as JSON\n"
    "      --svg FILE   write a picture into FILE ('-': stdout)\n"
    "      --html FILE  write a page to explore in a browser into FILE: zoom, point, search ('-': stdout)\n"
    "  -h, --help       print this\n"
    "\n"
    "Resident memory is what is in RAM, whoever else uses it too; of what is proportional, shared pages count for a\n"
    "part, so that the sum over all processes is the machine's. Dirty pages are the process's own and have been "
    "written\n"
    "to.\n"
    "\n"
    "Exit status: 0, or COMMAND's own; 1 when the process or file could not be read; 2 when the command was not\n"
    "understood.\n";

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
    to->size += segment_size(segment);
    add_memory(&to->memory, &segment->mapping.memory);
}

static void fill(struct memory_map *map, struct target *target, const struct segment *segments, size_t count)
{
    *map = (struct memory_map){.target = target, .segments = segments, .count = count};
    for (size_t i = 0; i < count; i++) {
        add_up(&map->totals[segments[i].kind], &segments[i]);
        if (segments[i].kind != LOAM_SEGMENT_KERNEL)
            add_up(&map->total, &segments[i]);
    }
    if (!target->is_core) {
        process_executable(target->pid, map->program, sizeof(map->program));
        map->stack_limit = process_stack_limit(target->pid);
    }
}

struct request {
    const char *core;
    bool all;
    bool json;
    const char *svg, *html; /* names of files, or NULL */
};

static int write_picture(const struct memory_map *map, const char *name)
{
    FILE *out;

    if (output_open(name, &out) < 0)
        return EXIT_FAILURE;
    map_print_svg(out, map);
    return output_close(out, name) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int write_page(const struct memory_map *map, const char *name)
{
    const struct target *target = map->target;
    struct heap_stats stats = {.image = NULL};
    FILE *out;

    if (output_open(name, &out) < 0)
        return EXIT_FAILURE;
    int error = target->has_heap ? heap_stats_read(&target->heap, &stats) : 0;
    if (error)
        target_warn(target, error);
    else
        page_print(out, target, map, target->has_heap ? &stats : NULL);
    heap_stats_free(&stats);
    return output_close(out, name) < 0 || error ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int print(const struct memory_map *map, const struct request *request)
{
    int status = EXIT_SUCCESS;

    if (request->svg)
        status = write_picture(map, request->svg);
    if (request->html && status == EXIT_SUCCESS)
        status = write_page(map, request->html);
    if (request->svg || request->html)
        return status;
    if (request->json)
        map_print_json(stdout, map);
    else
        map_print_text(stdout, map, request->all);
    return command_finish();
}

static int show(void *context, struct target *target)
{
    const struct request *request = context;
    struct segment *segments;
    struct memory_map map;
    size_t count;
    int error = target_segments(target, true, &segments, &count);

    if (error) {
        target_warn(target, error);
        return EXIT_FAILURE;
    }
    fill(&map, target, segments, count);
    int status = print(&map, request);
    free(segments);
    return status;
}

static int run_command(int argc, char **argv)
{
    static const struct option options[] = {
        {"all", no_argument, NULL, 'a'},
        {"core", required_argument, NULL, 'c'},
        {"json", no_argument, NULL, 'j'},
        {"svg", required_argument, NULL, 's'},
        {"html", required_argument, NULL, 'H'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct request request = {.core = NULL};
    int option;

    while ((option = getopt_long(argc, argv, "ah", options, NULL)) != -1) {
        switch (option) {
        case 'a':
            request.all = true;
            break;
        case 'c':
            request.core = optarg;
            break;
        case 'j':
            request.json = true;
            break;
        case 's':
            request.svg = optarg;
            break;
        case 'H':
            request.html = optarg;
            break;
        case 'h':
            return command_help(&command_map);
        default:
            return command_misused(&command_map);
        }
    }
    if (optind < argc && strcmp(argv[optind - 1], "--") == 0 && !request.core)
        return watch_end(argv + optind, show, &request);
    return target_look(&command_map, request.core, argc - optind, argv + optind, show, &request);
}

const struct command command_map = {
    .name = "map",
    .arguments = "[-a | --json | --svg FILE | --html FILE] PID | --core FILE | -- COMMAND",
    .purpose = "show the memory of any process as it lies",
    .help = help_text,
    .run = run_command,
};
