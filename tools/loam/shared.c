/*
 * shared.c - `loam shared`: which shared heaps there are, who takes part in one, and how to be rid of it.
 *
 * Heaps are looked at by loam_shared_watch(), which takes no part and changes nothing: what has died is shown, and left
 * for participants to recover.
 *
 * A heap is mapped, and who may write to its file may make it shorter meanwhile, or leave in it what takes more memory
 * than there is: to touch that is SIGBUS. It is read as zeroes then, which the library takes as it takes any damage,
 * and that it was so is told.
 */
#include "command.h"
#include "json.h"
#include "list.h"
#include "paint.h"
#include "units.h"

#include <loam/shared.h>

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY "/dev/shm" /* where shm_open(3) has its names */

static const char help_text[] =
    "Shows the shared heaps (loam_shared(3)) that have a name, and removes names.\n"
    "\n"
    "  ls           list those that may be read\n"
    "  stat NAME    show what one holds, who takes part in it, and its roots\n"
    "  rm NAME...   remove names; a heap goes with its last participant\n"
    "\n"
    "      --json   (ls, stat) print every figure, in bytes, as JSON\n"
    "  -f, --force  (rm) also names of heaps that are in use: who takes part goes on using it\n"
    "  -h, --help   print this\n"
    "\n"
    "Memory is what a heap takes of the machine; in use is what its blocks are, rounding included. A block is held by\n"
    "the participant that allocated or took it, until that publishes, keeps or frees it. What one held that has died\n"
    "is freed when another needs the memory, at the latest. A program is known by its process id, as that is in the\n"
    "container of the participant.\n"
    "\n"
    "Exit status: 0; 1 when a heap could not be read or a name not removed; 2 when the command was not understood.\n";

struct request {
    bool json;
    bool force;
};

/* --- what is not there when it is looked at --- */

static volatile sig_atomic_t is_gone; /* some of what has been looked at */
static size_t page_size;

static void read_zeroes(int number, siginfo_t *info, void *context)
{
    void *page = (void *)((uintptr_t)info->si_addr & ~(page_size - 1));
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

    (void)context;
    is_gone = 1;
    if (info->si_code != BUS_ADRERR || mmap(page, page_size, PROT_READ, flags, -1, 0) == MAP_FAILED)
        signal(number, SIG_DFL);
}

static void expect_faults(void)
{
    struct sigaction action = {.sa_sigaction = read_zeroes, .sa_flags = SA_SIGINFO};

    page_size = (size_t)sysconf(_SC_PAGESIZE);
    sigaction(SIGBUS, &action, NULL);
}

/* --- looking --- */

struct view {
    const char *name; /* the caller's */
    struct loam_shared *heap;
    struct stat file;
    struct loam_shared_stats stats;
};

/* Close view->heap after. Returns 0 or -errno; -ENXIO: see above. */
static int look(const char *name, struct view *view)
{
    struct view seen = {.name = name};

    is_gone = 0;
    int error = loam_shared_watch(name, &seen.heap);
    if (error)
        return is_gone ? -ENXIO : error;
    if (fstat(loam_shared_fd(seen.heap), &seen.file) < 0)
        error = -errno;
    else
        loam_shared_measure(seen.heap, &seen.stats);
    if (!error && is_gone)
        error = -ENXIO;
    if (error)
        loam_shared_close(seen.heap);
    else
        *view = seen;
    return error;
}

/* Others choose names, too: what would move the cursor is a question mark, as paint_name() has it. */
static const char *printable(const char *name)
{
    static char text[PATH_MAX];
    size_t length = 0;

    for (; name[length] && length + 1 < sizeof(text); length++)
        text[length] = iscntrl((unsigned char)name[length]) ? '?' : name[length];
    text[length] = '\0';
    return text;
}

static void warn_of(const char *heap, int error)
{
    const char *name = printable(heap);

    switch (error) {
    case -ENOENT:
        warnx("%s: there is no shared heap of that name", name);
        break;
    case -EINVAL:
        warnx("%s: no shared heap has such a name: it is that of a file in " DIRECTORY ", without a slash", name);
        break;
    case -EBADMSG:
        warnx("%s: it is not a shared heap, or damaged, or of another version; its file is " DIRECTORY "/%s", name,
              name);
        break;
    case -ENXIO:
        warnx("%s: its file was made shorter, or memory ran out, while it was read", name);
        break;
    default:
        warnx("%s: %s", name, strerror(-error));
    }
}

