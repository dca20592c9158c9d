/*
 * diff.c - `loam diff`: what has grown between two snapshots.
 */
#include "command.h"
#include "json.h"
#include "paint.h"
#include "snapshot.h"
#include "units.h"

#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_SHOWN = 20 };

static const char help_text[] =
    "Compares two snapshots that 'loam snap' has written: which sizes of objects, and which segments have grown, that\n"
    "which has grown most first.\n"
    "\n"
    "  -a, --all    also what has not changed\n"
    "      --json   print every difference, in bytes, as JSON\n"
    "  -h, --help   print this\n"
    "\n"
    "Exit status: 0; 1 when a file could not be read; 2 when the command was not understood.\n";

/* What is compared: one size of objects, or one kind of segments of one file. */
struct change {
    uint64_t object_size; /* of a size */
    const char *kind;     /* of segments; NULL of a size */
    const char *path;
    uint64_t objects_before, objects_after;
    uint64_t before, after; /* bytes */
};

struct changes {
    struct change *list;
    size_t count;
};

static int64_t growth(const struct change *change)
{
    return (int64_t)(change->after - change->before);
}

static int by_growth(const void *a, const void *b)
{
    int64_t x = growth(a), y = growth(b);
    return x < y ? 1 : x > y ? -1 : 0;
}

/* --- comparing --- */

static struct change *size_of(struct changes *changes, const struct class_figures *c)
{
    for (size_t i = 0; i < changes->count; i++)
        if (changes->list[i].object_size == c->object_size)
            return &changes->list[i];
    changes->list[changes->count] = (struct change){.object_size = c->object_size};
    return &changes->list[changes->count++];
}

static void add_sizes(struct changes *changes, const struct figures *f, bool after)
{
    for (uint64_t i = 0; i <= f->class_count; i++) {
        const struct class_figures *c = i == f->class_count ? &f->large : &f->classes[i];
        struct change *change = size_of(changes, c);
        *(after ? &change->objects_after : &change->objects_before) = c->live;
        *(after ? &change->after : &change->before) = figures_live_bytes(c);
    }
}

static struct change *segment_of(struct changes *changes, const struct snapshot_segment *s)
{
    for (size_t i = 0; i < changes->count; i++)
        if (strcmp(changes->list[i].kind, s->kind) == 0 && strcmp(changes->list[i].path, s->path) == 0)
            return &changes->list[i];
    changes->list[changes->count] = (struct change){.kind = s->kind, .path = s->path};
    return &changes->list[changes->count++];
}

static void add_segments(struct changes *changes, const struct snapshot *snapshot, bool after)
{
    for (size_t i = 0; i < snapshot->segment_count; i++) {
        const struct snapshot_segment *s = &snapshot->segments[i];
        struct change *change = segment_of(changes, s);
        *(after ? &change->after : &change->before) = s->resident + s->swapped;
    }
}

/* --- text --- */

/* "+1.5 MiB", "-3 B" */
static struct units_text signed_bytes(int64_t bytes)
{
    struct units_text out;
    uint64_t size = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;

    snprintf(out.text, sizeof(out.text), "%s%.20s", bytes < 0 ? "-" : bytes ? "+" : "", units_bytes(size).text);
    return out;
}

static void print_change(const struct change *c)
{
    struct units_text size = {"large"};

    if (c->kind) {
        printf("  %12s %12s %12s  %s ", signed_bytes(growth(c)).text, units_bytes(c->before).text,
               units_bytes(c->after).text, c->kind);
        paint_name(stdout, c->path);
        putchar('\n');
        return;
    }
    if (c->object_size)
        size = units_bytes(c->object_size);
    printf("  %12s %12s %12s  %12s %12s  of %s\n", signed_bytes(growth(c)).text, units_bytes(c->before).text,
           units_bytes(c->after).text, units_short(c->objects_before).text, units_short(c->objects_after).text,
           size.text);
}

static void print_changes(const struct changes *changes, bool all)
{
    size_t shown = 0, left = 0;

    for (size_t i = 0; i < changes->count; i++) {
        if (growth(&changes->list[i]) == 0 && !all)
            continue;
        if (shown == LINES_SHOWN && !all) {
            left++;
            continue;
        }
        print_change(&changes->list[i]);
        shown++;
    }
    if (left)
        printf("  and %zu more; -a shows them\n", left);
    if (shown == 0)
        printf("  %12s\n", "no change");
}

