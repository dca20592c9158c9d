/*
 * map_json.c - the segments of a process as one JSON document.
 *
 *   { "loam": VERSION, "name": STRING, "pid": N, "program": STRING,
 *     "segments": [ { "start": N, "end": N, "kind": NAME, "permissions": "rw-p", "path": STRING, "thread": N,
 *                     "offset": N, "inode": N, the figures }... ],
 *     "totals": { NAME of a kind: { "segments": N, "size": N, the figures }... } }
 *
 * Addresses are below 2^48, so they keep their value where numbers are floating-point ones.
 */
#include "json.h"
#include "map_print.h"

#include <inttypes.h>

static void print_memory(FILE *out, const struct mapping_memory *m)
{
    const struct json_field fields[] = {
        JSON_FIELD(m, resident),     JSON_FIELD(m, proportional),  JSON_FIELD(m, shared_clean),
        JSON_FIELD(m, shared_dirty), JSON_FIELD(m, private_clean), JSON_FIELD(m, private_dirty),
        JSON_FIELD(m, anonymous),    JSON_FIELD(m, huge),          JSON_FIELD(m, swapped),
        JSON_FIELD(m, locked),
    };

    json_fields(out, " ", fields, sizeof(fields) / sizeof(fields[0]));
}

static void print_segment(FILE *out, const struct segment *s)
{
    const struct mapping *m = &s->mapping;

    fprintf(out, "{ \"start\": %" PRIuPTR ", \"end\": %" PRIuPTR ", \"kind\": \"%s\", ", m->start, m->end,
            segment_names[s->kind]);
    fprintf(out, "\"permissions\": \"%c%c%c%c\", \"path\": ", m->readable ? 'r' : '-', m->writable ? 'w' : '-',
            m->executable ? 'x' : '-', m->shared ? 's' : 'p');
    json_string(out, m->path);
    fprintf(out, ", \"thread\": %d, \"offset\": %" PRIu64 ", \"inode\": %" PRIu64 ",", s->thread, m->offset, m->inode);
    print_memory(out, &m->memory);
    fputs(" }", out);
}

static void print_total(FILE *out, const char *name, const struct kind_total *total)
{
    fprintf(out, "\"%s\": { \"segments\": %zu, \"size\": %" PRIu64 ",", name, total->segments, total->size);
    print_memory(out, &total->memory);
    fputs(" }", out);
}

void map_print_json(FILE *out, const struct memory_map *map)
{
    json_begin(out, map->target->name, map->target->pid);
    fputs(",\n  \"program\": ", out);
    json_string(out, map->program);
    fputs(",\n  \"segments\": [", out);
    for (size_t i = 0; i < map->count; i++) {
        fputs(i ? ",\n    " : "\n    ", out);
        print_segment(out, &map->segments[i]);
    }
    fputs("\n  ],\n  \"totals\": {\n    ", out);
    for (int kind = 0; kind < SEGMENT_KINDS; kind++) {
        print_total(out, segment_names[kind], &map->totals[kind]);
        fputs(",\n    ", out);
    }
    print_total(out, "all", &map->total);
    fputs("\n  }\n}\n", out);
}
