/*
 * explain.c - `loam explain`: what lies at one address of a process.
 */
#include "command.h"
#include "frames.h"
#include "image/find.h"
#include "image/watched.h"
#include "symbols.h"
#include "target.h"
#include "units.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help_text[] = "Says in words what lies at ADDRESS in the memory of a process, or of its core file: "
                                "which segment, of which file,\n"
                                "which function or variable, of which thread the stack, and of a process on loam which "
                                "object, whether it is in use,\n"
                                "and how far inside the address lies.\n"
                                "\n"
                                "      --core FILE  read a core file\n"
                                "      --exe FILE   the program that the core file is of, where it is not found\n"
                                "  -h, --help       print this\n"
                                "\n"
                                "ADDRESS is hexadecimal with 0x before it, or decimal; several can be given.\n"
                                "\n"
                                "Exit status: 0; 1 when the process or file could not be read, or an address is not "
                                "mapped; 2 when the command was\n"
                                "not understood.\n";

static void print_object(const struct image_object *o, uintptr_t address)
{
    switch (o->state) {
    case IMAGE_NOWHERE:
        printf("  It lies where nothing is allocated now.\n");
        return;
    case IMAGE_TAIL:
        printf("  It lies past the last object of the slab at 0x%" PRIxPTR ", of objects of %zu bytes.\n", o->slab,
               o->size);
        return;
    default:
        printf("  It is byte %" PRIuPTR " of an object of %zu bytes at 0x%" PRIxPTR ", which is %s.\n",
               address - o->start, o->size, o->start, image_state_names[o->state]);
    }
    if (o->large)
        printf("  The object is a large one: it has its pages for itself.\n");
    else
        printf("  The object is number %zu of %zu in the slab at 0x%" PRIxPTR ", of the heap of thread %d.\n", o->index,
               o->objects, o->slab, o->thread);
}

static void print_stack(const struct target *target, struct symbols *symbols, const char *what, int thread,
                        uint32_t number)
{
    struct image_stack stack;
    struct frames frames;

    if (image_stack_read(&target->heap, number, &stack) < 0)
        return;
    printf("  It was %s by thread %d:\n", what, thread);
    if (frames_find(symbols, &stack, &frames) == 0)
        frames_print(stdout, &frames, "    ");
    frames_free(&frames);
}

/* Of a watched object it is known exactly, and who allocated and freed it. Returns 0, -ENOENT for others, or -errno. */
static int explain_watched(const struct target *target, const char *executable, uintptr_t address)
{
    struct image_watched object;
    int error = image_watched_find(&target->heap, address, &object);
    struct symbols *symbols = error ? NULL : symbols_open(target, executable);

    if (error)
        return error;
    printf("  It is byte %" PRIuPTR " of an object of %zu bytes at 0x%" PRIxPTR ", which is %s, and watched.\n",
           address - object.start, object.size, object.start, object.live ? "in use" : "freed");
    if (!symbols)
        return 0;
    print_stack(target, symbols, "allocated", object.taken_by, object.taken);
    print_stack(target, symbols, "freed", object.given_by, object.given);
    symbols_close(symbols);
    return 0;
}

static int explain_object(const struct target *target, const char *executable, uintptr_t address)
{
    struct image_object object;
    int error = explain_watched(target, executable, address);

    if (error != -ENOENT)
        return error;
    error = image_find(&target->heap, address, &object);
    if (!error)
        print_object(&object, address);
    return error;
}

/* --- other segments --- */

static void explain_symbol(const struct target *target, const char *executable, const struct segment *segment,
                           uintptr_t address)
{
    struct symbols *symbols = symbols_open(target, executable);
    uintptr_t inside = segment->kind == LOAM_SEGMENT_BSS ? segment->mapping.start - 1 : address;
    struct symbol symbol;

    if (!symbols)
        return;
    symbols_find(symbols, address, inside, &symbol);
    if (symbol.name)
        printf("  It is byte %" PRIu64 " of %s.\n", symbol.offset, symbol.name);
    if (symbol.file)
        printf("  It comes from line %d of %s.\n", symbol.line, symbol.file);
    symbols_close(symbols);
}

static void explain_stack(const struct target *target, const struct segment *segment, uintptr_t address)
{
    for (size_t i = 0; i < target->thread_count; i++) {
        const struct layout_thread *thread = &target->threads[i];
        if (thread->id != segment->thread || !thread->stack_pointer)
            continue;
        if (address >= thread->stack_pointer)
            printf("  It is in use: %" PRIuPTR " bytes above the thread's stack pointer.\n",
                   address - thread->stack_pointer);
        else
            printf("  It is not in use: %" PRIuPTR " bytes below the thread's stack pointer.\n",
                   thread->stack_pointer - address);
    }
}

