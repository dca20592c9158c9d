/*
 * map_text.c - the segments of a process as a picture: the highest addresses at the top, as the textbooks draw it.
 *
 * Bars are to scale, but for addresses that are only reserved. What lies between two segments is told where it is
 * large, for that is what heap and stack can grow into.
 */
#include "map_print.h"
#include "paint.h"
#include "units.h"

#include <inttypes.h>
#include <string.h>

enum {
    BAR_WIDTH = 24, /* columns */
    GUARD_MAX = 65536,
};

#define GAP_MIN ((uint64_t)1 << 20)
#define GAP_MAX ((uint64_t)1 << 60) /* to the kernel's addresses: no room for anything */

static const char *const colours[SEGMENT_KINDS] = {
    [LOAM_SEGMENT_TEXT] = "\033[36m",   [LOAM_SEGMENT_READ_ONLY] = "\033[34m",   [LOAM_SEGMENT_DATA] = "\033[33m",
    [LOAM_SEGMENT_BSS] = "\033[33m",    [LOAM_SEGMENT_BREAK] = "\033[32m",       [LOAM_SEGMENT_HEAP] = "\033[1;32m",
    [LOAM_SEGMENT_RESERVE] = "\033[2m", [LOAM_SEGMENT_RECORDS] = "\033[32m",     [LOAM_SEGMENT_ANONYMOUS] = "\033[35m",
    [LOAM_SEGMENT_FILE] = "\033[34m",   [LOAM_SEGMENT_SHARED] = "\033[1;35m",    [LOAM_SEGMENT_STACK] = "\033[31m",
    [LOAM_SEGMENT_GUARD] = "\033[2m",   [LOAM_SEGMENT_INACCESSIBLE] = "\033[2m", [LOAM_SEGMENT_KERNEL] = "\033[2m",
};

/* A line of the picture: one segment; or those of a library, or of the heap, that follow each other. */
struct row {
    const struct segment *lowest, *highest;
    uint64_t size;
    struct mapping_memory memory;
    bool library;
};

struct picture {
    FILE *out;
    const struct memory_map *map;
    const struct paint *paint;
    bool all;
    uint64_t longest; /* size of the longest bar */
    size_t hidden;    /* guards that have no line */
};

static const char *colour(const struct picture *p, enum loam_segment_kind kind)
{
    return *p->paint->end ? colours[kind] : "";
}

static bool is_of_elf(enum loam_segment_kind kind)
{
    return kind <= LOAM_SEGMENT_BSS;
}

/* Takes addresses, and never memory. */
static bool is_empty(enum loam_segment_kind kind)
{
    return kind == LOAM_SEGMENT_RESERVE || kind == LOAM_SEGMENT_GUARD || kind == LOAM_SEGMENT_INACCESSIBLE;
}

static bool is_library(const struct picture *p, const struct segment *s)
{
    return !p->all && is_of_elf(s->kind) && strcmp(s->mapping.path, p->map->program) != 0;
}

static bool is_hidden(const struct picture *p, const struct segment *s)
{
    return !p->all && is_empty(s->kind) && s->kind != LOAM_SEGMENT_RESERVE && segment_size(s) <= GUARD_MAX;
}

/* Whether a segment shares the line of the one above it. realloc() splits the heap's mappings where it moves pages. */
static bool is_together(const struct picture *p, const struct segment *s, const struct segment *above)
{
    if (p->all)
        return false;
    if (s->kind == LOAM_SEGMENT_HEAP && above->kind == LOAM_SEGMENT_HEAP)
        return s->mapping.end == above->mapping.start;
    return is_library(p, s) && is_library(p, above) && strcmp(s->mapping.path, above->mapping.path) == 0;
}

/* The row whose highest segment is number `index`; *index becomes that of the next lower one, or -1. */
static struct row take_row(const struct picture *p, ptrdiff_t *index)
{
    const struct segment *all = p->map->segments, *first = &all[*index];
    struct row row = {.highest = first, .library = is_library(p, first)};

    for (; *index >= 0; (*index)--) {
        const struct segment *s = &all[*index];
        if (row.lowest && !is_together(p, s, row.lowest))
            break;
        row.lowest = s;
        row.size += segment_size(s);
        row.memory.resident += s->mapping.memory.resident;
        row.memory.private_dirty += s->mapping.memory.private_dirty;
    }
    return row;
}

static void print_what(const struct picture *p, const struct row *row)
{
    const struct segment *s = row->highest;

    fprintf(p->out, "%s%-14s%s ", colour(p, s->kind), row->library ? "library" : segment_names[s->kind], p->paint->end);
    if (s->thread)
        fprintf(p->out, "of thread %d ", s->thread);
    else if (s->kind != LOAM_SEGMENT_HEAP || s->mapping.path[0] == '/')
        paint_name(p->out, s->mapping.path);
}

