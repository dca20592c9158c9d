/*
 * stats.c - `loam stats`: what a heap holds, of each size, of each thread, and where.
 */
#include "command.h"
#include "image/figures.h"
#include "json.h"
#include "paint.h"
#include "target.h"
#include "units.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    BAR_WIDTH = 15, /* columns */
    MAP_WIDTH = 64,
    MAP_ROWS = 16,
    HEAPS_SHOWN = 16,
};

#define SLICE ((size_t)65536) /* the least that the map shows by itself */

/* What one thread's heap has. */
struct heap_figures {
    unsigned index;
    int thread;
    bool in_use;
    uint64_t live_bytes; /* in its slabs, whoever allocated them; what is in magazines not counted */
    uint64_t cached_bytes;
    uint64_t free_bytes;
    uint64_t kept_bytes;
    uint64_t span_bytes;
};

struct stats {
    const struct image *image;
    struct figures figures;
    struct heap_figures *heaps;
    size_t heap_count;
    uint32_t *slices; /* live bytes in each, of all ranges one after the other */
    size_t slice_count;
};

static const char help_text[] =
    "Shows what the heap of a process on loam, or of its core file, holds: by size of object, by thread, and where in\n"
    "the heap it lies. The process goes on meanwhile; nothing runs in it.\n"
    "\n"
    "      --core FILE  read a core file\n"
    "      --json       print every figure, in bytes, as JSON\n"
    "  -h, --help       print this\n"
    "\n"
    "Live objects are allocated and not freed; cached ones are freed and at hand for the thread that had them; free\n"
    "ones are for anyone. A span is the addresses that objects of a size lie in; pages of it that were never touched\n"
    "take no memory. Idle memory is in no slab, and given back to the kernel when it has not been used for a while.\n"
    "\n"
    "Exit status: 0; 1 when the process or file could not be read; 2 when the command was not understood.\n";

/* --- counting --- */

static size_t slice_index(const struct stats *s, uintptr_t address)
{
    size_t before = 0;

    for (unsigned i = 0; i < s->image->range_count; i++) {
        const struct image_range *range = &s->image->ranges[i];
        if (address - range->base < range->committed)
            return before + (address - range->base) / SLICE;
        before += range->committed / SLICE;
    }
    return s->slice_count;
}

/* A slab's live bytes are taken to lie evenly in it: which of them magazines hold is not looked at. */
static void mark_slices(struct stats *s, const struct image_slab *slab)
{
    size_t first = slice_index(s, slab->start), count = slab->span / SLICE;
    uint64_t live = (slab->objects - slab->free) * slab->object_size;

    for (size_t i = first; count && i < first + count && i < s->slice_count; i++)
        s->slices[i] += (uint32_t)(live / count);
}

static int add_slab(void *context, const struct image_slab *slab)
{
    struct stats *s = context;

    figures_add_slab(&s->figures, slab);
    mark_slices(s, slab);
    if (slab->class == IMAGE_LARGE || slab->heap >= s->heap_count)
        return 0;
    struct heap_figures *heap = &s->heaps[slab->heap];
    heap->span_bytes += slab->span;
    heap->free_bytes += slab->free * slab->object_size;
    heap->live_bytes += (slab->objects - slab->free) * slab->object_size;
    return 0;
}

static int add_heap(void *context, const struct image_heap *heap)
{
    struct stats *s = context;
    struct heap_figures *to = &s->heaps[heap->index];

    figures_add_heap(&s->figures, heap);
    to->index = heap->index;
    to->thread = heap->thread;
    to->in_use = heap->in_use;
    to->kept_bytes = heap->kept;
    return 0;
}

static int add_magazine(void *context, const struct image_magazine *magazine)
{
    struct stats *s = context;

    figures_add_magazine(&s->figures, magazine);
    s->heaps[magazine->heap].cached_bytes += magazine->count * s->image->classes[magazine->class].object_size;
    return 0;
}

/* Returns 0 or -errno; free_stats() either way. */
static int count(const struct image *image, struct stats *s)
{
    const struct image_visitor visitor = {.slab = add_slab, .heap = add_heap, .magazine = add_magazine, .context = s};

    *s = (struct stats){.image = image, .heap_count = image->heaps};
    for (unsigned i = 0; i < image->range_count; i++)
        s->slice_count += image->ranges[i].committed / SLICE;
    s->heaps = calloc(s->heap_count + 1, sizeof(*s->heaps));
    s->slices = calloc(s->slice_count + 1, sizeof(*s->slices));
    if (!s->heaps || !s->slices)
        return -ENOMEM;
    figures_begin(&s->figures, image);
    int error = image_walk(image, &visitor);
    figures_end(&s->figures);
    return error;
}

static void free_stats(struct stats *s)
{
    free(s->heaps);
    free(s->slices);
}