/* "root"; or the number of a user who has no name here. */
static const char *owner(const struct view *view)
{
    static char number[16];
    const struct passwd *user = getpwuid(view->file.st_uid);

    if (user)
        return user->pw_name;
    snprintf(number, sizeof(number), "%u", (unsigned)view->file.st_uid);
    return number;
}

static unsigned mode(const struct view *view)
{
    return view->file.st_mode & 07777;
}

static void print_view_json(const struct view *view, const char *separator)
{
    const struct loam_shared_stats *s = &view->stats;
    const struct json_field fields[] = {
        JSON_FIELD(s, limit),        JSON_FIELD(s, backed), JSON_FIELD(s, used),
        JSON_FIELD(s, blocks),       JSON_FIELD(s, held),   JSON_FIELD(s, lost),
        JSON_FIELD(s, participants), JSON_FIELD(s, dead),   JSON_FIELD(s, roots),
    };

    printf("\"name\": ");
    json_string(stdout, view->name);
    printf(",%s\"owner\": ", separator);
    json_string(stdout, owner(view));
    printf(",%s\"mode\": \"%04o\",", separator, mode(view));
    json_fields(stdout, separator, fields, sizeof(fields) / sizeof(fields[0]));
}

/* A name, and blanks up to `width`. */
static void print_name(const char *name, int width)
{
    paint_name(stdout, name);
    printf("%*s", width - (int)strlen(name), "");
}

/* --- ls --- */

struct views {
    struct view *list;
    size_t count;
};

static int is_file(const struct dirent *entry)
{
    return entry->d_type == DT_REG;
}

/* Other files are no heaps of ours, and some may be gone by now: of those nothing is said. */
static bool is_skipped(int error)
{
    return error == -EBADMSG || error == -EACCES || error == -EPERM || error == -ENOENT;
}

static int add(struct views *views, const char *name)
{
    struct view view;
    int error = look(name, &view);

    if (is_skipped(error))
        return 0;
    if (error) {
        warn_of(name, error);
        return error;
    }
    loam_shared_close(view.heap);
    struct view *list = list_grow(views->list, views->count, sizeof(*list));
    if (!list)
        err(EXIT_FAILURE, NULL);
    views->list = list;
    list[views->count++] = view;
    return 0;
}

static void print_list_json(const struct views *views)
{
    printf("{\n  \"loam\": \"" LOAM_VERSION "\",\n  \"heaps\": [");
    for (size_t i = 0; i < views->count; i++) {
        printf("%s\n    { ", i ? "," : "");
        print_view_json(&views->list[i], " ");
        printf(" }");
    }
    printf("\n  ]\n}\n");
}

static void print_row(const struct view *view, int width)
{
    const struct loam_shared_stats *s = &view->stats;

    print_name(view->name, width);
    printf("  %-8s  %04o  %10s %10s %10s %9s %12u %5u\n", owner(view), mode(view), units_bytes(s->limit).text,
           units_bytes(s->backed).text, units_bytes(s->used).text, units_short(s->blocks).text, s->participants,
           s->dead);
}

static void print_list(const struct views *views)
{
    const struct paint *paint = paint_for(stdout);
    size_t width = strlen("name");

    if (views->count == 0) {
        puts("There is no shared heap in " DIRECTORY " that may be read.");
        return;
    }
    for (size_t i = 0; i < views->count; i++)
        if (strlen(views->list[i].name) > width)
            width = strlen(views->list[i].name);
    printf("%s%-*s  %-8s  mode  %10s %10s %10s %9s %12s %5s%s\n", paint->faint, (int)width, "name", "owner", "limit",
           "memory", "in use", "blocks", "participants", "dead", paint->end);
    for (size_t i = 0; i < views->count; i++)
        print_row(&views->list[i], (int)width);
}

static int list(char **names, const struct request *request)
{
    struct views views = {.list = NULL};
    struct dirent **entries;
    int count = scandir(DIRECTORY, &entries, is_file, alphasort), status = EXIT_SUCCESS;

    (void)names;
    if (count < 0) {
        warn(DIRECTORY);
        return EXIT_FAILURE;
    }
    for (int i = 0; i < count; i++)
        if (add(&views, entries[i]->d_name) < 0)
            status = EXIT_FAILURE;
    (request->json ? print_list_json : print_list)(&views);
    while (count > 0)
        free(entries[--count]);
    free(entries);
    free(views.list);
    return command_finish() == EXIT_SUCCESS ? status : EXIT_FAILURE;
}

