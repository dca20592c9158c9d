/*
 * top.c - `loam top`: a process, or all that run on loam's heap, as they go on.
 *
 * What is shown of a process is the difference between the snapshots at the ends of an interval. A list is of targets
 * that stay open as long as their process is the same.
 */
#include "command.h"
#include "list.h"
#include "process.h"
#include "snapshot.h"
#include "sys/sys.h"
#include "target.h"
#include "units.h"

#include <ctype.h>
#include <curses.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { INTERVAL_MS = 1000, INTERVAL_MIN = 100, INTERVAL_MAX = 60000, NS_PER_MS = 1000000, ESCAPE = 27 };

static const char help_text[] =
    "Shows, again and again, how much memory a process takes, which sizes of objects and which segments grow; without\n"
    "PID, all processes that run on loam's heap.\n"
    "\n"
    "  -d, --delay SECONDS  between one look and the next (default: 1)\n"
    "  -n, --count N        end after N looks\n"
    "  -h, --help           print this\n"
    "\n"
    "Keys: s sorts by the next column; p pauses, and goes on; + and - change the delay; up, down and Enter choose a\n"
    "process of the list, Escape goes back to it; q quits.\n"
    "\n"
    "Counts of malloc and free are kept only for processes that 'loam run' has started.\n"
    "\n"
    "Exit status: 0; 1 when the process could not be read; 2 when the command was not understood.\n";

enum sort { BY_SIZE, BY_GROWTH, BY_NAME, SORTS };

static const char *const sort_names[SORTS] = {"size", "growth", "name"};

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

struct top {
    int delay_ms;
    long left; /* looks, or -1 */
    bool paused;
    bool quit;
    enum sort sort;

    /* The process that is shown, if one is. */
    struct target *target;
    struct snapshot now, before;
    uint64_t now_ns, before_ns;
    bool of_list; /* it was chosen there */

    /* The list. */
    struct watched *list;
    size_t count;
    size_t chosen;
};

/* --- drawing --- */

