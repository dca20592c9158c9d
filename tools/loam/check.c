/*
 * check.c - `loam check`: run a program with every allocation watched, and tell what it does wrong.
 *
 * The program's processes watch themselves; what one finds is told at once, by `loam report`, which it runs. Here they
 * are only started, and what was told is counted.
 */
#include "command.h"
#include "environment.h"
#include "follow.h"
#include "library.h"
#include "paint.h"
#include "program.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DEFAULT_STATUS = 99, DEFAULT_SLOWDOWN = 3 };

static const char help_text[] =
    "Starts PROGRAM with every allocation watched, in it and in what it starts, and tells on stderr of each misuse:\n"
    "overflows and underflows, use after free, double, invalid and mismatched frees, and leaks at the end. PROGRAM is\n"
    "as it is: it need not be compiled anew. The first misuse ends the process that does it.\n"
    "\n"
    "  -k, --keep-going       go on after a misuse, as far as that is safe\n"
    "      --exit-code N      exit status after a misuse or a leak (99)\n"
    "      --no-leaks         do not look for leaks\n"
    "      --slowdown N       take up to N times PROGRAM's own time (3)\n"
    "      --memory MIB       take up to so much memory in addition to PROGRAM's own (a quarter of the machine's)\n"
    "      --seed N           of what is drawn at random; without it, another one each time\n"
    "      --place end|start  objects lie right before their guard page, or right behind it (end)\n"
    "      --suppress FILE    do not tell of what FILE lists, see below; may not be given twice\n"
    "      --log FILE         append to FILE instead of stderr; '%p' in it becomes the process's id\n"
    "      --json             tell in JSON, an object a line\n"
    "  -h, --help             print this\n"
    "\n"
    "Every object lies between guard pages, so that an access past its end or after its free is caught in the act,\n"
    "as long as that stays within --slowdown. A program that allocates more often has only a share of its objects\n"
    "guarded, drawn at random, and the first few of each place that allocates; the others lie between bytes of a\n"
    "pattern, which is looked at when they are freed and at the end. More runs see more. Of functions like memcpy,\n"
    "strlen, sprintf and read, what they access is looked at before. Reads right before an object are seen with\n"
    "--place start. What is never seen: use of memory that was never written, and misuse of what is not on the heap.\n"
    "\n"
    "A file of suppressions has lines like\n"
    "  function PATTERN    file PATTERN    module PATTERN\n"
    "and what has a function that matches one in any of its stacks is not told. Patterns are the shell's.\n"
    "\n"
    "Exit status: PROGRAM's own; N when anything was found; 125 when loam failed, 126 when PROGRAM cannot be started\n"
    "or not on loam's heap, 127 when it was not found. Daemons and containers set the environment themselves:\n"
    "LD_PRELOAD=libloam.so LOAM_OPTIONS=check,reporter=/usr/bin/loam\n";

struct request {
    bool keep_going, json, no_leaks;
    int status;
    const char *slowdown, *memory, *seed, *place, *suppress, *log;
    char **argv;
};

struct check_run {
    struct request request;
    char program[PATH_MAX];
    struct library library;
    char tally[PATH_MAX]; /* of what was told */
    char seed[24];
    struct follow follow;
};

/* --- options --- */

static bool is_number(const char *option, const char *text, unsigned long least)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (!*end && end != text && value >= least && text[0] != '-')
        return true;
    warnx("%s %s: not a number of at least %lu", option, text, least);
    return false;
}

static bool is_place(const char *text)
{
    if (strcmp(text, "end") == 0 || strcmp(text, "start") == 0)
        return true;
    warnx("--place %s: neither 'end' nor 'start'", text);
    return false;
}

