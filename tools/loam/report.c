/*
 * report.c - `loam report`: what a process under `loam check` runs when it has found something, to have it told.
 *
 * The process waits meanwhile, and is read from outside: what it found, the stacks, its mappings. How it is told comes
 * in the environment, from `loam check` or whoever set the option `reporter`:
 *
 *   LOAM_REPORT_LOG       file to append to, "%p" in it being the process's id; else stderr
 *   LOAM_REPORT_JSON      set: an object of JSON per line instead of text
 *   LOAM_REPORT_SUPPRESS  file of suppressions
 *   LOAM_REPORT_TALLY     file to append a line to for each thing that was told
 */
#include "command.h"
#include "frames.h"
#include "json.h"
#include "leak_scan.h"
#include "paint.h"
#include "process.h"
#include "sample/finding.h"
#include "sample/words.h"
#include "suppress.h"
#include "units.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_TOLD = 0, STATUS_FAILED = 1 << 1, STATUS_SUPPRESSED = 10, LEAKS_SHOWN = 40 };

static const char help_text[] =
    "Tells of what a process under 'loam check' has found; that process runs it, by the option 'reporter' of\n"
    "LOAM_OPTIONS. WHAT is 'finding', at an address of the process's memory, or 'leaks'. Of use by itself only to\n"
    "those who write such a process.\n";

struct report {
    FILE *out;
    bool json;
    struct suppressions *suppressions;
    struct target target;
    struct symbols *symbols;
};

/* --- where it goes --- */

/* The name of the log, with the process's id in place of "%p". */
static void expand(const char *pattern, pid_t pid, char *path, size_t size)
{
    const char *place = strstr(pattern, "%p");

    if (place)
        snprintf(path, size, "%.*s%d%s", (int)(place - pattern), pattern, (int)pid, place + 2);
    else
        snprintf(path, size, "%s", pattern);
}

/* When there is something to tell. Returns whether there is somewhere to tell it. */
static bool open_log(struct report *r)
{
    const char *pattern = getenv("LOAM_REPORT_LOG");
    char path[PATH_MAX];

    if (r->out)
        return true;
    r->out = stderr;
    if (!pattern)
        return true;
    expand(pattern, r->target.pid, path, sizeof(path));
    r->out = fopen(path, "ae");
    if (!r->out)
        warn("%s", path);
    return r->out != NULL;
}

/* One line of a few bytes is appended whole, whoever else appends. */
static void count(const char *what)
{
    const char *path = getenv("LOAM_REPORT_TALLY");
    int fd = path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;

    if (fd < 0)
        return; /* who counts has gone */
    if (dprintf(fd, "%s\n", what) < 0)
        warn("%s", path);
    close(fd);
}

/* --- findings --- */

/* The stacks of a finding, looked up. */
struct stacks_found {
    struct frames access, taken, given;
};

static void find_stack(const struct report *r, uint32_t number, struct frames *out)
{
    struct image_stack stack = {.count = 0};

    *out = (struct frames){.items = NULL};
    if (number && image_stack_read(&r->target.heap, number, &stack) == 0)
        frames_find(r->symbols, &stack, out);
}

/* "1 byte", "24 bytes": exactly, where figures for people would be rounded. */
static struct units_text bytes(uint64_t count)
{
    struct units_text text;

    snprintf(text.text, sizeof(text.text), "%" PRIu64 " byte%s", count, count == 1 ? "" : "s");
    return text;
}

static void print_place(FILE *out, const struct finding *f)
{
    uintptr_t end = f->object + f->object_size;

    if (!f->object)
        fprintf(out, ", near no object");
    else if (f->address == f->object)
        fprintf(out, ", the start of");
    else if (f->address < f->object)
        fprintf(out, ", %s before", bytes(f->object - f->address).text);
    else if (f->address == end)
        fprintf(out, ", right after the end of");
    else if (f->address > end)
        fprintf(out, ", %s after the end of", bytes(f->address - end).text);
    else
        fprintf(out, ", %s into", bytes(f->address - f->object).text);
    if (f->object)
        fprintf(out, " %s object of %s", f->origin.given ? "a freed" : "an", bytes(f->object_size).text);
}

