/*
 * top_process.c - a process of `loam top`: its totals, the sizes of its objects, and its segments.
 *
 * What is shown is the difference between the snapshots at the ends of an interval. The first look compares with
 * itself: nothing has changed. Classes are the same ones in both snapshots; segments come and go, and are the same by
 * kind and path.
 */
#include "sys/sys.h"
#include "top.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>

enum { NS_PER_S = 1000000000 };

/* A line of one of the two tables. */
struct entry {
    char name[256];
    uint64_t size, before;
    uint64_t objects, cached, free;
};

static int64_t growth(const struct entry *e)
{
    return (int64_t)(e->size - e->before);
}

static int compare_entries(const void *a, const void *b, void *by)
{
    const struct entry *x = a, *y = b;
    enum top_sort sort = *(const enum top_sort *)by;
    int64_t left = growth(x), right = growth(y);

    if (sort == TOP_BY_GROWTH && left != right)
        return left < right ? 1 : -1;
    if (sort != TOP_BY_NAME && x->size != y->size)
        return x->size < y->size ? 1 : -1;
    return 0; /* as they were: by size of object, by address */
}

static struct entry class_entry(const struct class_figures *now, const struct class_figures *before)
{
    struct entry e = {.objects = now->live, .cached = now->cached, .free = now->free};

    snprintf(e.name, sizeof(e.name), "%.30s", now->object_size ? units_bytes(now->object_size).text : "large");
    e.size = figures_live_bytes(now);
    e.before = figures_live_bytes(before);
    return e;
}

static size_t class_entries(const struct top_process *p, struct entry *out)
{
    const struct figures *now = &p->now.figures, *before = &p->before.figures;
    size_t count = 0;

    for (uint64_t i = 0; i < now->class_count; i++)
        if (now->classes[i].slabs || before->classes[i].slabs)
            out[count++] = class_entry(&now->classes[i], &before->classes[i]);
    if (now->large.slabs || before->large.slabs)
        out[count++] = class_entry(&now->large, &before->large);
    return count;
}

static size_t segment_entries(const struct top_process *p, struct entry *out)
{
    for (size_t i = 0; i < p->now.segment_count; i++) {
        const struct snapshot_segment *s = &p->now.segments[i];
        out[i] = (struct entry){.size = s->resident, .before = 0};
        snprintf(out[i].name, sizeof(out[i].name), "%s %.200s", s->kind, s->path);
        for (size_t j = 0; j < p->before.segment_count; j++)
            if (strcmp(p->before.segments[j].kind, s->kind) == 0 && strcmp(p->before.segments[j].path, s->path) == 0)
                out[i].before = p->before.segments[j].resident;
    }
    return p->now.segment_count;
}

static uint64_t interval(const struct top_process *p)
{
    return p->now_ns - p->before_ns;
}

static int draw_classes(const struct top_process *p, enum top_sort sort, int y, int rows)
{
    struct entry entries[IMAGE_CLASSES + 1];
    size_t count = class_entries(p, entries);

    qsort_r(entries, count, sizeof(entries[0]), compare_entries, &sort);
    top_line(y++, A_REVERSE, "%10s %12s %14s %12s %12s %12s  %-40s", "object", "live", "change", "objects", "cached",
             "free", "");
    for (size_t i = 0; i < count && rows-- > 0; i++) {
        const struct entry *e = &entries[i];
        top_line(y++, growth(e) > 0 ? A_BOLD : A_NORMAL, "%10s %12s %14s %12s %12s %12s", e->name,
                 units_bytes(e->size).text, top_rate(growth(e), interval(p)).text, units_short(e->objects).text,
                 units_short(e->cached).text, units_short(e->free).text);
    }
    return y;
}

static void draw_segments(const struct top_process *p, enum top_sort sort, int y)
{
    struct entry *entries = calloc(p->now.segment_count + 1, sizeof(*entries));
    size_t count = entries ? segment_entries(p, entries) : 0;

    if (count)
        qsort_r(entries, count, sizeof(entries[0]), compare_entries, &sort);
    top_line(y++, A_REVERSE, "%10s %14s  %-80s", "resident", "change", "segment");
    for (size_t i = 0; i < count && y < LINES; i++)
        top_line(y++, growth(&entries[i]) > 0 ? A_BOLD : A_NORMAL, "%10s %14s  %s", units_bytes(entries[i].size).text,
                 top_rate(growth(&entries[i]), interval(p)).text, entries[i].name);
    free(entries);
}

static uint64_t resident(const struct snapshot *s)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < s->segment_count; i++)
        sum += s->segments[i].resident;
    return sum;
}

static uint64_t allocations(const struct figures *f)
{
    uint64_t sum = f->large.allocations;

    for (uint64_t i = 0; i < f->class_count; i++)
        sum += f->classes[i].allocations;
    return sum;
}

static void draw_heap_totals(const struct top_process *p)
{
    const struct figures *now = &p->now.figures, *before = &p->before.figures;
    uint64_t ns = interval(p);
    double seconds = ns ? (double)ns / NS_PER_S : 1;

    top_line(4, A_NORMAL, "live      %12s %14s   in %s objects", units_bytes(now->live_bytes).text,
             top_rate((int64_t)(now->live_bytes - before->live_bytes), ns).text, units_short(now->live_objects).text);
    top_line(5, A_NORMAL, "at hand   %12s %14s   and %s free in slabs, %s idle", units_bytes(now->cached_bytes).text,
             top_rate((int64_t)(now->cached_bytes - before->cached_bytes), ns).text, units_bytes(now->free_bytes).text,
             units_bytes(now->dirty).text);
    if (allocations(now))
        top_line(6, A_NORMAL, "calls     %12s mallocs/s %12s frees/s",
                 units_short((uint64_t)((double)(allocations(now) - allocations(before)) / seconds)).text,
                 units_short((uint64_t)((double)(now->frees - before->frees) / seconds)).text);
}

void top_process_draw(const struct top_process *p, enum top_sort sort)
{
    int y = 8;

    top_line(3, A_NORMAL, "resident  %12s %14s", units_bytes(resident(&p->now)).text,
             top_rate((int64_t)(resident(&p->now) - resident(&p->before)), interval(p)).text);
    if (p->now.has_heap) {
        draw_heap_totals(p);
        y = draw_classes(p, sort, y, (LINES - y) / 2 - 1) + 1;
    } else {
        top_line(4, A_DIM, "it does not run on loam's heap: only segments are known");
        y = 6;
    }
    draw_segments(p, sort, y);
}

int top_process_look(struct top_process *p)
{
    struct snapshot next;
    int error = target_refresh(p->target);

    if (error)
        return error;
    error = snapshot_take(p->target, &next);
    if (error) {
        snapshot_free(&next);
        return error;
    }
    snapshot_free(&p->before);
    p->before = p->now;
    p->before_ns = p->now_ns;
    p->now = next;
    p->now_ns = sys_now_ns();
    if (!p->before_ns) { /* the first look compares with itself */
        p->before_ns = p->now_ns;
        p->before.figures = p->now.figures;
    }
    return 0;
}

void top_process_forget(struct top_process *p)
{
    snapshot_free(&p->now);
    snapshot_free(&p->before);
    memset(p, 0, sizeof(*p));
}
