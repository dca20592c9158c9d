/*
 * run.c - `loam run`: start a program on loam's heap, and tell at its end where its memory went.
 *
 * What can go wrong is found before the program starts, as far as possible; from its start on, nothing that happens
 * to us changes its output or its exit status.
 */
#include "command.h"
#include "environment.h"
#include "follow.h"
#include "leak_scan.h"
#include "library.h"
#include "output.h"
#include "program.h"
#include "summary_print.h"

#include "sys/memory.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the user asked for. */
struct request {
    char *options; /* for LOAM_OPTIONS; NULL when none were given */
    bool quiet;
    const char *summary; /* file names, or NULL */
    const char *json;
    bool mem; /* on libloam-mem, too */
    bool lock;
    bool leaks;
    int leaks_status; /* exit status when there are any; 0: the program's own */
    char **argv;      /* the program and its arguments */
};

/* Where the results go; NULL where they are not wanted. */
struct outputs {
    FILE *text;
    FILE *json;
};

/* Everything that a run needs, in the order in which it is found. */
struct run {
    struct request request;
    char program[PATH_MAX];
    struct library library;
    struct library mem; /* if it is wanted */
    struct outputs outputs;
    char directory[RECORDS_PATH]; /* of the records; empty when none are wanted */
    struct follow follow;
    struct leaks leaks;
    bool leaks_known;
};

static const char help_text[] =
    "Starts PROGRAM on loam's heap, by preloading libloam.so, and prints to stderr at its end where its memory went.\n"
    "\n"
    "  -o, --options NAME=VALUE,...  options of the heap, after those in LOAM_OPTIONS\n"
    "  -q, --quiet                   print no summary\n"
    "      --mem                     also put loam's memcpy, memset, memcmp, memchr, memmem and their like in the "
    "place of\n"
    "                                the C library's, by preloading libloam-mem.so\n"
    "      --lock[=all|heap|future]  have the memory of PROGRAM present, and stay so: all of it, which is the default; "
    "the\n"
    "                                heap alone, as it grows; or all that is mapped from its start on. Where the limit "
    "of\n"
    "                                locked memory (ulimit -l) forbids it, a line on stderr says so\n"
    "      --summary FILE            write the summary into FILE instead of to stderr ('-': stdout)\n"
    "      --leaks                   also look for objects that nothing points to when PROGRAM ends\n"
    "      --exit-code N             with --leaks: exit with status N when there are any\n"
    "      --json FILE               also write every figure of every process into FILE, as JSON ('-': stdout)\n"
    "  -h, --help                    print this\n"
    "\n"
    "Options end at PROGRAM: what follows is PROGRAM's own. Its input, output, terminal and signals are untouched.\n"
    "\n"
    "The summary tells of PROGRAM in full, and of each process that it started in a line. Resident memory is the\n"
    "machine's; the rest is the heap's. Live objects are allocated and not freed; cached ones are freed and at hand\n"
    "for the thread that had them; free ones are for anyone. A span is the addresses that objects of a size lie in;\n"
    "pages of it that were never touched take no memory. Waste inside objects is what sizes were rounded up by: an\n"
    "estimate from all allocations, as if those still live were like the average of their size.\n"
    "Processes that are killed by a signal, or that still run when PROGRAM ends, are missing from it.\n"
    "\n"
    "Exit status: PROGRAM's own; if a signal kills PROGRAM, loam dies of that signal. Otherwise\n"
    "  125  loam failed, and PROGRAM was not started\n"
    "  126  PROGRAM cannot be started, or not on loam's heap\n"
    "  127  PROGRAM was not found\n"
    "\n"
    "Environment:\n"
    "  LOAM_LIBRARY=FILE    take this libloam.so instead of the one installed beside the command\n"
    "  LOAM_OPTIONS=...     options of the heap; 'loam run' adds -o's, and summary=DIRECTORY if it prints a summary\n"
    "  LD_PRELOAD=...       kept: libloam.so comes before what is there\n"
    "  TMPDIR=DIRECTORY     where PROGRAM's processes leave their records meanwhile\n"
    "  NO_COLOR=1           no colours\n";

/* --- options --- */

