/*
 * summary_text.c - the summary as text: how the program ended, how much memory it took, what it did with it, and
 * where that memory lies; then the processes that it started, a line each.
 *
 * The figures come from records that any process may have written: no arithmetic here overflows or divides by zero,
 * whatever they are.
 */
#include "image/figures.h"
#include "paint.h"
#include "summary_print.h"
#include "units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum {
    CLASSES_SHOWN = 12,
    PROCESSES_SHOWN = 10,
    BAR_WIDTH = 15, /* columns */
    NS_PER_S = 1000000000,
};

static uint64_t difference(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
    uint64_t result;

    return __builtin_add_overflow(a, b, &result) ? UINT64_MAX : result;
}

/* --- the program itself --- */

static void print_ending(FILE *out, int status)
{
    if (WIFSIGNALED(status))
        fprintf(out, "was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        fprintf(out, "exited with status %d", WEXITSTATUS(status));
}

static void print_title(FILE *out, const struct report *report, const struct paint *paint)
{
    const struct summary *s = report->started;

    fprintf(out, "\n%sloam: ", paint->title);
    paint_name(out, s ? s->program : report->argv[0]);
    fprintf(out, "%s (pid %d) ", paint->end, (int)report->pid);
    print_ending(out, report->status);
    if (s)
        fprintf(out, " after %s", units_time(difference(s->end_ns, s->start_ns)).text);
    fputc('\n', out);
}

/* The program left no record: say why, as far as that can be known. */
static void print_missing(FILE *out, const struct report *report)
{
    if (WIFSIGNALED(report->status))
        fputs("  It left no record of its heap: a process that a signal kills cannot write one.\n", out);
    else
        fputs("  It left no record of its heap. Perhaps it executed a program that libraries cannot be preloaded into\n"
              "  (a static or set-uid one), or it emptied its environment, or the record could not be written.\n",
              out);
}

static void print_peaks(FILE *out, const struct summary *s, const struct paint *paint)
{
    fprintf(out, "\n  %s%-16s %14s %14s%s\n", paint->faint, "", "peak", "at exit", paint->end);
    fprintf(out, "  %-16s %s%14s%s %14s   %sof the whole process, with code and stacks%s\n", "resident memory",
            paint->title, units_bytes(s->resident_peak).text, paint->end, units_bytes(s->resident_exit).text,
            paint->faint, paint->end);
    fprintf(out, "  %-16s %s%14s%s %14s   %sallocated and not freed%s\n", "live memory", paint->title,
            units_bytes(s->live_bytes_peak).text, paint->end, units_bytes(s->live_bytes_exit).text, paint->faint,
            paint->end);
    fprintf(out, "  %-16s %14s %14s\n\n", "live objects", units_count(s->live_objects_at_peak).text,
            units_count(s->live_objects_exit).text);
}

static void print_allocations(FILE *out, const struct summary *s)
{
    uint64_t ns = difference(s->end_ns, s->start_ns);

    fprintf(out, "  %-16s %s of %s together; %s freed", "allocations", units_count(s->allocations).text,
            units_bytes(s->requested_bytes).text, units_count(s->frees).text);
    if (ns && s->allocations) {
        double rate = (double)s->allocations / ((double)ns / NS_PER_S);
        fprintf(out, "; %s a second", units_short(rate < 1e18 ? (uint64_t)(rate + 0.5) : (uint64_t)1e18).text);
    }
    fputc('\n', out);
}

static void print_costs(FILE *out, const struct summary *s)
{
    print_allocations(out, s);
    fprintf(out, "  %-16s %s elapsed, %s user, %s system\n", "time",
            units_time(difference(s->end_ns, s->start_ns)).text, units_time(s->user_ns).text,
            units_time(s->system_ns).text);
    fprintf(out, "  %-16s %s minor, %s major\n", "page faults", units_count(s->faults_minor).text,
            units_count(s->faults_major).text);
    fprintf(out, "  %-16s %s committed, %s of it idle; %s of metadata\n", "heap at exit",
            units_bytes(s->committed_bytes).text, units_bytes(s->dirty_bytes).text,
            units_bytes(s->metadata_bytes).text);
    fprintf(out, "  %-16s %s at most\n", "threads", units_count(s->threads_peak).text);
}

/* --- the size classes --- */

static int by_span(const void *a, const void *b)
{
    const struct summary_class *x = *(const struct summary_class *const *)a;
    const struct summary_class *y = *(const struct summary_class *const *)b;

    if (x->span_bytes != y->span_bytes)
        return x->span_bytes < y->span_bytes ? 1 : -1;
    return x < y ? -1 : x > y;
}

/* The classes that hold memory, the one that holds most first. Returns how many. */
static size_t holding_classes(const struct summary *s, const struct summary_class *held[SUMMARY_CLASSES])
{
    size_t count = 0;

    for (size_t i = 0; i < s->class_count; i++)
        if (s->classes[i].span_bytes)
            held[count++] = &s->classes[i];
    qsort(held, count, sizeof(held[0]), by_span);
    return count;
}

static void print_class(FILE *out, const struct summary_class *class, uint64_t longest, const struct paint *paint)
{
    struct units_text size = {"large"};

    if (class->object_size)
        size = units_bytes(class->object_size);
    fprintf(out, "  %10s %12s %10s %11s %10s %10s %11s", size.text, units_short(class->allocations).text,
            units_short(class->live_objects).text, units_bytes(class->live_bytes).text,
            units_short(class->cached_objects).text, units_short(class->free_objects).text,
            units_bytes(class->span_bytes).text);
    fputs("  ", out);
    paint_bar(out, paint, class->live_bytes, class->span_bytes, paint_columns(class->span_bytes, longest, BAR_WIDTH));
    fputc('\n', out);
}

static void print_other_classes(FILE *out, const struct summary_class *const *held, size_t count)
{
    char label[32];
    uint64_t span = 0;

    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++)
        span = sum(span, held[i]->span_bytes);
    snprintf(label, sizeof(label), "%zu smaller", count);
    fprintf(out, "  %10s %12s %10s %11s %10s %10s %11s\n", label, "", "", "", "", "", units_bytes(span).text);
}

