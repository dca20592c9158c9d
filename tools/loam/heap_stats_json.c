/*
 * heap_stats_json.c - what a heap holds, as one JSON document.
 */
#include "heap_stats.h"
#include "json.h"

#include <inttypes.h>

static void print_class_json(FILE *out, const struct class_figures *c)
{
    const struct json_field fields[] = {
        JSON_FIELD(c, object_size), JSON_FIELD(c, slabs), JSON_FIELD(c, live),        JSON_FIELD(c, cached),
        JSON_FIELD(c, free),        JSON_FIELD(c, span),  JSON_FIELD(c, allocations), JSON_FIELD(c, requested),
    };

    fprintf(out, "{");
    json_fields(out, " ", fields, sizeof(fields) / sizeof(fields[0]));
    fprintf(out, " }");
}

static void print_heap_json(FILE *out, const struct heap_figures *heap)
{
    const struct json_field fields[] = {
        JSON_FIELD(heap, live_bytes), JSON_FIELD(heap, cached_bytes), JSON_FIELD(heap, free_bytes),
        JSON_FIELD(heap, kept_bytes), JSON_FIELD(heap, span_bytes),
    };

    fprintf(out, "{ \"heap\": %u, \"thread\": %d, \"in_use\": %s,", heap->index, heap->thread,
            heap->in_use ? "true" : "false");
    json_fields(out, " ", fields, sizeof(fields) / sizeof(fields[0]));
    fprintf(out, " }");
}

static void print_range_json(FILE *out, const struct image_range *range)
{
    fprintf(out, "{ \"base\": %" PRIuPTR ", \"reserved\": %zu, \"committed\": %zu }", range->base, range->size,
            range->committed);
}

static void print_slices(FILE *out, const struct heap_stats *s)
{
    fprintf(out, ",\n  \"slices\": [");
    for (size_t i = 0; i < s->slice_count; i++)
        fprintf(out, "%s%" PRIu32, i ? "," : "", s->slices[i]);
    fprintf(out, "]");
}

void heap_stats_print_json(FILE *out, const struct heap_stats *s, const char *name, int pid, bool slices)
{
    const struct figures *f = &s->figures;
    const struct json_field fields[] = {
        JSON_FIELD(f, live_bytes), JSON_FIELD(f, live_objects), JSON_FIELD(f, cached_bytes),
        JSON_FIELD(f, free_bytes), JSON_FIELD(f, between),      JSON_FIELD(f, inside),
        JSON_FIELD(f, purged),     JSON_FIELD(f, committed),    JSON_FIELD(f, dirty),
        JSON_FIELD(f, metadata),   JSON_FIELD(f, heaps),        JSON_FIELD(f, heaps_in_use),
        JSON_FIELD(f, heaps_peak), JSON_FIELD(f, frees),
    };

    json_begin(out, name, pid);
    fputc(',', out);
    json_fields(out, "\n  ", fields, sizeof(fields) / sizeof(fields[0]));
    fprintf(out, ",\n  \"classes\": [");
    for (size_t i = 0; i < f->class_count; i++) {
        fprintf(out, "%s\n    ", i ? "," : "");
        print_class_json(out, &f->classes[i]);
    }
    fprintf(out, "\n  ],\n  \"large\": ");
    print_class_json(out, &f->large);
    fprintf(out, ",\n  \"guarded\": ");
    print_class_json(out, &f->guarded);
    fprintf(out, ",\n  \"by_thread\": [");
    for (size_t i = 0; i < s->heap_count; i++) {
        fprintf(out, "%s\n    ", i ? "," : "");
        print_heap_json(out, &s->heaps[i]);
    }
    fprintf(out, "\n  ],\n  \"ranges\": [");
    for (unsigned i = 0; i < s->image->range_count; i++) {
        fprintf(out, "%s\n    ", i ? "," : "");
        print_range_json(out, &s->image->ranges[i]);
    }
    fprintf(out, "\n  ]");
    if (slices)
        print_slices(out, s);
    fprintf(out, "\n}\n");
}
