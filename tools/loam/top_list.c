/*
 * top_list.c - the list of `loam top`: all processes that run on loam's heap.
 *
 * The list has every process that there is, so that each is asked only once whether it runs on loam. Those that do are
 * targets that stay open as long as the process is the same: its id may have passed to another, that started later.
 */
#include "list.h"
#include "process.h"
#include "sys/sys.h"
#include "top.h"

#include <ctype.h>
#include <curses.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One process of the list. */
struct watched {
    pid_t pid;
    uint64_t started;
    bool seen;             /* in this round */
    struct target *target; /* NULL: it does not run on loam, or may not be read */
    struct figures figures, before;
    size_t resident, resident_before;
    bool twice; /* looked at: there is something to compare with */
};

static void forget(struct watched *w)
{
    if (w->target)
        target_close(w->target);
    free(w->target);
}

static struct watched *find_watched(const struct top_list *list, pid_t pid, uint64_t started)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->watched[i].pid == pid && list->watched[i].started == started)
            return &list->watched[i];
    return NULL;
}

/* A process that was not there before: does it run on loam? */
static struct watched *add_watched(struct top_list *list, pid_t pid, uint64_t started)
{
    struct watched *larger = list_grow(list->watched, list->count, sizeof(*larger));

    if (!larger)
        return NULL;
    list->watched = larger;
    struct watched *w = &larger[list->count++];
    *w = (struct watched){.pid = pid, .started = started, .target = calloc(1, sizeof(*w->target))};
    if (w->target && (target_try_process(pid, w->target) < 0 || !w->target->has_heap)) {
        forget(w);
        w->target = NULL;
    }
    return w;
}

static void look_at(struct watched *w)
{
    struct figures figures;

    if (figures_read(&w->target->source, w->target->root, &figures) < 0)
        return;
    w->before = w->twice ? w->figures : figures;
    w->resident_before = w->resident;
    w->figures = figures;
    w->resident = process_resident(w->pid);
    if (!w->twice)
        w->resident_before = w->resident;
    w->twice = true;
}

static void drop_ended(struct top_list *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++)
        if (list->watched[i].seen)
            list->watched[kept++] = list->watched[i];
        else
            forget(&list->watched[i]);
    list->count = kept;
}

void top_list_look(struct top_list *list)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;

    for (size_t i = 0; i < list->count; i++)
        list->watched[i].seen = false;
    while (proc && (entry = readdir(proc))) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
        uint64_t started = pid && pid != getpid() ? process_started(pid) : 0;
        struct watched *w = started ? find_watched(list, pid, started) : NULL;
        if (started && !w)
            w = add_watched(list, pid, started);
        if (!w)
            continue;
        w->seen = true;
        if (w->target)
            look_at(w);
    }
    if (proc)
        closedir(proc);
    drop_ended(list);
    list->before_ns = list->now_ns;
    list->now_ns = sys_now_ns();
}

static int compare_watched(const void *a, const void *b, void *by)
{
    const struct watched *x = a, *y = b;
    enum top_sort sort = *(const enum top_sort *)by;
    int64_t left = (int64_t)(x->figures.live_bytes - x->before.live_bytes);
    int64_t right = (int64_t)(y->figures.live_bytes - y->before.live_bytes);

    if (!x->target != !y->target)
        return x->target ? -1 : 1;
    if (sort == TOP_BY_GROWTH && left != right)
        return left < right ? 1 : -1;
    if (sort == TOP_BY_SIZE && x->resident != y->resident)
        return x->resident < y->resident ? 1 : -1;
    return x->pid - y->pid;
}

static size_t shown_count(const struct top_list *list)
{
    size_t shown = 0;

    while (shown < list->count && list->watched[shown].target)
        shown++;
    return shown;
}

void top_list_draw(struct top_list *list, enum top_sort sort)
{
    uint64_t ns = list->before_ns ? list->now_ns - list->before_ns : 0;

    if (list->count)
        qsort_r(list->watched, list->count, sizeof(list->watched[0]), compare_watched, &sort);
    size_t shown = shown_count(list);
    if (list->chosen >= shown)
        list->chosen = shown ? shown - 1 : 0;
    top_line(3, A_REVERSE, "%8s %10s %14s %10s %14s %12s %8s  %-60s", "pid", "resident", "change", "live", "change",
             "objects", "threads", "command");
    if (!shown)
        top_line(4, A_DIM, "there is none that you may read; 'loam run PROGRAM' starts one");
    for (size_t i = 0; i < shown; i++) {
        const struct watched *w = &list->watched[i];
        const char *name = strchr(w->target->name, '(');
        top_line(4 + (int)i, i == list->chosen ? A_BOLD : A_NORMAL, "%c%7d %10s %14s %10s %14s %12s %8" PRIu64 "  %s",
                 i == list->chosen ? '>' : ' ', w->pid, units_bytes(w->resident).text,
                 top_rate((int64_t)(w->resident - w->resident_before), ns).text,
                 units_bytes(w->figures.live_bytes).text,
                 top_rate((int64_t)(w->figures.live_bytes - w->before.live_bytes), ns).text,
                 units_short(w->figures.live_objects).text, w->figures.heaps_in_use, name ? name : "");
    }
}

struct target *top_list_chosen(const struct top_list *list)
{
    return list->chosen < list->count ? list->watched[list->chosen].target : NULL;
}

void top_list_free(struct top_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        forget(&list->watched[i]);
    free(list->watched);
}