static void print_row(struct picture *p, const struct row *row)
{
    const struct segment *s = row->highest;
    const struct mapping *m = &s->mapping;
    int length = is_empty(s->kind) ? 0 : paint_columns(row->size, p->longest, BAR_WIDTH);

    fprintf(p->out, "%16" PRIxPTR " %10s ", row->lowest->mapping.start, units_bytes(row->size).text);
    if (is_empty(s->kind))
        fprintf(p->out, "%10s %10s ", "", "");
    else
        fprintf(p->out, "%10s %10s ", units_bytes(row->memory.resident).text,
                units_bytes(row->memory.private_dirty).text);
    if (row->library)
        fputs("     ", p->out);
    else
        fprintf(p->out, "%c%c%c%c ", m->readable ? 'r' : '-', m->writable ? 'w' : '-', m->executable ? 'x' : '-',
                m->shared ? 's' : 'p');
    paint_bar(p->out, p->paint, row->memory.resident, row->size, length);
    fprintf(p->out, "%*s ", BAR_WIDTH - length, "");
    print_what(p, row);
    fputc('\n', p->out);
}

/* What may grow into the gap between two segments. */
static void print_growth(const struct picture *p, const struct segment *above, const struct segment *below)
{
    if (above->kind == LOAM_SEGMENT_STACK && strcmp(above->mapping.path, "[stack]") == 0) {
        fputs("; the stack grows down", p->out);
        if (p->map->stack_limit && p->map->stack_limit != UINT64_MAX)
            fprintf(p->out, ", to %s", units_bytes(p->map->stack_limit).text);
    }
    if (below->kind == LOAM_SEGMENT_BREAK)
        fputs("; the program break grows up", p->out);
}

static void print_gap(const struct picture *p, const struct segment *above, const struct segment *below)
{
    uint64_t size = above->mapping.start - below->mapping.end;

    if (size > GAP_MAX || (size < GAP_MIN && !(p->all && size)))
        return;
    fprintf(p->out, "%16s %10s %sfree", "", units_bytes(size).text, p->paint->faint);
    print_growth(p, above, below);
    fprintf(p->out, "%s\n", p->paint->end);
}

static void print_picture(struct picture *p)
{
    const struct memory_map *map = p->map;
    const char *resident = map->target->is_core ? "in file" : "resident";

    for (size_t i = 0; i < map->count; i++)
        if (!is_empty(map->segments[i].kind) && segment_size(&map->segments[i]) > p->longest)
            p->longest = segment_size(&map->segments[i]);
    fprintf(p->out, "  %s%14s %10s %10s %10s %-4s %s%s%s\n", p->paint->faint, "from address", "size", resident, "dirty",
            "", "# resident . not: to scale, to ", units_bytes(p->longest).text, p->paint->end);
    const struct segment *above = NULL;
    for (ptrdiff_t i = (ptrdiff_t)map->count - 1; i >= 0;) {
        struct row row = take_row(p, &i);
        if (above)
            print_gap(p, above, row.highest);
        above = row.lowest;
        if (is_hidden(p, row.highest))
            p->hidden++;
        else
            print_row(p, &row);
    }
}

static void print_total(const struct picture *p, const char *name, const char *paint, const struct kind_total *t)
{
    fprintf(p->out, "  %s%-14s%s %8zu %10s %10s %12s %10s %10s %10s %10s\n", paint, name, *paint ? p->paint->end : "",
            t->segments, units_bytes(t->size).text, units_bytes(t->memory.resident).text,
            units_bytes(t->memory.proportional).text, units_bytes(t->memory.private_dirty).text,
            units_bytes(t->memory.swapped).text, units_bytes(t->memory.locked).text, units_bytes(t->memory.huge).text);
}

static void print_totals(const struct picture *p)
{
    fprintf(p->out, "\n  %s%-14s %8s %10s %10s %12s %10s %10s %10s %10s%s\n", p->paint->faint, "", "segments", "size",
            p->map->target->is_core ? "in file" : "resident", "proportional", "dirty", "swapped", "locked",
            "huge pages", p->paint->end);
    for (int kind = 0; kind < SEGMENT_KINDS; kind++)
        if (p->map->totals[kind].segments)
            print_total(p, segment_names[kind], colour(p, (enum loam_segment_kind)kind), &p->map->totals[kind]);
    print_total(p, "all but kernel", p->paint->title, &p->map->total);
}

void map_print_text(FILE *out, const struct memory_map *map, bool all)
{
    struct picture p = {.out = out, .map = map, .paint = paint_for(out), .all = all};

    fprintf(out, "%sThe memory of ", p.paint->title);
    paint_name(out, map->target->name);
    fprintf(out, "%s\n\n", p.paint->end);
    print_picture(&p);
    if (p.hidden)
        fprintf(out, "%s  and %zu guards, which take addresses only; -a shows them%s\n", p.paint->faint, p.hidden,
                p.paint->end);
    print_totals(&p);
}
