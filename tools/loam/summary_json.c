/*
 * summary_json.c - the summary as one JSON document.
 *
 *   { "loam": VERSION, "command": [STRING...], "pid": N, "exit_status": N or null, "signal": N or null,
 *     "records_ignored": N, "processes": [ { "started": BOOLEAN, every field of struct summary }... ] }
 *
 * "started" is true of the program itself, which comes first; the others follow by their peak of resident memory.
 * Source: RFC 8259; RFC 3629 for UTF-8.
 */
#include "summary_print.h"

#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD in UTF-8 */

/*
 * The length of the UTF-8 sequence at `s`, or 0 when there is none. A terminator is no continuation byte, so nothing
 * is read beyond it. Overlong forms, surrogates and what lies above U+10FFFF are excluded by the second byte.
 */
static int sequence_length(const unsigned char *s)
{
    int length = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : 4;
    unsigned char low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;

    if (length == 1)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4 || s[1] < low || s[1] > high)
        return 0;
    for (int i = 2; i < length; i++)
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    return length;
}

/* A string of any bytes: what is not UTF-8 becomes U+FFFD, byte by byte. */
static void print_string(FILE *out, const char *string)
{
    const unsigned char *at = (const unsigned char *)string;

    fputc('"', out);
    while (*at) {
        int length = sequence_length(at);
        if (length == 0)
            fputs(REPLACEMENT, out);
        else if (*at == '"' || *at == '\\')
            fprintf(out, "\\%c", *at);
        else if (*at < ' ' || *at == 0x7f)
            fprintf(out, "\\u%04x", *at);
        else
            fwrite(at, 1, (size_t)length, out);
        at += length ? length : 1;
    }
    fputc('"', out);
}

struct field {
    const char *name;
    uint64_t value;
};

/* ` "a": 1, "b": 2`, with a comma between all. */
static void print_fields(FILE *out, const char *indent, const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%s\"%s\": %" PRIu64, i ? "," : "", indent, fields[i].name, fields[i].value);
}

#define FIELD(s, name) ((struct field){#name, (s)->name})

static void print_class(FILE *out, const struct summary_class *c)
{
    const struct field fields[] = {
        FIELD(c, object_size),     FIELD(c, slabs),        FIELD(c, allocations),
        FIELD(c, requested_bytes), FIELD(c, live_objects), FIELD(c, live_bytes),
        FIELD(c, cached_objects),  FIELD(c, free_objects), FIELD(c, span_bytes),
    };

    fputs("        {", out);
    print_fields(out, " ", fields, sizeof(fields) / sizeof(fields[0]));
    fputs(" }", out);
}

static void print_figures(FILE *out, const struct summary *s)
{
    const struct field fields[] = {
        FIELD(s, start_ns),
        FIELD(s, end_ns),
        FIELD(s, user_ns),
        FIELD(s, system_ns),
        FIELD(s, resident_peak),
        FIELD(s, resident_exit),
        FIELD(s, faults_minor),
        FIELD(s, faults_major),
        FIELD(s, allocations),
        FIELD(s, frees),
        FIELD(s, requested_bytes),
        FIELD(s, live_bytes_peak),
        FIELD(s, live_objects_at_peak),
        FIELD(s, live_bytes_exit),
        FIELD(s, live_objects_exit),
        FIELD(s, committed_bytes),
        FIELD(s, dirty_bytes),
        FIELD(s, metadata_bytes),
        FIELD(s, threads_peak),
        FIELD(s, exit_by_signal),
    };

    print_fields(out, "\n      ", fields, sizeof(fields) / sizeof(fields[0]));
}

static void print_process(FILE *out, const struct summary *s, bool started)
{
    fputs("    {\n      \"program\": ", out);
    print_string(out, s->program);
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
        print_string(out, argv[i]);
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
