/*
 * summary_json.c - the summary as one JSON document.
 *
 *   { "loam": VERSION, "command": [STRING...], "pid": N, "exit_status": N or null, "signal": N or null,
 *     "records_ignored": N, "processes": [ { "started": BOOLEAN, every field of struct summary }... ] }
 *
 * "started" is true of the program itself, which comes first; the others follow by their peak of resident memory.
 */
#include "json.h"
#include "summary_print.h"

#include <stdbool.h>
#include <sys/wait.h>

static void print_class(FILE *out, const struct summary_class *c)
{
    const struct json_field fields[] = {
        JSON_FIELD(c, object_size),     JSON_FIELD(c, slabs),        JSON_FIELD(c, allocations),
        JSON_FIELD(c, requested_bytes), JSON_FIELD(c, live_objects), JSON_FIELD(c, live_bytes),
        JSON_FIELD(c, cached_objects),  JSON_FIELD(c, free_objects), JSON_FIELD(c, span_bytes),
    };

    fputs("        {", out);
    json_fields(out, " ", fields, sizeof(fields) / sizeof(fields[0]));
    fputs(" }", out);
}

static void print_figures(FILE *out, const struct summary *s)
{
    const struct json_field fields[] = {
        JSON_FIELD(s, start_ns),
        JSON_FIELD(s, end_ns),
        JSON_FIELD(s, user_ns),
        JSON_FIELD(s, system_ns),
        JSON_FIELD(s, resident_peak),
        JSON_FIELD(s, resident_exit),
        JSON_FIELD(s, faults_minor),
        JSON_FIELD(s, faults_major),
        JSON_FIELD(s, allocations),
        JSON_FIELD(s, frees),
        JSON_FIELD(s, requested_bytes),
        JSON_FIELD(s, live_bytes_peak),
        JSON_FIELD(s, live_objects_at_peak),
        JSON_FIELD(s, live_bytes_exit),
        JSON_FIELD(s, live_objects_exit),
        JSON_FIELD(s, committed_bytes),
        JSON_FIELD(s, dirty_bytes),
        JSON_FIELD(s, metadata_bytes),
        JSON_FIELD(s, threads_peak),
        JSON_FIELD(s, exit_by_signal),
    };

    json_fields(out, "\n      ", fields, sizeof(fields) / sizeof(fields[0]));
}

static void print_process(FILE *out, const struct summary *s, bool started)
{
    fputs("    {\n      \"program\": ", out);
    json_string(out, s->program);
    fprintf(out, ",\n      \"started\": %s,\n      \"pid\": %d,\n      \"parent_pid\": %d,", started ? "true" : "false",
            (int)s->pid, (int)s->parent_pid);
    print_figures(out, s);
    fputs(",\n      \"classes\": [", out);
    for (uint32_t i = 0; i < s->class_count; i++) {
        fputs(i ? ",\n" : "\n", out);
        print_class(out, &s->classes[i]);
    }
    fputs("\n      ]\n    }", out);
}

static void print_processes(FILE *out, const struct report *report)
{
    const char *separator = "\n";

    fputs("  \"processes\": [", out);
    if (report->started) {
        fputs(separator, out);
        print_process(out, report->started, true);
        separator = ",\n";
    }
    for (size_t i = 0; i < report->records->count; i++) {
        const struct summary *s = &report->records->items[i];
        if (s == report->started)
            continue;
        fputs(separator, out);
        print_process(out, s, false);
        separator = ",\n";
    }
    fputs("\n  ]\n", out);
}

static void print_command(FILE *out, char *const *argv)
{
    fputs("  \"command\": [", out);
    for (size_t i = 0; argv[i]; i++) {
        if (i)
            fputs(", ", out);
        json_string(out, argv[i]);
    }
    fputs("],\n", out);
}

static void print_number_or_null(FILE *out, const char *name, bool known, int number)
{
    if (known)
        fprintf(out, "  \"%s\": %d,\n", name, number);
    else
        fprintf(out, "  \"%s\": null,\n", name);
}

void summary_print_json(FILE *out, const struct report *report)
{
    fputs("{\n  \"loam\": \"" LOAM_VERSION "\",\n", out);
    print_command(out, report->argv);
    fprintf(out, "  \"pid\": %d,\n", (int)report->pid);
    print_number_or_null(out, "exit_status", WIFEXITED(report->status), WEXITSTATUS(report->status));
    print_number_or_null(out, "signal", WIFSIGNALED(report->status), WTERMSIG(report->status));
    fprintf(out, "  \"records_ignored\": %zu,\n", report->records->ignored);
    print_processes(out, report);
    fputs("}\n", out);
}