/* --- stat --- */

static int print_participant_json(void *first, const struct loam_shared_participant *participant)
{
    printf("%s\n    { \"number\": %u, \"pid\": %d, \"dead\": %s, \"held\": %" PRIu64 " }", *(bool *)first ? "" : ",",
           participant->number, (int)participant->pid, participant->dead ? "true" : "false", participant->held);
    *(bool *)first = false;
    return 0;
}

/* What visits of roots are told. */
struct roots {
    struct loam_shared *heap;
    bool first;
    int width; /* of the longest name so far */
};

static int print_root_json(void *context, const char *name, const void *block)
{
    struct roots *roots = context;

    printf("%s\n    { \"name\": ", roots->first ? "" : ",");
    json_string(stdout, name);
    if (block)
        printf(", \"bytes\": %zu }", loam_shared_usable_size(roots->heap, block));
    else
        printf(", \"bytes\": null }");
    roots->first = false;
    return 0;
}

static void print_json(const struct view *view)
{
    struct roots roots = {.heap = view->heap, .first = true};
    bool first = true;

    printf("{\n  \"loam\": \"" LOAM_VERSION "\",\n  ");
    print_view_json(view, "\n  ");
    printf(",\n  \"by_participant\": [");
    loam_shared_participants(view->heap, print_participant_json, &first);
    printf("\n  ],\n  \"by_root\": [");
    loam_shared_roots(view->heap, print_root_json, &roots);
    printf("\n  ]\n}\n");
}

static void print_line(const struct paint *paint, const char *name, uint64_t bytes, const char *remark)
{
    printf("  %-16s %10s   %s%s%s\n", name, units_bytes(bytes).text, paint->faint, remark, paint->end);
}

static void print_totals(const struct view *view, const struct paint *paint)
{
    const struct loam_shared_stats *s = &view->stats;
    char blocks[64];

    snprintf(blocks, sizeof(blocks), "in %s %s, rounding included", units_count(s->blocks).text,
             s->blocks == 1 ? "block" : "blocks");
    print_line(paint, "limit", s->limit, "of its blocks");
    print_line(paint, "memory", s->backed, "that its blocks have of the machine, in use or not");
    print_line(paint, "in use", s->used, blocks);
    print_line(paint, "  held", s->held, "of that, by one participant: freed when it goes");
    print_line(paint, "    lost", s->lost, "of that, by dead ones: freed when it is recovered");
}

/* The name of a program, from proc(5); the empty string if it is not to be seen. */
static void read_program(pid_t pid, char *text, size_t size)
{
    char path[64];

    text[0] = '\0';
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    if (fgets(text, (int)size, file))
        text[strcspn(text, "\n")] = '\0';
    fclose(file);
}

static int print_participant(void *context, const struct loam_shared_participant *participant)
{
    char program[64] = "";

    (void)context;
    if (!participant->dead) /* else the id may be another's by now */
        read_program(participant->pid, program, sizeof(program));
    printf("  %6u %9d %10s   ", participant->number, (int)participant->pid, units_bytes(participant->held).text);
    paint_name(stdout, participant->dead ? "died, not recovered" : *program ? program : "?");
    putchar('\n');
    return 0;
}

static void print_participants(const struct view *view, const struct paint *paint)
{
    printf("\n  %sParticipants%s\n", paint->title, paint->end);
    if (view->stats.participants + view->stats.dead == 0) {
        puts("    none");
        return;
    }
    printf("  %s%6s %9s %10s   program%s\n", paint->faint, "number", "pid", "holds", paint->end);
    loam_shared_participants(view->heap, print_participant, NULL);
}

static int measure_root(void *context, const char *name, const void *block)
{
    struct roots *roots = context;

    (void)block;
    if ((int)strlen(name) > roots->width)
        roots->width = (int)strlen(name);
    return 0;
}

static int print_root(void *context, const char *name, const void *block)
{
    struct roots *roots = context;

    printf("    ");
    print_name(name, roots->width);
    printf("  %10s\n", block ? units_bytes(loam_shared_usable_size(roots->heap, block)).text : "empty");
    return 0;
}