/* Returns whether the option was understood. */
static bool take_option(struct request *r, int option)
{
    switch (option) {
    case 'k':
        return r->keep_going = true;
    case 'J':
        return r->json = true;
    case 'n':
        return r->no_leaks = true;
    case 'x':
        return command_parse_status("--exit-code", optarg, &r->status);
    case 'w':
        r->slowdown = optarg;
        return is_number("--slowdown", optarg, 2);
    case 'm':
        r->memory = optarg;
        return is_number("--memory", optarg, 1);
    case 's':
        r->seed = optarg;
        return is_number("--seed", optarg, 1);
    case 'p':
        r->place = optarg;
        return is_place(optarg);
    case 'u':
        r->suppress = optarg;
        return true;
    case 'l':
        r->log = optarg;
        return true;
    default:
        return false;
    }
}

/* Returns 0, or an exit status; *done when there is nothing left to do. */
static int parse(int argc, char **argv, struct request *r, bool *done)
{
    static const struct option options[] = {
        {"keep-going", no_argument, NULL, 'k'},     {"json", no_argument, NULL, 'J'},
        {"no-leaks", no_argument, NULL, 'n'},       {"exit-code", required_argument, NULL, 'x'},
        {"slowdown", required_argument, NULL, 'w'}, {"memory", required_argument, NULL, 'm'},
        {"seed", required_argument, NULL, 's'},     {"place", required_argument, NULL, 'p'},
        {"suppress", required_argument, NULL, 'u'}, {"log", required_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "+kh", options, NULL)) != -1) {
        if (option == 'h') {
            *done = true;
            return command_help(&command_check);
        }
        if (!take_option(r, option)) {
            command_misused(&command_check);
            return EXIT_OWN_FAILURE;
        }
    }
    r->argv = argv + optind;
    if (optind < argc)
        return 0;
    warnx("there is no program to check");
    command_misused(&command_check);
    return EXIT_OWN_FAILURE;
}

/* --- the environment --- */

/* Set an option of the heap, if it has a value. Returns 0 or -errno. */
static int set_option(const char *name, const char *value)
{
    char *option;
    int error;

    if (!value)
        return 0;
    if (asprintf(&option, "%s=%s", name, value) < 0)
        return -ENOMEM;
    error = environment_append("LOAM_OPTIONS", option, ',');
    free(option);
    return error;
}

/* Set a variable to a path that is valid from every directory. Returns 0 or -errno. */
static int set_path(const char *name, const char *path)
{
    char *here = path && path[0] != '/' ? getcwd(NULL, 0) : NULL;
    char *absolute = here ? environment_join(here, path, '/') : NULL;
    int error = 0;

    if (path && path[0] != '/' && !absolute)
        error = -errno;
    else if (path && setenv(name, absolute ? absolute : path, 1) < 0)
        error = -errno;
    free(absolute);
    free(here);
    return error;
}

static int set_options(const struct check_run *run)
{
    const struct request *r = &run->request;
    char reporter[PATH_MAX], status[8];
    ssize_t length = readlink("/proc/self/exe", reporter, sizeof(reporter) - 1);

    if (length < 0)
        return -errno;
    reporter[length] = '\0';
    snprintf(status, sizeof(status), "%d", r->status);
    const char *const options[][2] = {
        {"check", "1"},
        {"reporter", reporter},
        {"status", status},
        {"slowdown", r->slowdown},
        {"memory", r->memory},
        {"seed", run->seed},
        {"place", r->place},
        {"keepgoing", r->keep_going ? "1" : NULL},
        {"leaks", r->no_leaks ? "0" : NULL},
    };
    int error = 0;
    for (size_t i = 0; !error && i < sizeof(options) / sizeof(options[0]); i++)
        error = set_option(options[i][0], options[i][1]);
    return error;
}

