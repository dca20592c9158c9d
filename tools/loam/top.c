/*
 * top.c - `loam top`: a process, or all that run on loam's heap, as they go on.
 *
 * The page that is shown is looked at and drawn again and again; between two looks, keys are answered.
 */
#include "top.h"
#include "command.h"
#include "sys/sys.h"
#include "target.h"

#include <curses.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
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

static const char *const sort_names[TOP_SORTS] = {"size", "growth", "name"};

struct top {
    int delay_ms;
    long left; /* looks, or -1 */
    bool paused;
    bool quit;
    enum top_sort sort;
    struct top_process process; /* shown when it has a target, */
    bool of_list;               /* which was chosen there */
    struct top_list list;       /* shown otherwise */
};

/* --- drawing --- */

void top_line(int y, int attribute, const char *format, ...)
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

struct units_text top_rate(int64_t bytes, uint64_t ns)
{
    struct units_text out = {""};
    double each = ns ? (double)bytes * 1000 * NS_PER_MS / (double)ns : 0;

    if (each >= 1 || each <= -1)
        snprintf(out.text, sizeof(out.text), "%c%.20s/s", each < 0 ? '-' : '+',
                 units_bytes((uint64_t)(each < 0 ? -each : each)).text);
    return out;
}

static void draw_title(const struct top *top)
{
    const struct target *shown = top->process.target;

    top_line(0, A_BOLD, "loam top: %s", shown ? shown->name : "all processes on loam");
    top_line(1, A_DIM, "every %.1f s, by %s%s   s sort  p pause  + - delay  %sq quit", top->delay_ms / 1000.0,
             sort_names[top->sort], top->paused ? ", PAUSED" : "",
             shown ? (top->of_list ? "Esc list  " : "") : "Enter show  ");
}

/* --- the loop --- */

/* Returns whether there is one. */
static bool show_chosen(struct top *top)
{
    top->process.target = top_list_chosen(&top->list);
    top->of_list = top->process.target;
    return top->of_list;
}

/* What has changed there meanwhile is no rate. */
static void back_to_list(struct top *top)
{
    top_process_forget(&top->process);
    top->list.now_ns = top->list.before_ns = 0;
}

/* Returns 0 or -errno when the process that the user named cannot be read any more. */
static int look(struct top *top)
{
    if (!top->process.target) {
        top_list_look(&top->list);
        return 0;
    }
    int error = top_process_look(&top->process);
    if (error && top->of_list) { /* it has ended: back to the others */
        back_to_list(top);
        top_list_look(&top->list);
        return 0;
    }
    return error;
}

static void draw(struct top *top)
{
    erase();
    draw_title(top);
    if (top->process.target)
        top_process_draw(&top->process, top->sort);
    else
        top_list_draw(&top->list, top->sort);
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
        top->sort = (top->sort + 1) % TOP_SORTS;
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
        top->list.chosen -= !top->process.target && top->list.chosen > 0;
        return false;
    case KEY_DOWN:
        top->list.chosen += !top->process.target;
        return false;
    case '\n':
    case KEY_ENTER:
        return !top->process.target && show_chosen(top);
    case ESCAPE:
        if (!top->process.target || !top->of_list)
            return false;
        back_to_list(top);
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
        if (!now)
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
        top->process.target = &target;
    }
    error = run_on_screen(top);
    if (error && error != -ENOTTY)
        target_warn(&target, error);
    top_process_forget(&top->process);
    if (pid)
        target_close(&target);
    top_list_free(&top->list);
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