static void print_text(const struct snapshot *a, const struct snapshot *b, const struct changes *sizes,
                       const struct changes *segments, bool all)
{
    const struct paint *paint = paint_for(stdout);

    printf("%sFrom ", paint->title);
    paint_name(stdout, a->name);
    if (strcmp(a->name, b->name) != 0) {
        printf(" to ");
        paint_name(stdout, b->name);
    }
    if (b->taken > a->taken)
        printf(", %s later", units_time((b->taken - a->taken) * 1000000000).text);
    printf("%s\n", paint->end);
    if (a->has_heap || b->has_heap) {
        printf("\n  %s%12s %12s %12s  %12s %12s%s\n", paint->faint, "live bytes", "before", "after", "objects before",
               "after", paint->end);
        printf("  %12s %12s %12s  %12s %12s  in all\n",
               signed_bytes((int64_t)(b->figures.live_bytes - a->figures.live_bytes)).text,
               units_bytes(a->figures.live_bytes).text, units_bytes(b->figures.live_bytes).text,
               units_short(a->figures.live_objects).text, units_short(b->figures.live_objects).text);
        print_changes(sizes, all);
    }
    printf("\n  %s%12s %12s %12s%s\n", paint->faint, "in memory", "before", "after", paint->end);
    print_changes(segments, all);
}

/* --- JSON --- */

static void print_json(const struct snapshot *a, const struct snapshot *b, const struct changes *sizes,
                       const struct changes *segments)
{
    printf("{\n  \"loam\": \"" LOAM_VERSION "\",\n  \"before\": ");
    json_string(stdout, a->name);
    printf(",\n  \"after\": ");
    json_string(stdout, b->name);
    printf(",\n  \"seconds\": %" PRId64 ",\n  \"live_bytes\": %" PRId64 ",\n  \"live_objects\": %" PRId64
           ",\n  \"sizes\": [",
           (int64_t)(b->taken - a->taken), (int64_t)(b->figures.live_bytes - a->figures.live_bytes),
           (int64_t)(b->figures.live_objects - a->figures.live_objects));
    for (size_t i = 0; i < sizes->count; i++) {
        const struct change *c = &sizes->list[i];
        printf("%s\n    { \"object_size\": %" PRIu64 ", \"bytes\": %" PRId64 ", \"objects\": %" PRId64 " }",
               i ? "," : "", c->object_size, growth(c), (int64_t)(c->objects_after - c->objects_before));
    }
    printf("\n  ],\n  \"segments\": [");
    for (size_t i = 0; i < segments->count; i++) {
        const struct change *c = &segments->list[i];
        printf("%s\n    { \"kind\": ", i ? "," : "");
        json_string(stdout, c->kind);
        printf(", \"path\": ");
        json_string(stdout, c->path);
        printf(", \"bytes\": %" PRId64 " }", growth(c));
    }
    printf("\n  ]\n}\n");
}

/* --- the command --- */

static int compare(const struct snapshot *a, const struct snapshot *b, bool all, bool json)
{
    struct changes sizes = {.list = calloc(2 * (IMAGE_CLASSES + 1), sizeof(struct change))};
    struct changes segments = {.list = calloc(a->segment_count + b->segment_count + 1, sizeof(struct change))};
    int status = EXIT_FAILURE;

    if (!sizes.list || !segments.list) {
        warn("the comparison");
    } else {
        add_sizes(&sizes, &a->figures, false);
        add_sizes(&sizes, &b->figures, true);
        add_segments(&segments, a, false);
        add_segments(&segments, b, true);
        qsort(sizes.list, sizes.count, sizeof(sizes.list[0]), by_growth);
        qsort(segments.list, segments.count, sizeof(segments.list[0]), by_growth);
        if (json)
            print_json(a, b, &sizes, &segments);
        else
            print_text(a, b, &sizes, &segments, all);
        status = command_finish();
    }
    free(sizes.list);
    free(segments.list);
    return status;
}

static int run_command(int argc, char **argv)
{
    static const struct option options[] = {
        {"all", no_argument, NULL, 'a'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct snapshot a, b;
    bool all = false, json = false;
    int option, status = EXIT_FAILURE;

    while ((option = getopt_long(argc, argv, "ah", options, NULL)) != -1) {
        switch (option) {
        case 'a':
            all = true;
            break;
        case 'j':
            json = true;
            break;
        case 'h':
            return command_help(&command_diff);
        default:
            return command_misused(&command_diff);
        }
    }
    if (argc - optind != 2) {
        warnx("two files are compared");
        return command_misused(&command_diff);
    }
    int error = snapshot_read(argv[optind], &a);
    if (!error) {
        if (snapshot_read(argv[optind + 1], &b) == 0)
            status = compare(&a, &b, all, json);
        snapshot_free(&b);
    }
    snapshot_free(&a);
    return status;
}

const struct command command_diff = {
    .name = "diff",
    .arguments = "[-a | --json] BEFORE AFTER",
    .purpose = "show what has grown between two snapshots",
    .help = help_text,
    .run = run_command,
};