static void print_waste(FILE *out, const struct summary *s, const struct paint *paint)
{
    double inside = 0;
    uint64_t between = 0;

    for (size_t i = 0; i < s->class_count; i++) {
        const struct summary_class *c = &s->classes[i];
        inside += figures_rounding(c->object_size, c->live_bytes, c->allocations, c->requested_bytes);
        between = sum(between, difference(c->span_bytes, c->live_bytes));
    }
    uint64_t rounded = inside < 1e18 ? (uint64_t)inside : (uint64_t)1e18;
    fprintf(out, "\n  %-16s %14s\n", "waste at exit", units_bytes(sum(rounded, between)).text);
    fprintf(out, "  %-16s %14s   %ssizes rounded up; an estimate%s\n", "  inside objects", units_bytes(rounded).text,
            paint->faint, paint->end);
    fprintf(out, "  %-16s %14s   %scached, free, and the ends of slabs%s\n", "  between them",
            units_bytes(between).text, paint->faint, paint->end);
}

static void print_classes(FILE *out, const struct summary *s, const struct paint *paint)
{
    const struct summary_class *held[SUMMARY_CLASSES];
    size_t count = holding_classes(s, held);
    size_t shown = count < CLASSES_SHOWN ? count : CLASSES_SHOWN;

    if (count == 0)
        return;
    fprintf(out, "\n  %sThe heap at exit, by size of object%s  %s(# in use, . not in use)%s\n", paint->title,
            paint->end, paint->faint, paint->end);
    fprintf(out, "  %s%10s %12s %10s %11s %10s %10s %11s%s\n", paint->faint, "object", "allocations", "live",
            "live size", "cached", "free", "span", paint->end);
    for (size_t i = 0; i < shown; i++)
        print_class(out, held[i], held[0]->span_bytes, paint);
    print_other_classes(out, held + shown, count - shown);
}

static void print_started(FILE *out, const struct summary *s, const struct paint *paint)
{
    print_peaks(out, s, paint);
    print_costs(out, s);
    print_classes(out, s, paint);
    print_waste(out, s, paint);
}

/* --- the other processes --- */

static void print_process(FILE *out, const struct summary *s)
{
    char name[17]; /* the kernel's names have 15 bytes */

    snprintf(name, sizeof(name), "%.16s", s->program);
    fprintf(out, "  %10d %11s %12s %12s %12s %12s  ", (int)s->pid, units_bytes(s->resident_peak).text,
            units_bytes(s->live_bytes_peak).text, units_short(s->allocations).text, units_short(s->frees).text,
            units_time(difference(s->end_ns, s->start_ns)).text);
    paint_name(out, name);
    fputc('\n', out);
}

static void print_others(FILE *out, const struct report *report, const struct paint *paint)
{
    const struct records *records = report->records;
    size_t count = records->count - (report->started != NULL);
    size_t shown = 0;

    if (count == 0)
        return;
    fprintf(out, "\n  %s%zu other process%s%s%s\n", paint->title, count, count == 1 ? "" : "es", paint->end,
            count == 1 ? "" : ", by peak of resident memory");
    fprintf(out, "  %s%10s %11s %12s %12s %12s %12s  %s%s\n", paint->faint, "pid", "peak", "live at peak",
            "allocations", "frees", "elapsed", "program", paint->end);
    for (size_t i = 0; i < records->count && shown < PROCESSES_SHOWN; i++) {
        if (&records->items[i] == report->started)
            continue;
        print_process(out, &records->items[i]);
        shown++;
    }
    if (count > shown)
        fprintf(out, "  and %zu more process%s\n", count - shown, count - shown == 1 ? "" : "es");
}

void summary_print_text(FILE *out, const struct report *report)
{
    const struct paint *paint = paint_for(out);

    print_title(out, report, paint);
    if (report->started)
        print_started(out, report->started, paint);
    else
        print_missing(out, report);
    print_others(out, report, paint);
}
