/*
 * leaks.c - `loam leaks`: objects that are in use, and that nothing points to any more.
 *
 * A process is stopped while what may hold pointers is copied, and goes on while that is looked through. A core file
 * holds still by itself.
 */
#include "command.h"
#include "copy.h"
#include "json.h"
#include "paint.h"
#include "process.h"
#include "reach.h"
#include "stop.h"
#include "target.h"
#include "units.h"

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    RED_ZONE = 128, /* bytes below the stack pointer that a function may use: System V ABI of x86-64, 3.2.2 */
    PREVIEW = 16,   /* bytes */
    GROUPS_SHOWN = 20,
    COPY_SLACK = 1 << 20,
};

static const char help_text[] =
    "Finds objects of a heap that are in use though nothing points to them any more: from data, stacks, registers or\n"
    "other objects. A process is stopped for as long as it takes to copy its memory, and goes on.\n"
    "\n"
    "      --core FILE     read a core file\n"
    "      --exit-code N   exit with status N when there are leaks; without it, with 0\n"
    "      --json          print the leaks as JSON\n"
    "  -h, --help          print this\n"
    "\n"
    "An object is lost when no pointer to it, or into it, is left; indirectly, when only lost ones lead to it. What "
    "looks\n"
    "like a pointer counts as one: what is said to be lost is, unless its address is kept in another form, but\n"
    "a stale word, on the stack for one, may hide a leak.\n"
    "\n"
    "Exit status: 0, or N; 1 when the process or file could not be read; 2 when the command was not understood.\n";

/* Lost objects of one size. */
struct group {
    size_t size; /* of an object, bytes */
    bool indirect;
    uint64_t objects;
    uint64_t bytes;
    uintptr_t sample;               /* address of one, */
    unsigned char preview[PREVIEW]; /* and how it begins */
};

struct leaks {
    struct group *groups;
    size_t group_count;
    uint64_t lost_objects, lost_bytes;
    uint64_t indirect_objects, indirect_bytes;
    uint64_t live_objects;
    uint64_t stopped_ns; /* 0 of a core file */
};

/* What a scan needs: the same of a process and of a core file. */
struct scan {
    struct target *target;
    struct segment *segments;
    size_t segment_count;
    const uintptr_t *registers;
    size_t register_count;
    struct objects objects;
    struct image_source memory;
    struct copy copy; /* of a process */
    uint64_t stopped_ns;
};

/* --- roots --- */

/* Where a pointer that the program uses may lie, outside the heap. */
static bool is_root(const struct segment *segment)
{
    switch (segment->kind) {
    case SEGMENT_DATA:
        return segment->mapping.readable;
    case SEGMENT_BSS:
    case SEGMENT_BREAK:
    case SEGMENT_ANONYMOUS:
    case SEGMENT_FILE:
    case SEGMENT_SHARED:
    case SEGMENT_STACK:
        return segment->mapping.readable && segment->mapping.writable;
    default:
        return false;
    }
}

/* What is below a stack's pointer is no more in use. */
static uintptr_t root_start(const struct target *target, const struct segment *segment)
{
    uintptr_t start = segment->mapping.start;

    for (size_t i = 0; segment->kind == SEGMENT_STACK && i < target->thread_count; i++) {
        uintptr_t pointer = target->threads[i].stack_pointer;
        if (target->threads[i].id == segment->thread && pointer >= start && pointer < segment->mapping.end)
            return pointer - start > RED_ZONE ? (pointer - RED_ZONE) & ~(uintptr_t)7 : start;
    }
    return start;
}

static int reach_roots(struct scan *scan, struct reach *reach)
{
    const struct image *heap = &scan->target->heap;
    uintptr_t own = heap->range_set,
              own_end = own + heap->range_set_size; /* the heap's base is no pointer to an object */
    int error = 0;

    for (size_t i = 0; !error && i < scan->register_count; i++)
        error = reach_from_word(reach, scan->registers[i]);
    for (size_t i = 0; !error && i < scan->segment_count; i++) {
        const struct segment *segment = &scan->segments[i];
        uintptr_t start = root_start(scan->target, segment), end = segment->mapping.end;
        if (!is_root(segment))
            continue;
        if (own >= start && own_end <= end) {
            error = reach_from_memory(reach, start, own - start);
            start = own_end;
        }
        if (!error)
            error = reach_from_memory(reach, start, end - start);
    }
    return error;
}

/* --- a process --- */

static int copy_roots(struct scan *scan)
{
    int error = 0;

    for (size_t i = 0; !error && i < scan->segment_count; i++)
        if (is_root(&scan->segments[i]))
            error =
                copy_range(&scan->copy, root_start(scan->target, &scan->segments[i]), scan->segments[i].mapping.end);
    return error;
}

static bool any_live(const struct object_slab *slab)
{
    for (size_t i = 0; i < (slab->objects + 63) / 64; i++)
        if (slab->sets[OBJECT_LIVE][i])
            return true;
    return false;
}