static void print_headline(const struct report *r, const struct finding *f)
{
    const struct paint *paint = paint_for(r->out);

    fprintf(r->out, "%sloam: %s%s: ", paint->title, words_kind(f->kind), paint->end);
    if (f->kind == FINDING_MISMATCH)
        fprintf(r->out, "%s of what %s allocated, at 0x%" PRIxPTR, words_freeing(f->routine),
                words_routine(f->taken_by_routine), f->address);
    else if (f->kind == FINDING_WRONG_SIZE)
        fprintf(r->out, "as %s, at 0x%" PRIxPTR, bytes(f->length).text, f->address);
    else if (f->access && f->length)
        fprintf(r->out, "%s of %s at 0x%" PRIxPTR, words_access(f->access), bytes(f->length).text, f->address);
    else if (f->access)
        fprintf(r->out, "%s at 0x%" PRIxPTR, words_access(f->access), f->address);
    else
        fprintf(r->out, "0x%" PRIxPTR, f->address);
    print_place(r->out, f);
    fprintf(r->out, "\n");
}

static void print_part(FILE *out, const char *what, int thread, const struct frames *frames)
{
    fprintf(out, "  %s by thread %d\n", what, thread);
    frames_print(out, frames, "    ");
}

static void print_text(const struct report *r, const struct finding *f, const struct stacks_found *s)
{
    char what[64];

    print_headline(r, f);
    fprintf(r->out, "  in %s\n", r->target.name);
    snprintf(what, sizeof(what), "%s%s", f->function[0] ? "in " : "",
             f->function[0] ? f->function : words_deed(f->kind));
    print_part(r->out, what, f->thread, &s->access);
    if (f->object)
        print_part(r->out, "it was allocated", f->origin.taken_by, &s->taken);
    if (f->origin.given)
        print_part(r->out, "it was freed", f->origin.given_by, &s->given);
    fputc('\n', r->out);
}

static void print_json_stack(FILE *out, const char *name, int thread, const struct frames *frames)
{
    fprintf(out, ",\"%s\":{\"thread\":%d,\"stack\":", name, thread);
    frames_print_json(out, frames);
    fputc('}', out);
}

static void print_json(const struct report *r, const struct finding *f, const struct stacks_found *s)
{
    fprintf(r->out, "{\"kind\":\"%s\",\"process\":%d,\"name\":", words_kind(f->kind), f->process);
    json_string(r->out, r->target.name);
    fprintf(r->out, ",\"access\":\"%s\",\"address\":%" PRIuPTR ",\"length\":%zu,\"function\":", words_access(f->access),
            f->address, f->length);
    json_string(r->out, f->function);
    print_json_stack(r->out, "at", f->thread, &s->access);
    if (f->object) {
        fprintf(r->out, ",\"object\":%" PRIuPTR ",\"size\":%zu,\"routine\":\"%s\"", f->object, f->object_size,
                words_routine(f->taken_by_routine));
        print_json_stack(r->out, "allocated", f->origin.taken_by, &s->taken);
    }
    if (f->origin.given)
        print_json_stack(r->out, "freed", f->origin.given_by, &s->given);
    fprintf(r->out, "}\n");
}

static int tell_finding(struct report *r, uintptr_t address)
{
    struct finding finding;
    struct stacks_found stacks;
    int error = r->target.source.read(r->target.source.context, address, &finding, sizeof(finding));

    if (error || finding.size != sizeof(finding) || finding.kind >= FINDING_COUNT) {
        warnx("%s: the finding cannot be read", r->target.name);
        return STATUS_FAILED;
    }
    find_stack(r, finding.stack, &stacks.access);
    find_stack(r, finding.origin.taken, &stacks.taken);
    find_stack(r, finding.origin.given, &stacks.given);
    bool suppressed = suppressions_match(r->suppressions, &stacks.access) ||
                      suppressions_match(r->suppressions, &stacks.taken) ||
                      suppressions_match(r->suppressions, &stacks.given);
    bool told = !suppressed && open_log(r);
    if (told) {
        (r->json ? print_json : print_text)(r, &finding, &stacks);
        count("finding");
    }
    frames_free(&stacks.access);
    frames_free(&stacks.taken);
    frames_free(&stacks.given);
    return suppressed ? STATUS_SUPPRESSED : told ? STATUS_TOLD : STATUS_FAILED;
}