/* One line, cut at the screen's edge; control characters cannot get through. */
static void line(int y, int attribute, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void line(int y, int attribute, const char *format, ...)
{
    char text[512];
    va_list arguments;

    if (y >= LINES)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = '?';
    attrset(attribute);
    mvaddnstr(y, 0, text, COLS);
    attrset(A_NORMAL);
}

/* "+1.5 MiB/s"; nothing when nothing has changed. */
static struct units_text rate(int64_t bytes, uint64_t ns)
{
    struct units_text out = {""};
    double each = ns ? (double)bytes * 1000 * NS_PER_MS / (double)ns : 0;

    if (each >= 1 || each <= -1)
        snprintf(out.text, sizeof(out.text), "%c%.20s/s", each < 0 ? '-' : '+',
                 units_bytes((uint64_t)(each < 0 ? -each : each)).text);
    return out;
}

static void draw_title(const struct top *top, const char *what)
{
    line(0, A_BOLD, "loam top: %s", what);
    line(1, A_DIM, "every %.1f s, by %s%s   s sort  p pause  + - delay  %sq quit", top->delay_ms / 1000.0,
         sort_names[top->sort], top->paused ? ", PAUSED" : "",
         top->target ? (top->of_list ? "Esc list  " : "") : "Enter show  ");
}

/* --- one process --- */

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

static enum sort entry_sort;

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int64_t left = growth(x), right = growth(y);

    if (entry_sort == BY_GROWTH && left != right)
        return left < right ? 1 : -1;
    if (entry_sort != BY_NAME && x->size != y->size)
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

static size_t class_entries(const struct top *top, struct entry *out)
{
    const struct figures *now = &top->now.figures, *before = &top->before.figures;
    size_t count = 0;

    for (uint64_t i = 0; i < now->class_count; i++)
        if (now->classes[i].slabs || before->classes[i].slabs)
            out[count++] = class_entry(&now->classes[i], &before->classes[i]);
    if (now->large.slabs || before->large.slabs)
        out[count++] = class_entry(&now->large, &before->large);
    return count;
}

static size_t segment_entries(const struct top *top, struct entry *out)
{
    for (size_t i = 0; i < top->now.segment_count; i++) {
        const struct snapshot_segment *s = &top->now.segments[i];
        out[i] = (struct entry){.size = s->resident, .before = 0};
        snprintf(out[i].name, sizeof(out[i].name), "%s %.200s", s->kind, s->path);
        for (size_t j = 0; j < top->before.segment_count; j++)
            if (strcmp(top->before.segments[j].kind, s->kind) == 0 &&
                strcmp(top->before.segments[j].path, s->path) == 0)
                out[i].before = top->before.segments[j].resident;
    }
    return top->now.segment_count;
}

static int draw_classes(const struct top *top, int y, int rows, uint64_t ns)
{
    struct entry entries[IMAGE_CLASSES + 1];
    size_t count = class_entries(top, entries);

    qsort(entries, count, sizeof(entries[0]), compare_entries);
    line(y++, A_REVERSE, "%10s %12s %14s %12s %12s %12s  %-40s", "object", "live", "change", "objects", "cached",
         "free", "");
    for (size_t i = 0; i < count && rows-- > 0; i++) {
        const struct entry *e = &entries[i];
        line(y++, growth(e) > 0 ? A_BOLD : A_NORMAL, "%10s %12s %14s %12s %12s %12s", e->name,
             units_bytes(e->size).text, rate(growth(e), ns).text, units_short(e->objects).text,
             units_short(e->cached).text, units_short(e->free).text);
    }
    return y;
}

static void draw_segments(const struct top *top, int y, uint64_t ns)
{
    struct entry *entries = calloc(top->now.segment_count + 1, sizeof(*entries));
    size_t count = entries ? segment_entries(top, entries) : 0;

    if (count)
        qsort(entries, count, sizeof(entries[0]), compare_entries);
    line(y++, A_REVERSE, "%10s %14s  %-80s", "resident", "change", "segment");
    for (size_t i = 0; i < count && y < LINES; i++)
        line(y++, growth(&entries[i]) > 0 ? A_BOLD : A_NORMAL, "%10s %14s  %s", units_bytes(entries[i].size).text,
             rate(growth(&entries[i]), ns).text, entries[i].name);
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

static void draw_heap_totals(const struct top *top, uint64_t ns)
{
    const struct figures *now = &top->now.figures, *before = &top->before.figures;
    double seconds = ns ? (double)ns / 1000 / NS_PER_MS : 1;

    line(4, A_NORMAL, "live      %12s %14s   in %s objects", units_bytes(now->live_bytes).text,
         rate((int64_t)(now->live_bytes - before->live_bytes), ns).text, units_short(now->live_objects).text);
    line(5, A_NORMAL, "at hand   %12s %14s   and %s free in slabs, %s idle", units_bytes(now->cached_bytes).text,
         rate((int64_t)(now->cached_bytes - before->cached_bytes), ns).text, units_bytes(now->free_bytes).text,
         units_bytes(now->dirty).text);
    if (allocations(now))
        line(6, A_NORMAL, "calls     %12s mallocs/s %12s frees/s",
             units_short((uint64_t)((double)(allocations(now) - allocations(before)) / seconds)).text,
             units_short((uint64_t)((double)(now->frees - before->frees) / seconds)).text);
}

static void draw_process(const struct top *top)
{
    uint64_t ns = top->now_ns - top->before_ns;
    int y = 8;

    entry_sort = top->sort;
    draw_title(top, top->target->name);
    line(3, A_NORMAL, "resident  %12s %14s", units_bytes(resident(&top->now)).text,
         rate((int64_t)(resident(&top->now) - resident(&top->before)), ns).text);
    if (top->now.has_heap) {
        draw_heap_totals(top, ns);
        y = draw_classes(top, y, (LINES - y) / 2 - 1, ns) + 1;
    } else {
        line(4, A_DIM, "it does not run on loam's heap: only segments are known");
        y = 6;
    }
    draw_segments(top, y, ns);
}

/* Returns 0 or -errno: the process has ended, for one. */
static int look_at_process(struct top *top)
{
    struct snapshot next;
    int error = target_refresh(top->target);

    if (error)
        return error;
    error = snapshot_take(top->target, &next);
    if (error) {
        snapshot_free(&next);
        return error;
    }
    snapshot_free(&top->before);
    top->before = top->now;
    top->before_ns = top->now_ns;
    top->now = next;
    top->now_ns = sys_now_ns();
    if (!top->before_ns) { /* the first look compares with itself */
        top->before_ns = top->now_ns;
        top->before.figures = top->now.figures;
    }
    return 0;
}

static void forget_process(struct top *top)
{
    snapshot_free(&top->now);
    snapshot_free(&top->before);
    memset(&top->now, 0, sizeof(top->now));
    memset(&top->before, 0, sizeof(top->before));
    top->now_ns = top->before_ns = 0;
    top->target = NULL;
}

/* --- all processes --- */

static void forget(struct watched *w)
{
    if (w->target)
        target_close(w->target);
    free(w->target);
}

static struct watched *find_watched(struct top *top, pid_t pid, uint64_t started)
{
    for (size_t i = 0; i < top->count; i++)
        if (top->list[i].pid == pid && top->list[i].started == started)
            return &top->list[i];
    return NULL;
}

/* A process that was not there before: does it run on loam? */
static struct watched *add_watched(struct top *top, pid_t pid, uint64_t started)
{
    struct watched *larger = list_grow(top->list, top->count, sizeof(*larger));

    if (!larger)
        return NULL;
    top->list = larger;
    struct watched *w = &larger[top->count++];
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

static void drop_ended(struct top *top)
{
    size_t kept = 0;

    for (size_t i = 0; i < top->count; i++)
        if (top->list[i].seen)
            top->list[kept++] = top->list[i];
        else
            forget(&top->list[i]);
    top->count = kept;
}

static void look_at_all(struct top *top)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;

    for (size_t i = 0; i < top->count; i++)
        top->list[i].seen = false;
    while (proc && (entry = readdir(proc))) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
        uint64_t started = pid && pid != getpid() ? process_started(pid) : 0;
        struct watched *w = started ? find_watched(top, pid, started) : NULL;
        if (started && !w)
            w = add_watched(top, pid, started);
        if (!w)
            continue;
        w->seen = true;
        if (w->target)
            look_at(w);
    }
    if (proc)
        closedir(proc);
    drop_ended(top);
    top->before_ns = top->now_ns;
    top->now_ns = sys_now_ns();
}

static int compare_watched(const void *a, const void *b)
{
    const struct watched *x = a, *y = b;
    int64_t left = (int64_t)(x->figures.live_bytes - x->before.live_bytes);
    int64_t right = (int64_t)(y->figures.live_bytes - y->before.live_bytes);

    if (!x->target != !y->target)
        return x->target ? -1 : 1;
    if (entry_sort == BY_GROWTH && left != right)
        return left < right ? 1 : -1;
    if (entry_sort == BY_SIZE && x->resident != y->resident)
        return x->resident < y->resident ? 1 : -1;
    return x->pid - y->pid;
}

static size_t shown_count(const struct top *top)
{
    size_t shown = 0;

    while (shown < top->count && top->list[shown].target)
        shown++;
    return shown;
}

static void draw_list(struct top *top)
{
    uint64_t ns = top->before_ns ? top->now_ns - top->before_ns : 0;

    entry_sort = top->sort;
    if (top->count)
        qsort(top->list, top->count, sizeof(top->list[0]), compare_watched);
    size_t shown = shown_count(top);
    if (top->chosen >= shown)
        top->chosen = shown ? shown - 1 : 0;
    draw_title(top, "all processes on loam");
    line(3, A_REVERSE, "%8s %10s %14s %10s %14s %12s %8s  %-60s", "pid", "resident", "change", "live", "change",
         "objects", "threads", "command");
    if (!shown)
        line(4, A_DIM, "there is none that you may read; 'loam run PROGRAM' starts one");
    for (size_t i = 0; i < shown; i++) {
        const struct watched *w = &top->list[i];
        const char *name = strchr(w->target->name, '(');
        line(4 + (int)i, i == top->chosen ? A_BOLD : A_NORMAL, "%c%7d %10s %14s %10s %14s %12s %8" PRIu64 "  %s",
             i == top->chosen ? '>' : ' ', w->pid, units_bytes(w->resident).text,
             rate((int64_t)(w->resident - w->resident_before), ns).text, units_bytes(w->figures.live_bytes).text,
             rate((int64_t)(w->figures.live_bytes - w->before.live_bytes), ns).text,
             units_short(w->figures.live_objects).text, w->figures.heaps_in_use, name ? name : "");
    }
}

/* --- the loop --- */

/* Returns 0 or -errno when the process that the user named cannot be read any more. */
static int look(struct top *top)
{
    if (!top->target) {
        look_at_all(top);
        return 0;
    }
    int error = look_at_process(top);
    if (error && top->of_list) { /* it has ended: back to the others */
        forget_process(top);
        look_at_all(top);
        return 0;
    }
    return error;
}

static void draw(struct top *top)
{
    erase();
    if (top->target)
        draw_process(top);
    else
        draw_list(top);
    refresh();
}

/* Returns whether to look anew at once. */
static bool take_key(struct top *top, int key)
{
    switch (key) {
    case 'q':
        top->quit = true;
        return false;
    case 's':
        top->sort = (top->sort + 1) % SORTS;
        return false;
    case 'p':
        top->paused = !top->paused;
        return false;
    case '+':
        top->delay_ms = top->delay_ms * 2 < INTERVAL_MAX ? top->delay_ms * 2 : INTERVAL_MAX;
        return false;
    case '-':
        top->delay_ms = top->delay_ms / 2 > INTERVAL_MIN ? top->delay_ms / 2 : INTERVAL_MIN;
        return false;
    case KEY_UP:
        top->chosen -= !top->target && top->chosen > 0;
        return false;
    case KEY_DOWN:
        top->chosen += !top->target;
        return false;
    case '\n':
    case KEY_ENTER:
        if (top->target || top->chosen >= shown_count(top))
            return false;
        top->target = top->list[top->chosen].target;
        top->of_list = true;
        top->now_ns = top->before_ns = 0;
        return true;
    case ESCAPE:
        if (!top->target || !top->of_list)
            return false;
        forget_process(top);
        return true;
    default:
        return false;
    }
}

/* Answer keys until the next look is due. */
static void wait_for_next(struct top *top)
{
    uint64_t due = sys_now_ns() + (uint64_t)top->delay_ms * NS_PER_MS;
    bool now = false;

    while (!now && !top->quit) {
        uint64_t at = sys_now_ns();
        if (at >= due && !top->paused)
            return;
        timeout(top->paused ? INTERVAL_MS : (int)((due - at) / NS_PER_MS) + 1);
        int key = getch();
        if (key == ERR)
            continue;
        now = take_key(top, key);
        draw(top);
    }
}

static int watch(struct top *top)
{
    int error = 0;

    while (!top->quit && top->left != 0) {
        error = look(top);
        if (error)
            break;
        draw(top);
        if (top->left > 0)
            top->left--;
        if (top->left != 0)
            wait_for_next(top);
    }
    return error;
}

static int run_on_screen(struct top *top)
{
    setlocale(LC_CTYPE, "");
    if (!newterm(NULL, stdout, stdin)) {
        const char *name = getenv("TERM");
        warnx("the terminal '%s' is not known", name ? name : "");
        return -ENOTTY;
    }
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    int error = watch(top);
    endwin();
    return error;
}

/* --- the command --- */

static bool parse_delay(const char *text, int *ms)
{
    char *end;
    double seconds = strtod(text, &end);

    if (*end || end == text || !(seconds * 1000 >= INTERVAL_MIN) || seconds * 1000 > INTERVAL_MAX) {
        warnx("--delay %s: seconds from 0.1 to 60 are meant", text);
        return false;
    }
    *ms = (int)(seconds * 1000);
    return true;
}

static bool parse_count(const char *text, long *count)
{
    char *end;

    *count = strtol(text, &end, 10);
    if (*end || end == text || *count < 1) {
        warnx("--count %s: a number above 0 is meant", text);
        return false;
    }
    return true;
}

static int show(struct top *top, const char *pid)
{
    struct target target;
    int error = 0;

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        warnx("it needs a terminal; 'loam stats' and 'loam map' write to anything");
        return EXIT_FAILURE;
    }
    if (pid) {
        error = target_open_process(pid, &target);
        if (error)
            return error == -EINVAL ? command_misused(&command_top) : EXIT_FAILURE;
        top->target = &target;
    }
    error = run_on_screen(top);
    if (error && error != -ENOTTY)
        target_warn(&target, error);
    forget_process(top);
    if (pid)
        target_close(&target);
    for (size_t i = 0; i < top->count; i++)
        forget(&top->list[i]);
    free(top->list);
    return error ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_command(int argc, char **argv)
{
    static const struct option options[] = {
        {"delay", required_argument, NULL, 'd'},
        {"count", required_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct top top = {.delay_ms = INTERVAL_MS, .left = -1};
    int option;

    while ((option = getopt_long(argc, argv, "d:n:h", options, NULL)) != -1) {
        switch (option) {
        case 'd':
            if (!parse_delay(optarg, &top.delay_ms))
                return command_misused(&command_top);
            break;
        case 'n':
            if (!parse_count(optarg, &top.left))
                return command_misused(&command_top);
            break;
        case 'h':
            return command_help(&command_top);
        default:
            return command_misused(&command_top);
        }
    }
    if (argc - optind > 1) {
        warnx("one process at a time");
        return command_misused(&command_top);
    }
    return show(&top, argv[optind]);
}

const struct command command_top = {
    .name = "top",
    .arguments = "[-d SECONDS] [-n N] [PID]",
    .purpose = "watch a process, or all on loam's heap, as they go on",
    .help = help_text,
    .run = run_command,
};