static int copy_objects(struct scan *scan)
{
    int error = 0;

    for (size_t i = 0; !error && i < scan->objects.slab_count; i++) {
        const struct object_slab *slab = &scan->objects.slabs[i];
        if (any_live(slab))
            error = copy_range(&scan->copy, slab->start, slab->start + slab->span);
    }
    return error;
}

/* While the process stands still. */
static int copy_all(struct scan *scan)
{
    struct target *target = scan->target;
    int error = image_open(&target->source, target->root, &target->heap);

    if (!error)
        error = target_segments(target, false, &scan->segments, &scan->segment_count);
    if (!error)
        error = objects_read(&target->heap, &scan->objects);
    if (!error)
        error = copy_roots(scan);
    if (!error)
        error = copy_objects(scan);
    return error;
}

static int take_process(struct scan *scan, struct stop *stop)
{
    struct target *target = scan->target;
    int error = copy_prepare(&scan->copy, target->pid, process_resident(target->pid) + COPY_SLACK);

    if (!error)
        error = stop_process(target->pid, stop);
    if (error)
        return error;
    free(target->threads);
    target->threads = stop->threads;
    target->thread_count = stop->thread_count;
    error = copy_all(scan);
    scan->stopped_ns = stop_release(stop);
    stop->threads = NULL; /* the target's from here on */
    stop->thread_count = 0;
    scan->registers = stop->registers;
    scan->register_count = stop->register_count;
    scan->memory = (struct image_source){.read = copy_read, .context = &scan->copy};
    return error;
}

static int take_core(struct scan *scan)
{
    struct target *target = scan->target;
    int error = target_segments(target, false, &scan->segments, &scan->segment_count);

    scan->registers = target->core.registers;
    scan->register_count = target->core.register_count;
    scan->memory = target->source;
    return error ? error : objects_read(&target->heap, &scan->objects);
}

/* --- what is lost --- */

static struct group *find_group(struct leaks *leaks, size_t size, bool indirect)
{
    for (size_t i = 0; i < leaks->group_count; i++)
        if (leaks->groups[i].size == size && leaks->groups[i].indirect == indirect)
            return &leaks->groups[i];
    struct group *larger = reallocarray(leaks->groups, leaks->group_count + 1, sizeof(*larger));
    if (!larger)
        return NULL;
    leaks->groups = larger;
    struct group *group = &larger[leaks->group_count++];
    *group = (struct group){.size = size, .indirect = indirect};
    return group;
}

static int add_leak(struct leaks *leaks, const struct scan *scan, struct object_place place)
{
    size_t size = place.slab->object_size;
    bool indirect = object_is(place, OBJECT_INDIRECT);
    struct group *group = find_group(leaks, size, indirect);

    if (!group)
        return -ENOMEM;
    if (group->objects == 0) {
        group->sample = object_address(place);
        scan->memory.read(scan->memory.context, group->sample, group->preview, size < PREVIEW ? size : PREVIEW);
    }
    group->objects++;
    group->bytes += size;
    *(indirect ? &leaks->indirect_objects : &leaks->lost_objects) += 1;
    *(indirect ? &leaks->indirect_bytes : &leaks->lost_bytes) += size;
    return 0;
}

static int by_kind_and_bytes(const void *a, const void *b)
{
    const struct group *x = a, *y = b;

    if (x->indirect != y->indirect)
        return x->indirect - y->indirect;
    return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : (x->size > y->size) - (x->size < y->size);
}

static int collect(struct leaks *leaks, const struct scan *scan)
{
    int error = 0;

    leaks->stopped_ns = scan->stopped_ns;
    for (size_t i = 0; i < scan->objects.slab_count; i++) {
        struct object_place place = {.slab = &scan->objects.slabs[i]};
        for (; !error && place.index < place.slab->objects; place.index++) {
            if (!object_is(place, OBJECT_LIVE))
                continue;
            leaks->live_objects++;
            if (!object_is(place, OBJECT_REACHED))
                error = add_leak(leaks, scan, place);
        }
    }
    if (leaks->group_count)
        qsort(leaks->groups, leaks->group_count, sizeof(leaks->groups[0]), by_kind_and_bytes);
    return error;
}

static int find_leaks(struct scan *scan, struct leaks *leaks)
{
    struct reach reach = {.objects = &scan->objects, .memory = &scan->memory};
    int error = reach_roots(scan, &reach);

    if (!error)
        error = reach_indirect(&reach);
    if (!error)
        error = collect(leaks, scan);
    reach_free(&reach);
    return error;
}

/* --- printing --- */

static void print_preview(const struct group *group)
{
    size_t size = group->size < PREVIEW ? group->size : PREVIEW;

    for (size_t i = 0; i < size; i++)
        printf("%02x%s", group->preview[i], i % 8 == 7 ? " " : "");
    printf("%*s ", (int)(2 * (PREVIEW - size) + (PREVIEW - size) / 8), "");
    for (size_t i = 0; i < size; i++)
        putchar(isprint(group->preview[i]) ? group->preview[i] : '.');
}