/* --- leaks --- */

static void print_leak_text(const struct report *r, const struct leak_group *group, const struct frames *frames)
{
    const struct paint *paint = paint_for(r->out);
    bool one = group->objects == 1;

    fprintf(r->out, "%sloam: leak%s: %s object%s of %s%s, %s\n", paint->title, paint->end,
            units_count(group->objects).text, one ? "" : "s", bytes(group->size).text, one ? "" : " each",
            group->indirect ? "lost indirectly: only other lost objects point there" : "lost: nothing points there");
    fprintf(r->out, "  in %s\n  allocated\n", r->target.name);
    frames_print(r->out, frames, "    ");
    fputc('\n', r->out);
}

static void print_leak_json(const struct report *r, const struct leak_group *group, const struct frames *frames)
{
    fprintf(r->out, "{\"kind\":\"leak\",\"process\":%d,\"name\":", (int)r->target.pid);
    json_string(r->out, r->target.name);
    fprintf(r->out, ",\"objects\":%" PRIu64 ",\"size\":%zu,\"bytes\":%" PRIu64 ",\"indirect\":%s,\"sample\":%" PRIuPTR,
            group->objects, group->size, group->bytes, group->indirect ? "true" : "false", group->sample);
    fprintf(r->out, ",\"allocated\":{\"stack\":");
    frames_print_json(r->out, frames);
    fprintf(r->out, "}}\n");
}

static void tell_leak(struct report *r, const struct leak_group *group)
{
    struct frames frames = {.items = NULL};

    if (group->stack)
        frames_find(r->symbols, group->stack, &frames);
    if (!suppressions_match(r->suppressions, &frames) && open_log(r)) {
        (r->json ? print_leak_json : print_leak_text)(r, group, &frames);
        count("leak");
    }
    frames_free(&frames);
}

static bool get_symbols(struct report *r)
{
    if (!r->symbols)
        r->symbols = symbols_open(&r->target, NULL);
    return r->symbols != NULL;
}

static int tell_leaks(struct report *r)
{
    struct leaks leaks;
    int error = leaks_find(&r->target, 0, &leaks);

    for (size_t i = 0; !error && i < leaks.group_count && i < LEAKS_SHOWN; i++)
        if (get_symbols(r))
            tell_leak(r, &leaks.groups[i]);
    if (!error && leaks.group_count > LEAKS_SHOWN && !r->json && open_log(r))
        fprintf(r->out, "loam: and %zu more kinds of leaks\n", leaks.group_count - LEAKS_SHOWN);
    leaks_free(&leaks);
    return error ? STATUS_FAILED : STATUS_TOLD;
}

/* --- the command --- */

static int tell(struct report *r, const char *what, const char *address)
{
    const char *suppress = getenv("LOAM_REPORT_SUPPRESS");
    char *end;
    uintptr_t at = strtoull(address, &end, 0);

    if (*end || !r->target.has_heap) {
        warnx("%s %s: not of a process under 'loam check'", what, address);
        return STATUS_FAILED;
    }
    r->json = getenv("LOAM_REPORT_JSON") != NULL;
    if (suppress)
        r->suppressions = suppressions_read(suppress);
    if (strcmp(what, "leaks") == 0)
        return tell_leaks(r);
    return get_symbols(r) ? tell_finding(r, at) : STATUS_FAILED;
}

static int run_command(int argc, char **argv)
{
    struct report report = {.out = NULL};

    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return command_help(&command_report);
    if (argc != 4)
        return command_misused(&command_report);
    if (target_open_process(argv[2], &report.target) < 0)
        return STATUS_FAILED;
    int status = tell(&report, argv[1], argv[3]);
    symbols_close(report.symbols);
    suppressions_free(report.suppressions);
    target_close(&report.target);
    if (report.out && fclose(report.out) != 0)
        warn("the report could not be written");
    return status;
}

const struct command command_report = {
    .name = "report",
    .arguments = "WHAT PID ADDRESS",
    .help = help_text,
    .run = run_command,
};
