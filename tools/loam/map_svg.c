/*
 * map_svg.c - the segments of a process as a picture: the highest addresses at the top.
 *
 * Segments are as tall as the logarithm of their size, so that each can be seen; the bar inside one is what of it is in
 * memory, to scale.
 */
#include "map_print.h"
#include "units.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { WIDTH = 1000, LEFT = 130, RIGHT = 560, LEAST = 15, GAP = 12, TOP = 40 };

#define GAP_MIN ((uint64_t)1 << 20)

static const char *const fills[SEGMENT_KINDS] = {
    [LOAM_SEGMENT_TEXT] = "#0969da",    [LOAM_SEGMENT_READ_ONLY] = "#54aeff",    [LOAM_SEGMENT_DATA] = "#d4a72c",
    [LOAM_SEGMENT_BSS] = "#e3b341",     [LOAM_SEGMENT_BREAK] = "#2da44e",        [LOAM_SEGMENT_HEAP] = "#1a7f37",
    [LOAM_SEGMENT_RESERVE] = "#8c959f", [LOAM_SEGMENT_RECORDS] = "#6fdd8b",      [LOAM_SEGMENT_ANONYMOUS] = "#a475f9",
    [LOAM_SEGMENT_FILE] = "#218bff",    [LOAM_SEGMENT_SHARED] = "#bf3989",       [LOAM_SEGMENT_STACK] = "#cf222e",
    [LOAM_SEGMENT_GUARD] = "#8c959f",   [LOAM_SEGMENT_INACCESSIBLE] = "#8c959f", [LOAM_SEGMENT_KERNEL] = "#6e7781",
};

static void print_escaped(FILE *out, const char *text)
{
    for (; *text; text++)
        if (strchr("&<>", *text) || (unsigned char)*text < ' ')
            fprintf(out, "&#%d;", (unsigned char)*text < ' ' ? '?' : *text);
        else
            fputc(*text, out);
}

static double height_of(const struct segment *s)
{
    double pages = (double)segment_size(s) / 4096;
    return LEAST + (pages > 1 ? 1.5 * log2(pages) : 0);
}

/* The height of what lies between two segments. */
static double gap_above(const struct memory_map *map, size_t i)
{
    if (i + 1 == map->count)
        return 0;
    return map->segments[i + 1].mapping.start - map->segments[i].mapping.end >= GAP_MIN ? GAP : 0;
}

static double print_segment(FILE *out, const struct segment *s, double y)
{
    const struct mapping *m = &s->mapping;
    double height = height_of(s), share = (double)m->memory.resident / (double)segment_size(s);

    fprintf(out, "<g><title>%s %s</title>", segment_names[s->kind], units_bytes(segment_size(s)).text);
    fprintf(out,
            "<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" fill=\"%s\" fill-opacity=\".3\" stroke=\"#fff\"/>",
            LEFT, y, RIGHT - LEFT, height, fills[s->kind]);
    if (share > 0)
        fprintf(out, "<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>", LEFT, y + 1,
                (RIGHT - LEFT) * (share < 1 ? share : 1), height - 2, fills[s->kind]);
    fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%" PRIxPTR "</text>", LEFT - 6, y + height - 3,
            m->start);
    fprintf(out, "<text x=\"%d\" y=\"%.1f\">%s, %s", RIGHT + 8, y + height - 4, segment_names[s->kind],
            units_bytes(segment_size(s)).text);
    if (s->thread)
        fprintf(out, ", thread %d", s->thread);
    if (m->path[0]) {
        const char *slash = strrchr(m->path, '/');
        fputs(", ", out);
        print_escaped(out, slash ? slash + 1 : m->path);
    }
    fputs("</text></g>\n", out);
    return height;
}

void map_print_svg(FILE *out, const struct memory_map *map)
{
    double height = TOP, y = TOP;

    for (size_t i = 0; i < map->count; i++)
        height += height_of(&map->segments[i]) + gap_above(map, i);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" font-family=\"sans-serif\" "
            "font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
            "<text x=\"8\" y=\"22\" font-size=\"15\">The memory of ",
            WIDTH, height + 10);
    print_escaped(out, map->target->name);
    fputs("</text>\n", out);
    for (size_t i = map->count; i-- > 0;) {
        y += gap_above(map, i);
        y += print_segment(out, &map->segments[i], y);
    }
    fputs("</svg>\n", out);
}