static void print_group(const struct group *group)
{
    printf("  %-10s %10s %11s %11s  %14" PRIxPTR "  ", group->indirect ? "indirectly" : "lost",
           units_count(group->objects).text, units_bytes(group->size).text, units_bytes(group->bytes).text,
           group->sample);
    print_preview(group);
    putchar('\n');
}

static void print_text(const struct target *target, const struct leaks *leaks)
{
    const struct paint *paint = paint_for(stdout);
    size_t shown = leaks->group_count < GROUPS_SHOWN ? leaks->group_count : GROUPS_SHOWN;

    printf("%sLeaks of ", paint->title);
    paint_name(stdout, target->name);
    printf("%s\n\n", paint->end);
    printf("  %s objects of %s are lost, and %s of %s indirectly, of %s in use\n",
           units_count(leaks->lost_objects).text, units_bytes(leaks->lost_bytes).text,
           units_count(leaks->indirect_objects).text, units_bytes(leaks->indirect_bytes).text,
           units_count(leaks->live_objects).text);
    if (leaks->stopped_ns)
        printf("  %sthe process stood still for %s%s\n", paint->faint, units_time(leaks->stopped_ns).text, paint->end);
    if (!shown)
        return;
    printf("\n  %s%-10s %10s %11s %11s  %14s  %s%s\n", paint->faint, "", "objects", "size of one", "bytes", "one is at",
           "and begins", paint->end);
    for (size_t i = 0; i < shown; i++)
        print_group(&leaks->groups[i]);
    if (leaks->group_count > shown)
        printf("  and %zu more sizes\n", leaks->group_count - shown);
}

static void print_json(const struct target *target, const struct leaks *leaks)
{
    const struct json_field fields[] = {
        JSON_FIELD(leaks, lost_objects),   JSON_FIELD(leaks, lost_bytes),   JSON_FIELD(leaks, indirect_objects),
        JSON_FIELD(leaks, indirect_bytes), JSON_FIELD(leaks, live_objects), JSON_FIELD(leaks, stopped_ns),
    };

    printf("{\n  \"loam\": \"" LOAM_VERSION "\",\n  \"name\": ");
    json_string(stdout, target->name);
    printf(",\n  \"pid\": %d,", target->pid);
    json_fields(stdout, "\n  ", fields, sizeof(fields) / sizeof(fields[0]));
    printf(",\n  \"leaks\": [");
    for (size_t i = 0; i < leaks->group_count; i++) {
        const struct group *group = &leaks->groups[i];
        printf("%s\n    { \"indirect\": %s, \"size\": %zu, \"objects\": %" PRIu64 ", \"bytes\": %" PRIu64
               ", \"sample\": %" PRIuPTR " }",
               i ? "," : "", group->indirect ? "true" : "false", group->size, group->objects, group->bytes,
               group->sample);
    }
    printf("\n  ]\n}\n");
}

/* --- the command --- */

struct request {
    const char *core;
    bool json;
    int exit_code;
};

static int show(struct target *target, const struct request *request)
{
    struct scan scan = {.target = target};
    struct leaks leaks = {.groups = NULL};
    struct stop stop = {.pid = 0};
    int error = target->is_core ? take_core(&scan) : take_process(&scan, &stop);
    int status = EXIT_FAILURE;

    if (!error)
        error = find_leaks(&scan, &leaks);
    if (error == -EBUSY || (error == -EPERM && !target->is_core))
        warnx("%s cannot be stopped: another process traces it, or may alone", target->name);
    else if (error == -ETIMEDOUT)
        warnx("%s cannot be stopped: one of its threads waits for a device", target->name);
    else if (error)
        target_warn(target, error);
    else if (request->json)
        print_json(target, &leaks);
    else
        print_text(target, &leaks);
    if (!error)
        status = command_finish();
    if (status == EXIT_SUCCESS && leaks.lost_objects)
        status = request->exit_code;
    stop_free(&stop);
    free(leaks.groups);
    free(scan.segments);
    objects_free(&scan.objects);
    copy_free(&scan.copy);
    return status;
}

static bool parse_exit_code(const char *text, int *out)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*end || end == text || value < 0 || value > 255) {
        warnx("--exit-code %s: an exit status is a number from 0 to 255", text);
        return false;
    }
    *out = (int)value;
    return true;
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
    struct target target;
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            request.core = optarg;
            break;
        case 'x':
            if (!parse_exit_code(optarg, &request.exit_code))
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
    int status = target_open(&command_leaks, request.core, argc - optind, argv + optind, &target);
    if (status)
        return status;
    status = target_needs_heap(&target) < 0 ? EXIT_FAILURE : show(&target, &request);
    target_close(&target);
    return status;
}

const struct command command_leaks = {
    .name = "leaks",
    .arguments = "[--exit-code N] [--json] PID | --core FILE",
    .purpose = "find objects that nothing points to any more",
    .help = help_text,
    .run = run_command,
};
