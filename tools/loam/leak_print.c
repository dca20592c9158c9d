/* leak_print.c - leaks as text and as JSON; see leak_scan.h. */
#include "frames.h"
#include "json.h"
#include "leak_scan.h"
#include "paint.h"
#include "units.h"

#include <ctype.h>
#include <inttypes.h>

enum { GROUPS_SHOWN = 20 };

static void print_preview(FILE *out, const struct leak_group *group)
{
    size_t size = group->size < LEAK_PREVIEW ? group->size : LEAK_PREVIEW;

    for (size_t i = 0; i < size; i++)
        fprintf(out, "%02x%s", group->preview[i], i % 8 == 7 ? " " : "");
    fprintf(out, "%*s ", (int)(2 * (LEAK_PREVIEW - size) + (LEAK_PREVIEW - size) / 8), "");
    for (size_t i = 0; i < size; i++)
        fputc(isprint(group->preview[i]) ? group->preview[i] : '.', out);
}

static void print_stack(FILE *out, const struct leak_group *group, struct symbols *symbols)
{
    struct frames frames;

    if (frames_find(symbols, group->stack, &frames) == 0)
        frames_print(out, &frames, "      ");
    frames_free(&frames);
}

static void print_group(FILE *out, const struct leak_group *group, struct symbols *symbols)
{
    fprintf(out, "  %-10s %10s %11s %11s  %14" PRIxPTR "  ", group->indirect ? "indirectly" : "lost",
            units_count(group->objects).text, units_bytes(group->size).text, units_bytes(group->bytes).text,
            group->sample);
    print_preview(out, group);
    fputc('\n', out);
    if (group->stack && symbols)
        print_stack(out, group, symbols);
}

void leaks_print_text(FILE *out, const char *name, const struct leaks *leaks, struct symbols *symbols)
{
    const struct paint *paint = paint_for(out);
    size_t shown = leaks->group_count < GROUPS_SHOWN ? leaks->group_count : GROUPS_SHOWN;

    fprintf(out, "%sLeaks of ", paint->title);
    paint_name(out, name);
    fprintf(out, "%s\n\n", paint->end);
    bool one = leaks->lost_objects == 1;
    fprintf(out, "  %s object%s of %s %s lost, and %s of %s indirectly, of %s in use\n",
            units_count(leaks->lost_objects).text, one ? "" : "s", units_bytes(leaks->lost_bytes).text,
            one ? "is" : "are", units_count(leaks->indirect_objects).text, units_bytes(leaks->indirect_bytes).text,
            units_count(leaks->live_objects).text);
    if (leaks->stopped_ns)
        fprintf(out, "  %sthe process stood still for %s%s\n", paint->faint, units_time(leaks->stopped_ns).text,
                paint->end);
    if (!shown)
        return;
    fprintf(out, "\n  %s%-10s %10s %11s %11s  %14s  %s%s\n", paint->faint, "", "objects", "size of one", "bytes",
            "one is at", "and begins", paint->end);
    for (size_t i = 0; i < shown; i++)
        print_group(out, &leaks->groups[i], symbols);
    if (leaks->group_count > shown)
        fprintf(out, "  and %zu more kinds\n", leaks->group_count - shown);
}

void leaks_print_json(FILE *out, const char *name, int pid, const struct leaks *leaks)
{
    const struct json_field fields[] = {
        JSON_FIELD(leaks, lost_objects),   JSON_FIELD(leaks, lost_bytes),   JSON_FIELD(leaks, indirect_objects),
        JSON_FIELD(leaks, indirect_bytes), JSON_FIELD(leaks, live_objects), JSON_FIELD(leaks, stopped_ns),
    };

    json_begin(out, name, pid);
    fputc(',', out);
    json_fields(out, "\n  ", fields, sizeof(fields) / sizeof(fields[0]));
    fprintf(out, ",\n  \"leaks\": [");
    for (size_t i = 0; i < leaks->group_count; i++) {
        const struct leak_group *group = &leaks->groups[i];
        fprintf(out,
                "%s\n    { \"indirect\": %s, \"size\": %zu, \"objects\": %" PRIu64 ", \"bytes\": %" PRIu64
                ", \"sample\": %" PRIuPTR " }",
                i ? "," : "", group->indirect ? "true" : "false", group->size, group->objects, group->bytes,
                group->sample);
    }
    fprintf(out, "\n  ]\n}\n");
}