static const struct option long_options[] = {
    {"options", required_argument, NULL, 'o'}, {"quiet", no_argument, NULL, 'q'},
    {"summary", required_argument, NULL, 's'}, {"json", required_argument, NULL, 'j'},
    {"leaks", no_argument, NULL, 'l'},         {"exit-code", required_argument, NULL, 'x'},
    {"mem", no_argument, NULL, 'm'},           {"lock", optional_argument, NULL, 'k'},
    {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
};

static int add_options(struct request *request, const char *options)
{
    char *joined = environment_join(request->options, options, ',');

    if (!joined) {
        warn("--options");
        return EXIT_OWN_FAILURE;
    }
    free(request->options);
    request->options = joined;
    return 0;
}

static int usage_error(void)
{
    command_misused(&command_run);
    return EXIT_OWN_FAILURE;
}

/* `what` is NULL for all. Returns 0, or an exit status after a message. */
static int add_lock(struct request *request, const char *what)
{
    static const char *const known[] = {"all", "heap", "future"};
    char option[32];

    what = what ? what : "all";
    for (size_t i = 0; i < LENGTH(known); i++) {
        if (strcmp(what, known[i]) != 0)
            continue;
        snprintf(option, sizeof(option), "lock=%s", what);
        request->lock = true;
        return add_options(request, option);
    }
    warnx("--lock: %s is not all, heap or future", what);
    return usage_error();
}

/* Returns 0, or an exit status after a message. --help is not for here. */
static int take_option(struct request *request, int option)
{
    switch (option) {
    case 'o':
        return add_options(request, optarg);
    case 'q':
        request->quiet = true;
        return 0;
    case 's':
        request->summary = optarg;
        return 0;
    case 'j':
        request->json = optarg;
        return 0;
    case 'm':
        request->mem = true;
        return 0;
    case 'k':
        return add_lock(request, optarg);
    case 'l':
        request->leaks = true;
        return 0;
    case 'x':
        return command_parse_status("--exit-code", optarg, &request->leaks_status) ? 0 : usage_error();
    default:
        return usage_error();
    }
}

/* Returns 0, or an exit status after a message; *done when there is nothing left to do. */
static int parse(int argc, char **argv, struct request *request, bool *done)
{
    int option, status;

    while ((option = getopt_long(argc, argv, "+o:qh", long_options, NULL)) != -1) {
        if (option == 'h') {
            *done = true;
            return command_help(&command_run);
        }
        status = take_option(request, option);
        if (status)
            return status;
    }
    request->argv = argv + optind;
    if (optind < argc)
        return 0;
    warnx("there is no program to run");
    return usage_error();
}

/* --- outputs --- */

static int open_outputs(const struct request *request, struct outputs *out)
{
    if (request->json && output_open(request->json, &out->json) < 0)
        return EXIT_OWN_FAILURE;
    if (request->summary)
        return output_open(request->summary, &out->text) < 0 ? EXIT_OWN_FAILURE : 0;
    if (!request->quiet)
        out->text = output_on(STDERR_FILENO); /* closed: then nobody wants to read it */
    return 0;
}

/* The program is about to end. */
static void look_for_leaks(void *context, pid_t child)
{
    struct run *run = context;
    struct target target;

    if (target_try_process(child, &target) < 0)
        return;
    if (target.has_heap)
        run->leaks_known = leaks_find(&target, child, &run->leaks) == 0;
    target_close(&target);
}

static void print_leaks(const struct run *run, const struct report *report)
{
    FILE *out = run->outputs.text;

    fputc('\n', out);
    if (run->leaks_known)
        leaks_print_text(out, report->argv[0], &run->leaks, NULL);
    else
        fputs("Leaks are not known: the program was not on loam's heap, or could not be read.\n", out);
}

static void print(const struct run *run, const struct report *report)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;

    sigaction(SIGPIPE, &ignore, &before); /* a reader that has gone is no reason to end otherwise than the program */
    if (run->outputs.text) {
        summary_print_text(run->outputs.text, report);
        if (run->request.leaks)
            print_leaks(run, report);
        output_close(run->outputs.text, run->request.summary);
    }
    if (run->outputs.json) {
        summary_print_json(run->outputs.json, report);
        output_close(run->outputs.json, run->request.json);
    }
    sigaction(SIGPIPE, &before, NULL);
}

