/*
 * page.c - see page.h.
 *
 * page/page.html is part of this command, as it is; the data is put where it says so.
 */
#include "page.h"

#include <string.h>

__asm__(".section .rodata\n"
        ".global loam_page\n"
        "loam_page: .incbin \"" LOAM_PAGE "\"\n"
        ".byte 0\n"
        ".previous");

extern const char loam_page[];

static const char place[] = "@DATA@";

void page_print(FILE *out, const struct target *target, const struct memory_map *map, const struct heap_stats *stats)
{
    const char *data = strstr(loam_page, place);

    fwrite(loam_page, 1, (size_t)(data - loam_page), out);
    fputs("{", out);
    if (map) {
        fputs("\"map\": ", out);
        map_print_json(out, map);
    }
    if (stats) {
        fputs(map ? ",\n\"stats\": " : "\"stats\": ", out);
        heap_stats_print_json(out, stats, target->name, target->pid, true);
    }
    fputs("}", out);
    fputs(data + sizeof(place) - 1, out);
}