static int set_environment(const struct check_run *run)
{
    const struct request *r = &run->request;
    int error = environment_prepend("LD_PRELOAD", run->library.path, ':');

    if (!error)
        error = set_options(run);
    if (!error)
        error = set_path("LOAM_REPORT_LOG", r->log);
    if (!error)
        error = set_path("LOAM_REPORT_SUPPRESS", r->suppress);
    if (!error)
        error = set_path("LOAM_REPORT_TALLY", run->tally);
    if (!error && r->json && setenv("LOAM_REPORT_JSON", "1", 1) < 0)
        error = -errno;
    if (error)
        warnx("cannot set the environment: %s", strerror(-error));
    return error;
}

/* --- the run --- */

static int make_tally(struct check_run *run)
{
    const char *directory = getenv("TMPDIR");

    snprintf(run->tally, sizeof(run->tally), "%s/loam-check-XXXXXX", directory && *directory ? directory : "/tmp");
    int fd = mkstemp(run->tally);
    if (fd < 0) {
        warn("%s", run->tally);
        run->tally[0] = '\0';
        return -errno;
    }
    close(fd);
    return 0;
}

static void choose_seed(struct check_run *run)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    unsigned drawn = (unsigned)now.tv_nsec ^ (unsigned)getpid() << 16;
    if (run->request.seed)
        snprintf(run->seed, sizeof(run->seed), "%s", run->request.seed);
    else
        snprintf(run->seed, sizeof(run->seed), "%u", drawn ? drawn : 1);
}

/* Returns 0, or an exit status after a message. */
static int start(struct check_run *run)
{
    const char *name = run->request.argv[0];

    int status = program_prepare(name, run->program, &run->library);

    if (status)
        return status;
    if (run->request.suppress && access(run->request.suppress, R_OK) < 0) {
        warn("%s", run->request.suppress);
        return EXIT_OWN_FAILURE;
    }
    choose_seed(run);
    if (make_tally(run) < 0 || set_environment(run) < 0 || follow_hold(&run->follow) < 0)
        return EXIT_OWN_FAILURE;
    int error = follow_start(&run->follow, run->program, run->request.argv);
    if (!error)
        return 0;
    warnx("cannot start %s: %s", name, strerror(-error));
    return program_exit_status(-error);
}

/* How many lines the tally has that begin with `letter`. */
static unsigned count_lines(const char *path, char letter)
{
    FILE *tally = fopen(path, "re");
    char line[64];
    unsigned count = 0;

    while (tally && fgets(line, sizeof(line), tally))
        count += line[0] == letter;
    if (tally)
        fclose(tally);
    return count;
}

/* Where the findings were told, say how many. JSON is for programs, which can count. */
static void conclude(const struct check_run *run, unsigned misuses, unsigned leaks)
{
    const struct paint *paint = paint_for(stderr);

    if (run->request.json)
        return;
    fprintf(stderr, "%sloam check:%s ", paint->title, paint->end);
    if (misuses + leaks)
        fprintf(stderr, "%u misuse%s and %u kind%s of leaks", misuses, misuses == 1 ? "" : "s", leaks,
                leaks == 1 ? "" : "s");
    else
        fprintf(stderr, "nothing found");
    fprintf(stderr, "%s (seed %s)%s\n", paint->faint, run->seed, paint->end);
}

static int run_command(int argc, char **argv)
{
    struct check_run run = {.request = {.status = DEFAULT_STATUS}};
    bool done = false;
    int status = parse(argc, argv, &run.request, &done);

    if (status || done)
        return status;
    status = start(&run);
    if (!status) {
        int end = follow_wait(&run.follow);
        follow_release(&run.follow);
        unsigned misuses = count_lines(run.tally, 'f'), leaks = count_lines(run.tally, 'l');
        unlink(run.tally);
        conclude(&run, misuses, leaks);
        return misuses + leaks ? run.request.status : follow_end(end);
    }
    if (run.tally[0])
        unlink(run.tally);
    return status;
}

const struct command command_check = {
    .name = "check",
    .arguments = "[OPTION]... [--] PROGRAM [ARGUMENT]...",
    .purpose = "run a program with every allocation watched, and tell what it does wrong",
    .help = help_text,
    .run = run_command,
};