static uint64_t slab_span(const struct figures *f)
{
    uint64_t span = f->large.span;

    for (size_t i = 0; i < f->class_count; i++)
        span += f->classes[i].span;
    return span;
}

/* --- text --- */

static void print_line(const struct paint *paint, const char *name, uint64_t bytes, const char *remark)
{
    printf("  %-16s %12s   %s%s%s\n", name, units_bytes(bytes).text, paint->faint, remark, paint->end);
}

static void print_totals(const struct figures *f, const struct paint *paint)
{
    char objects[64];
    uint64_t span = slab_span(f), idle = f->committed > span ? f->committed - span : 0;

    snprintf(objects, sizeof(objects), "in %s objects", units_count(f->live_objects).text);
    print_line(paint, "live", f->live_bytes, objects);
    print_line(paint, "cached", f->cached_bytes, "freed, at hand for the thread that had them");
    print_line(paint, "free", f->free_bytes, "freed, in slabs");
    print_line(paint, "idle", f->dirty < idle ? f->dirty : idle, "in no slab, and not given back yet");
    print_line(paint, "committed", f->committed, "addresses of the heap so far");
    print_line(paint, "records", f->metadata, "addresses of what loam knows of it");
}

static void print_class(const struct class_figures *c, uint64_t longest, const struct paint *paint)
{
    struct units_text size = {"large"};
    uint64_t live = c->object_size ? c->live * c->object_size : c->span;

    if (c->object_size)
        size = units_bytes(c->object_size);
    printf("  %10s %9s %10s %11s %10s %10s %11s  ", size.text, units_short(c->slabs).text, units_short(c->live).text,
           units_bytes(live).text, units_short(c->cached).text, units_short(c->free).text, units_bytes(c->span).text);
    paint_bar(stdout, paint, live, c->span, paint_columns(c->span, longest, BAR_WIDTH));
    putchar('\n');
}

static void print_classes(const struct figures *f, const struct paint *paint)
{
    uint64_t longest = f->large.span;

    for (size_t i = 0; i < f->class_count; i++)
        if (f->classes[i].span > longest)
            longest = f->classes[i].span;
    printf("\n  %sBy size of object%s  %s(# in use, . not in use)%s\n", paint->title, paint->end, paint->faint, paint->end);
    printf("  %s%10s %9s %10s %11s %10s %10s %11s%s\n", paint->faint, "object", "slabs", "live", "live size", "cached",
           "free", "span", paint->end);
    for (size_t i = 0; i < f->class_count; i++)
        if (f->classes[i].slabs)
            print_class(&f->classes[i], longest, paint);
    if (f->large.slabs)
        print_class(&f->large, longest, paint);
}

static int by_span(const void *a, const void *b)
{
    uint64_t x = ((const struct heap_figures *)a)->span_bytes, y = ((const struct heap_figures *)b)->span_bytes;
    return x < y ? 1 : x > y ? -1 : 0;
}

static void print_heaps(struct stats *s, const struct paint *paint)
{
    qsort(s->heaps, s->heap_count, sizeof(s->heaps[0]), by_span);
    printf("\n  %sBy thread%s  %s(a heap outlives its thread: the next one takes it over)%s\n", paint->title, paint->end,
           paint->faint, paint->end);
    printf("  %s%10s %12s %12s %12s %12s%s\n", paint->faint, "thread", "in use", "cached", "free", "span", paint->end);
    for (size_t i = 0; i < s->heap_count && i < HEAPS_SHOWN; i++) {
        const struct heap_figures *heap = &s->heaps[i];
        uint64_t used = heap->live_bytes > heap->cached_bytes ? heap->live_bytes - heap->cached_bytes : 0;
        printf("  %10d %12s %12s %12s %12s%s\n", heap->thread, units_bytes(used).text,
               units_bytes(heap->cached_bytes).text, units_bytes(heap->free_bytes).text,
               units_bytes(heap->span_bytes).text, heap->in_use ? "" : "  ended");
    }
    if (s->heap_count > HEAPS_SHOWN)
        printf("  %10s\n", "and more");
}

static char shade(uint64_t live, uint64_t size)
{
    static const char shades[] = ".:-=+*#%@";
    size_t steps = sizeof(shades) - 2;

    return live == 0 ? '_' : shades[live >= size ? steps : (size_t)((double)live / (double)size * (double)steps + 0.5)];
}

/* Each character stands for as many slices as it takes for the map to fit. */
static void print_map(const struct stats *s, const struct paint *paint)
{
    size_t unit = 1;

    while (s->slice_count > unit * MAP_WIDTH * MAP_ROWS)
        unit *= 2;
    printf("\n  %sWhere it lies%s  %s(%s each; _ nothing, . little in use, @ all)%s\n", paint->title, paint->end,
           paint->faint, units_bytes(unit * SLICE).text, paint->end);
    for (size_t i = 0; i < s->slice_count; i += unit) {
        uint64_t live = 0;
        for (size_t j = i; j < i + unit && j < s->slice_count; j++)
            live += s->slices[j];
        if (i / unit % MAP_WIDTH == 0)
            printf("%s  ", i ? "\n" : "");
        putchar(shade(live, unit * SLICE));
    }
    putchar('\n');
}