/* --- the environment --- */

static int set_environment(const struct run *run)
{
    char summary[RECORDS_PATH + sizeof("summary=")];
    int error = run->request.mem ? environment_prepend("LD_PRELOAD", run->mem.path, ':') : 0;

    if (!error)
        error = environment_prepend("LD_PRELOAD", run->library.path, ':');
    if (!error && run->request.options)
        error = environment_append("LOAM_OPTIONS", run->request.options, ',');
    if (!error && run->directory[0]) {
        snprintf(summary, sizeof(summary), "summary=%s", run->directory);
        error = environment_append("LOAM_OPTIONS", summary, ',');
    }
    if (error)
        warnx("cannot set the environment: %s", strerror(-error));
    return error;
}

/* --- the run --- */

/* A limit that is more than nothing may be enough: the heap tells when it is not. */
static int check_lock(const struct request *request)
{
    if (!request->lock || sys_lock_limit() > 0)
        return 0;
    warnx("--lock: no memory may be locked: RLIMIT_MEMLOCK is 0 (ulimit -l)");
    return EXIT_OWN_FAILURE;
}

/* Everything that can be known to fail before anything has been changed. Returns 0 or an exit status. */
static int prepare(struct run *run)
{
    int status = program_prepare(run->request.argv[0], run->program, &run->library);

    if (!status && run->request.mem && library_find_other(&run->library, "libloam-mem.so", &run->mem) < 0)
        status = EXIT_OWN_FAILURE;
    if (!status)
        status = check_lock(&run->request);
    return status ? status : open_outputs(&run->request, &run->outputs);
}

/* Start the program; on failure nothing is left behind. Returns 0, or an exit status after a message. */
static int start(struct run *run)
{
    bool wanted = run->outputs.text || run->outputs.json;
    int error;

    if (run->request.leaks) {
        run->follow.at_exit = look_for_leaks;
        run->follow.context = run;
    }
    error = follow_hold(&run->follow);

    if (error) {
        warnx("cannot hold signals: %s", strerror(-error));
        return EXIT_OWN_FAILURE;
    }
    if (wanted && records_create(run->directory) < 0)
        return EXIT_OWN_FAILURE;
    int status = set_environment(run) < 0 ? EXIT_OWN_FAILURE : 0;
    if (!status) {
        error = follow_start(&run->follow, run->program, run->request.argv);
        if (error) {
            warnx("cannot start %s: %s", run->request.argv[0], strerror(-error));
            status = program_exit_status(-error);
        }
    }
    if (status && wanted)
        records_remove(run->directory);
    return status;
}

static void tell(const struct run *run, const struct records *records, int status)
{
    pid_t pid = run->follow.child;
    struct report report = {
        .records = records,
        .started = records_find(records, pid, getpid()),
        .argv = run->request.argv,
        .pid = pid,
        .status = status,
    };

    print(run, &report);
}

/* While signals are still held, the directory goes away; a long summary can be interrupted. */
static int finish(struct run *run)
{
    struct records records = {0};
    int status = follow_wait(&run->follow);
    bool wanted = run->directory[0] != '\0';

    if (wanted)
        records_collect(run->directory, &records);
    follow_release(&run->follow);
    if (wanted)
        tell(run, &records, status);
    records_free(&records);
    bool lost = run->leaks_known && run->leaks.lost_objects;
    leaks_free(&run->leaks);
    return lost && run->request.leaks_status ? run->request.leaks_status : follow_end(status);
}

static int run_command(int argc, char **argv)
{
    struct run run = {0};
    bool done = false;
    int status = parse(argc, argv, &run.request, &done);

    if (!status && !done)
        status = prepare(&run);
    if (!status && !done)
        status = start(&run);
    if (!status && !done)
        status = finish(&run);
    free(run.request.options);
    return status;
}

const struct command command_run = {
    .name = "run",
    .arguments = "[OPTION]... [--] PROGRAM [ARGUMENT]...",
    .purpose = "start a program on loam's heap, and show where its memory went",
    .help = help_text,
    .run = run_command,
};