static void print_roots(const struct view *view, const struct paint *paint)
{
    struct roots roots = {.heap = view->heap};

    printf("\n  %sRoots%s  %s(each with the size of the block in it)%s\n", paint->title, paint->end, paint->faint,
           paint->end);
    if (view->stats.roots == 0) {
        puts("    none");
        return;
    }
    loam_shared_roots(view->heap, measure_root, &roots);
    loam_shared_roots(view->heap, print_root, &roots);
}

static void print_text(const struct view *view)
{
    const struct paint *paint = paint_for(stdout);

    printf("%sThe shared heap ", paint->title);
    paint_name(stdout, view->name);
    printf("%s  %s(owner %s, mode %04o)%s\n\n", paint->end, paint->faint, owner(view), mode(view), paint->end);
    print_totals(view, paint);
    print_participants(view, paint);
    print_roots(view, paint);
}

static int show(char **names, const struct request *request)
{
    struct view view;
    int error = look(names[0], &view);

    if (error) {
        warn_of(names[0], error);
        return EXIT_FAILURE;
    }
    (request->json ? print_json : print_text)(&view);
    loam_shared_close(view.heap);
    int status = command_finish();
    if (is_gone)
        warn_of(names[0], -ENXIO);
    return is_gone ? EXIT_FAILURE : status;
}

/* --- rm --- */

/* What is no heap is not removed, whatever the options. */
static bool remove_name(const char *name, bool force)
{
    struct view view;
    int error = look(name, &view);

    if (!error) {
        loam_shared_close(view.heap);
        if (view.stats.participants && !force) {
            warnx("%s: it is in use (participants: %u); --force removes the name, and they go on using it",
                  printable(name), view.stats.participants);
            return false;
        }
        error = loam_shared_unlink(name);
    }
    if (error) {
        warn_of(name, error);
        return false;
    }
    if (view.stats.participants)
        printf("%s: the name is removed; participants that go on using it: %u\n", printable(name),
               view.stats.participants);
    return true;
}

static int remove_names(char **names, const struct request *request)
{
    int status = EXIT_SUCCESS;

    for (; *names; names++)
        if (!remove_name(*names, request->force))
            status = EXIT_FAILURE;
    return command_finish() == EXIT_SUCCESS ? status : EXIT_FAILURE;
}

/* --- the command --- */

static const struct verb {
    const char *name;
    int least, most; /* how many names it takes */
    bool json, force;
    int (*run)(char **names, const struct request *request); /* returns the exit status; NULL ends the names */
} verbs[] = {
    {"ls", 0, 0, true, false, list},
    {"stat", 1, 1, true, false, show},
    {"rm", 1, INT_MAX, false, true, remove_names},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; name && i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

/* What is wrong with how it was asked for, or NULL. */
static const char *fault(const struct verb *verb, int count, const struct request *request)
{
    if (count < verb->least)
        return "which heap? It takes a name";
    if (count > verb->most)
        return verb->most ? "it takes one name" : "it takes no name";
    if (request->json && !verb->json)
        return "it has no --json";
    return request->force && !verb->force ? "it has no --force" : NULL;
}

static int run_verb(int count, char **arguments, const struct request *request)
{
    const struct verb *verb = find_verb(arguments[0]);

    if (!verb) {
        warnx("what to do? ls, stat or rm");
        return command_misused(&command_shared);
    }
    const char *wrong = fault(verb, count - 1, request);
    if (wrong) {
        warnx("%s: %s", verb->name, wrong);
        return command_misused(&command_shared);
    }
    expect_faults();
    return verb->run(arguments + 1, request);
}

static int run_command(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"force", no_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct request request = {.json = false};
    int option;

    while ((option = getopt_long(argc, argv, "fh", options, NULL)) != -1) {
        switch (option) {
        case 'j':
            request.json = true;
            break;
        case 'f':
            request.force = true;
            break;
        case 'h':
            return command_help(&command_shared);
        default:
            return command_misused(&command_shared);
        }
    }
    return run_verb(argc - optind, argv + optind, &request);
}

const struct command command_shared = {
    .name = "shared",
    .arguments = "ls | stat NAME | rm NAME...",
    .purpose = "list shared heaps, look at one, remove names",
    .help = help_text,
    .run = run_command,
};