static void print_text(const struct target *target, struct stats *s)
{
    const struct paint *paint = paint_for(stdout);

    printf("%sThe heap of ", paint->title);
    paint_name(stdout, target->name);
    printf("%s\n\n", paint->end);
    print_totals(&s->figures, paint);
    print_classes(&s->figures, paint);
    print_heaps(s, paint);
    print_map(s, paint);
}

/* --- JSON --- */

static void print_class_json(const struct class_figures *c)
{
    const struct json_field fields[] = {
        JSON_FIELD(c, object_size), JSON_FIELD(c, slabs), JSON_FIELD(c, live),        JSON_FIELD(c, cached),
        JSON_FIELD(c, free),        JSON_FIELD(c, span),  JSON_FIELD(c, allocations), JSON_FIELD(c, requested),
    };

    printf("{");
    json_fields(stdout, " ", fields, sizeof(fields) / sizeof(fields[0]));
    printf(" }");
}

static void print_heap_json(const struct heap_figures *heap)
{
    const struct json_field fields[] = {
        JSON_FIELD(heap, live_bytes), JSON_FIELD(heap, cached_bytes), JSON_FIELD(heap, free_bytes),
        JSON_FIELD(heap, kept_bytes), JSON_FIELD(heap, span_bytes),
    };

    printf("{ \"heap\": %u, \"thread\": %d, \"in_use\": %s,", heap->index, heap->thread, heap->in_use ? "true" : "false");
    json_fields(stdout, " ", fields, sizeof(fields) / sizeof(fields[0]));
    printf(" }");
}

static void print_range_json(const struct image_range *range)
{
    printf("{ \"base\": %" PRIuPTR ", \"reserved\": %zu, \"committed\": %zu }", range->base, range->size,
           range->committed);
}

static void print_json(const struct target *target, const struct stats *s)
{
    const struct figures *f = &s->figures;
    const struct json_field fields[] = {
        JSON_FIELD(f, live_bytes), JSON_FIELD(f, live_objects), JSON_FIELD(f, cached_bytes), JSON_FIELD(f, free_bytes),
        JSON_FIELD(f, committed),  JSON_FIELD(f, dirty),        JSON_FIELD(f, metadata),     JSON_FIELD(f, heaps),
        JSON_FIELD(f, heaps_in_use), JSON_FIELD(f, heaps_peak), JSON_FIELD(f, frees),
    };

    printf("{\n  \"loam\": \"" LOAM_VERSION "\",\n  \"name\": ");
    json_string(stdout, target->name);
    printf(",\n  \"pid\": %d,", target->pid);
    json_fields(stdout, "\n  ", fields, sizeof(fields) / sizeof(fields[0]));
    printf(",\n  \"classes\": [");
    for (size_t i = 0; i < f->class_count; i++) {
        printf("%s\n    ", i ? "," : "");
        print_class_json(&f->classes[i]);
    }
    printf("\n  ],\n  \"large\": ");
    print_class_json(&f->large);
    printf(",\n  \"by_thread\": [");
    for (size_t i = 0; i < s->heap_count; i++) {
        printf("%s\n    ", i ? "," : "");
        print_heap_json(&s->heaps[i]);
    }
    printf("\n  ],\n  \"ranges\": [");
    for (unsigned i = 0; i < s->image->range_count; i++) {
        printf("%s\n    ", i ? "," : "");
        print_range_json(&s->image->ranges[i]);
    }
    printf("\n  ]\n}\n");
}

/* --- the command --- */

static int show(const struct target *target, bool json)
{
    struct stats stats;
    int error = target_needs_heap(target);

    if (error)
        return EXIT_FAILURE;
    error = count(&target->heap, &stats);
    if (error)
        target_warn(target, error);
    else if (json)
        print_json(target, &stats);
    else
        print_text(target, &stats);
    free_stats(&stats);
    return error ? EXIT_FAILURE : command_finish();
}

static int run_command(int argc, char **argv)
{
    static const struct option options[] = {
        {"core", required_argument, NULL, 'c'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct target target;
    const char *core = NULL;
    bool json = false;
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            core = optarg;
            break;
        case 'j':
            json = true;
            break;
        case 'h':
            return command_help(&command_stats);
        default:
            return command_misused(&command_stats);
        }
    }
    int status = target_open(&command_stats, core, argc - optind, argv + optind, &target);
    if (status)
        return status;
    status = show(&target, json);
    target_close(&target);
    return status;
}

const struct command command_stats = {
    .name = "stats",
    .arguments = "[--json] PID | --core FILE",
    .purpose = "show what a heap holds: by size, by thread, and where",
    .help = help_text,
    .run = run_command,
};