static void print_segment(const struct segment *segment, uintptr_t address)
{
    const struct mapping *m = &segment->mapping;

    printf("0x%" PRIxPTR " is in %s", address, segment_names[segment->kind]);
    if (segment->thread)
        printf(" of thread %d", segment->thread);
    if (m->path[0] && segment->kind != LOAM_SEGMENT_STACK && segment->kind != LOAM_SEGMENT_BREAK)
        printf(segment->kind <= LOAM_SEGMENT_BSS ? " of %s" : " %s", m->path);
    printf(".\n  The segment is 0x%" PRIxPTR " to 0x%" PRIxPTR ", %s, %c%c%c, %s.\n", m->start, m->end,
           units_bytes(m->end - m->start).text, m->readable ? 'r' : '-', m->writable ? 'w' : '-',
           m->executable ? 'x' : '-', m->shared ? "shared" : "private");
}

/* The address lies in no segment: between which ones? */
static void print_unmapped(uintptr_t address, const struct segment *below, const struct segment *above)
{
    printf("0x%" PRIxPTR " is not mapped.\n", address);
    if (below)
        printf("  It is %s above the end of %s %s.\n", units_bytes(address - below->mapping.end).text,
               segment_names[below->kind], below->mapping.path);
    if (above)
        printf("  It is %s below the start of %s %s.\n", units_bytes(above->mapping.start - address).text,
               segment_names[above->kind], above->mapping.path);
}

/* Returns 0; -ENOENT for an address that is not mapped; or -errno. */
static int explain(const struct target *target, const char *executable, const struct segment *segments, size_t count,
                   uintptr_t address)
{
    size_t i = 0;

    while (i < count && segments[i].mapping.end <= address)
        i++;
    if (i == count || segments[i].mapping.start > address) {
        print_unmapped(address, i > 0 ? &segments[i - 1] : NULL, i < count ? &segments[i] : NULL);
        return -ENOENT;
    }
    print_segment(&segments[i], address);
    if (segments[i].kind == LOAM_SEGMENT_HEAP)
        return explain_object(target, executable, address);
    if (segments[i].kind == LOAM_SEGMENT_STACK)
        explain_stack(target, &segments[i], address);
    else if (segments[i].kind <= LOAM_SEGMENT_BSS || segments[i].kind == LOAM_SEGMENT_KERNEL)
        explain_symbol(target, executable, &segments[i], address);
    return 0;
}

/* --- the command --- */

static bool parse_address(const char *text, uintptr_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 0);
    if (!errno && !*end && end != text && text[0] != '-')
        return true;
    warnx("'%s' is not an address", text);
    return false;
}

struct request {
    const char *executable; /* of a core file, or NULL */
    char **addresses;       /* up to NULL */
};

static int explain_all(void *context, struct target *target)
{
    const struct request *request = context;
    struct segment *segments;
    size_t count;
    int error = target_segments(target, false, &segments, &count);
    int status = EXIT_SUCCESS;

    for (char **at = request->addresses; !error && *at; at++) {
        uintptr_t address = 0;
        parse_address(*at, &address);
        error = explain(target, request->executable, segments, count, address);
        if (error == -ENOENT) {
            status = EXIT_FAILURE;
            error = 0;
        }
    }
    free(segments);
    if (error) {
        target_warn(target, error);
        return EXIT_FAILURE;
    }
    int finished = command_finish();
    return finished ? finished : status;
}

static int run_command(int argc, char **argv)
{
    static const struct option options[] = {
        {"core", required_argument, NULL, 'c'},
        {"exe", required_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct request request = {.executable = NULL};
    const char *core = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h')
            return command_help(&command_explain);
        if (option != 'c' && option != 'e')
            return command_misused(&command_explain);
        *(option == 'c' ? &core : &request.executable) = optarg;
    }
    int named = core || optind == argc ? 0 : 1;
    request.addresses = argv + optind + named;
    uintptr_t address;
    for (char **at = request.addresses; *at; at++)
        if (!parse_address(*at, &address))
            return command_misused(&command_explain);
    if (!*request.addresses) {
        warnx("the address is missing");
        return command_misused(&command_explain);
    }
    return target_look(&command_explain, core, named, argv + optind, explain_all, &request);
}

const struct command command_explain = {
    .name = "explain",
    .arguments = "PID ADDRESS... | --core FILE [--exe FILE] ADDRESS...",
    .purpose = "say what lies at an address",
    .help = help_text,
    .run = run_command,
};
