/*
 * stats.c - `loam stats`: what a heap holds, of each size, of each thread, and where.
 */
#include "command.h"
#include "heap_stats.h"
#include "output.h"
#include "page.h"
#include "paint.h"
#include "target.h"
#include "units.h"

#include <getopt.h>
#include <stdlib.h>

enum {
    BAR_WIDTH = 15, /* columns */
    MAP_WIDTH = 64,
    MAP_ROWS = 16,
    HEAPS_SHOWN = 16,
};

static const char help_text[] =
    "Shows what the heap of a process on loam, or of its core file, holds: by size of object, by thread, and where in\n"
    "the heap it lies. The process goes on meanwhile; nothing runs in it.\n"
    "\n"
    "      --core FILE  read a core file\n"
    "      --json       print every figure, in bytes, as JSON\n"
    "      --html FILE  write a page to explore in a browser into FILE ('-': stdout)\n"
    "  -h, --help       print this\n"
    "\n"
    "Live objects are allocated and not freed; cached ones are freed and at hand for the thread that had them; free\n"
    "ones are for anyone. A span is the addresses that objects of a size lie in; pages of it that were never touched\n"
    "take no memory. Idle memory is in no slab, and given back to the kernel when it has not been used for a while.\n"
    "How much of live objects nobody asked for is known only of programs that 'loam run' has started.\n"
    "\n"
    "Exit status: 0; 1 when the process or file could not be read; 2 when the command was not understood.\n";

/* --- text --- */

static void print_line(const struct paint *paint, const char *name, uint64_t bytes, const char *remark)
{
    printf("  %-16s %12s   %s%s%s\n", name, units_bytes(bytes).text, paint->faint, remark, paint->end);
}

static void print_totals(const struct figures *f, const struct paint *paint)
{
    char objects[64];

    snprintf(objects, sizeof(objects), "in %s objects", units_count(f->live_objects).text);
    print_line(paint, "live", f->live_bytes, objects);
    if (f->inside)
        print_line(paint, "  inside them", f->inside, "of that, waste by sizes rounded up; an estimate");
    print_line(paint, "between them", f->between, "cached, free, and the ends of slabs");
    print_line(paint, "  cached", f->cached_bytes, "freed, at hand for the thread that had them");
    print_line(paint, "  free", f->free_bytes, "freed, in slabs");
    print_line(paint, "idle", f->dirty, "in no slab, and not given back yet");
    print_line(paint, "purged", f->purged, "in no slab, without memory");
    print_line(paint, "committed", f->committed, "addresses of the heap so far");
    print_line(paint, "records", f->metadata, "addresses of what loam knows of it");
}

static void print_class(const struct class_figures *c, const char *name, uint64_t longest, const struct paint *paint)
{
    uint64_t live = figures_live_bytes(c);

    printf("  %10s %9s %10s %11s %10s %10s %11s  ", name, units_short(c->slabs).text, units_short(c->live).text,
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
    printf("\n  %sBy size of object%s  %s(# in use, . not in use)%s\n", paint->title, paint->end, paint->faint,
           paint->end);
    printf("  %s%10s %9s %10s %11s %10s %10s %11s%s\n", paint->faint, "object", "slabs", "live", "live size", "cached",
           "free", "span", paint->end);
    for (size_t i = 0; i < f->class_count; i++)
        if (f->classes[i].slabs)
            print_class(&f->classes[i], units_bytes(f->classes[i].object_size).text, longest, paint);
    if (f->large.slabs)
        print_class(&f->large, "large", longest, paint);
    if (f->guarded.slabs)
        print_class(&f->guarded, "guarded", longest, paint);
}

static int by_span(const void *a, const void *b)
{
    uint64_t x = ((const struct heap_figures *)a)->span_bytes, y = ((const struct heap_figures *)b)->span_bytes;
    return x < y ? 1 : x > y ? -1 : 0;
}

static void print_heaps(struct heap_stats *s, const struct paint *paint)
{
    qsort(s->heaps, s->heap_count, sizeof(s->heaps[0]), by_span);
    printf("\n  %sBy thread%s  %s(a heap outlives its thread: the next one takes it over)%s\n", paint->title,
           paint->end, paint->faint, paint->end);
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
static void print_map(const struct heap_stats *s, const struct paint *paint)
{
    size_t unit = 1;

    while (s->slice_count > unit * MAP_WIDTH * MAP_ROWS)
        unit *= 2;
    printf("\n  %sWhere it lies%s  %s(%s each; _ nothing, . little in use, @ all)%s\n", paint->title, paint->end,
           paint->faint, units_bytes(unit * IMAGE_SLICE).text, paint->end);
    for (size_t i = 0; i < s->slice_count; i += unit) {
        uint64_t live = 0;
        for (size_t j = i; j < i + unit && j < s->slice_count; j++)
            live += s->slices[j];
        if (i / unit % MAP_WIDTH == 0)
            printf("%s  ", i ? "\n" : "");
        putchar(shade(live, unit * IMAGE_SLICE));
    }
    putchar('\n');
}

static void print_text(const struct target *target, struct heap_stats *s)
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

/* --- the command --- */

struct request {
    const char *core;
    const char *html; /* name of a file, or NULL */
    bool json;
};

static int write_page(const struct target *target, const struct heap_stats *stats, const char *name)
{
    FILE *out;

    if (output_open(name, &out) < 0)
        return EXIT_FAILURE;
    page_print(out, target, NULL, stats);
    return output_close(out, name) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int print(const struct target *target, struct heap_stats *stats, const struct request *request)
{
    if (request->html)
        return write_page(target, stats, request->html);
    if (request->json)
        heap_stats_print_json(stdout, stats, target->name, target->pid, false);
    else
        print_text(target, stats);
    return command_finish();
}

static int show(void *context, struct target *target)
{
    const struct request *request = context;
    struct heap_stats stats;
    int status = EXIT_FAILURE;

    if (target_needs_heap(target) < 0)
        return EXIT_FAILURE;
    int error = heap_stats_read(&target->heap, &stats);
    if (error)
        target_warn(target, error);
    else
        status = print(target, &stats, request);
    heap_stats_free(&stats);
    return status;
}

static int run_command(int argc, char **argv)
{
    static const struct option options[] = {
        {"core", required_argument, NULL, 'c'},
        {"json", no_argument, NULL, 'j'},
        {"html", required_argument, NULL, 'H'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct request request = {.core = NULL};
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            request.core = optarg;
            break;
        case 'j':
            request.json = true;
            break;
        case 'H':
            request.html = optarg;
            break;
        case 'h':
            return command_help(&command_stats);
        default:
            return command_misused(&command_stats);
        }
    }
    return target_look(&command_stats, request.core, argc - optind, argv + optind, show, &request);
}

const struct command command_stats = {
    .name = "stats",
    .arguments = "[--json | --html FILE] PID | --core FILE",
    .purpose = "show what a heap holds: by size, by thread, and where",
    .help = help_text,
    .run = run_command,
};
