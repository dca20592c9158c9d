/*
 * target.c - see target.h.
 *
 * The heap's root is found by its first word, in what the program and its libraries have as data: so it needs no
 * symbols and none of the files, and finds a library that was linked in as well as one that was preloaded. Only pages
 * that are there already are looked at, so the process does not grow by it.
 */
#include "target.h"

#include "list.h"
#include "process.h"

#include <err.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 65536, PATH_LENGTH = 64, COMMAND_LENGTH = 80 };

/* --- mappings --- */

struct cursor {
    const struct target *target;
    size_t next;      /* of a core file's pieces */
    struct maps maps; /* of a process */
};

static bool next_mapping(void *context, struct mapping *out)
{
    struct cursor *cursor = context;
    const struct core *core = &cursor->target->core;

    if (!cursor->target->is_core)
        return maps_next(&cursor->maps, out);
    if (cursor->next == core->piece_count)
        return false;
    *out = core->pieces[cursor->next++].mapping;
    return true;
}

/* Begin to read mappings, from /proc/PID/`file`. Returns 0 or -errno. */
static int cursor_open(struct cursor *cursor, const struct target *target, const char *file)
{
    char path[PATH_LENGTH];

    cursor->target = target;
    cursor->next = 0;
    cursor->maps.error = 0;
    if (target->is_core)
        return 0;
    snprintf(path, sizeof(path), "/proc/%d/%s", target->pid, file);
    return maps_open(&cursor->maps, path);
}

static int cursor_close(struct cursor *cursor)
{
    if (!cursor->target->is_core)
        maps_close(&cursor->maps);
    return cursor->maps.error;
}

uintptr_t target_readable_end(const struct target *target, const struct mapping *mapping)
{
    return target->is_core ? mapping->start + mapping->memory.resident : mapping->end;
}

/* --- the heap's root --- */

/* Returns whether this is the root to stay with: that of a heap which is not in use yet is the second best. */
static bool try_root(struct target *target, uintptr_t address, bool *foreign)
{
    struct image heap;
    int error = image_open(&target->source, address, &heap);

    if (error == -EPROTO)
        *foreign = true;
    if (error || (target->has_heap && heap.range_count == 0))
        return false;
    target->heap = heap;
    target->root = address;
    target->has_heap = true;
    return heap.range_count > 0;
}

static bool search_page(struct target *target, uintptr_t start, bool *foreign)
{
    uint64_t words[PAGE_SIZE / sizeof(uint64_t)];

    if (target->source.read(target->source.context, start, words, sizeof(words)) < 0)
        return false;
    for (size_t i = 0; i < LENGTH(words); i++)
        if (image_begins_root(words[i]) && try_root(target, start + i * sizeof(words[0]), foreign))
            return true;
    return false;
}

static bool search(struct target *target, const struct mapping *m, bool *foreign)
{
    bool present[PIECE / PAGE_SIZE];
    uintptr_t last = target_readable_end(target, m);

    for (uintptr_t piece = m->start; piece < last; piece += PIECE) {
        uintptr_t end = min_size(last, piece + PIECE);
        if (!target->is_core && process_present(target->pid, piece, end, present) < 0)
            return false;
        for (uintptr_t page = piece; page < end; page += PAGE_SIZE)
            if ((target->is_core || present[(page - piece) / PAGE_SIZE]) && search_page(target, page, foreign))
                return true;
    }
    return false;
}

/* Whether the mapping is of the data of a program or library. */
static bool may_hold_root(const struct mapping *m)
{
    return m->path[0] == '/' && m->readable && !m->executable && !m->shared;
}

/* Sets has_heap. Returns 0, -EPROTO for a heap of another version, or -errno. */
static int find_heap(struct target *target)
{
    struct cursor cursor;
    struct mapping mapping;
    bool foreign = false, found = false;
    int error = cursor_open(&cursor, target, "maps");

    if (error)
        return error;
    while (!found && next_mapping(&cursor, &mapping))
        found = may_hold_root(&mapping) && search(target, &mapping, &foreign);
    error = cursor_close(&cursor);
    return !error && !target->has_heap && foreign ? -EPROTO : error;
}

/* --- opening --- */

static void warn_denied(pid_t pid)
{
    char path[PATH_LENGTH];
    struct stat status;

    snprintf(path, sizeof(path), "/proc/%d", pid);
    if (stat(path, &status) == 0 && status.st_uid != geteuid()) {
        const struct passwd *owner = getpwuid(status.st_uid);
        warnx("process %d belongs to user %s: only that user and root may read its memory", pid,
              owner ? owner->pw_name : "unknown");
    } else {
        warnx("process %d may not be read: it is not dumpable, has more rights than you, or "
              "/proc/sys/kernel/yama/ptrace_scope forbids it; root may",
              pid);
    }
}

void target_warn(const struct target *target, int error)
{
    if (error == -EPERM || error == -EACCES)
        warn_denied(target->pid);
    else if (error == -EPROTO)
        warnx("%s: its heap is one of another version of loam, or damaged; use the loam command that came with it",
              target->name);
    else if (target->is_core && error == -EFAULT)
        warnx("%s: memory that is needed is not in the file: it was cut off, or written with a filter (see core(5))",
              target->name);
    else if (!target->is_core && (error == -ESRCH || error == -EFAULT || error == -ENOENT))
        warnx("%s has ended, or executed another program, while it was read", target->name);
    else
        warnx("%s: %s", target->name, strerror(-error));
}

/* A number of which nothing is left over; 0 for anything else. */
static pid_t parse_pid(const char *text)
{
    char *end;

    errno = 0;
    long value = strtol(text, &end, 10);
    return errno || *end || end == text || value <= 0 || value > INT32_MAX ? 0 : (pid_t)value;
}

static int open_process(struct target *target)
{
    char word[sizeof(uint64_t)];
    struct cursor cursor;
    struct mapping first;
    int error = process_threads(target->pid, &target->threads, &target->thread_count);

    if (error)
        return error;
    error = cursor_open(&cursor, target, "maps");
    if (error)
        return error;
    bool any = next_mapping(&cursor, &first);
    error = cursor_close(&cursor);
    if (!error && !any)
        return -ENODATA;
    if (!error) /* what only /proc shows may be read by others; the memory itself, by who may trace it */
        error = process_read(&target->pid, first.start, word, sizeof(word));
    return error == -EPERM ? error : find_heap(target);
}

int target_try_process(pid_t pid, struct target *out)
{
    char command[COMMAND_LENGTH];

    *out = (struct target){.pid = pid};
    out->source = (struct image_source){.read = process_read, .context = &out->pid};
    process_command(pid, command, sizeof(command));
    snprintf(out->name, sizeof(out->name), command[0] ? "process %d (%s)" : "process %d", pid, command);
    int error = open_process(out);
    if (error)
        target_close(out);
    return error;
}

int target_open_process(const char *text, struct target *out)
{
    pid_t pid = parse_pid(text);

    if (!pid) {
        warnx("'%s' is not the id of a process", text);
        return -EINVAL;
    }
    int error = target_try_process(pid, out);
    if (error == -ENODATA)
        warnx("process %d has no memory of its own: it belongs to the kernel, or has ended and waits for its parent",
              pid);
    else if (error == -ENOENT || error == -ESRCH)
        warnx("there is no process %d", pid);
    else if (error)
        target_warn(out, error);
    return error;
}

int target_open_core(const char *path, struct target *out)
{
    *out = (struct target){.is_core = true};
    int error = core_open(path, &out->core);

    if (error)
        return error;
    out->source = (struct image_source){.read = core_read, .context = &out->core};
    out->pid = out->core.pid;
    out->threads = out->core.threads;
    out->thread_count = out->core.thread_count;
    snprintf(out->name, sizeof(out->name), "%s, process %d (%s)", path, out->pid, out->core.program);
    error = find_heap(out);
    if (!error)
        return 0;
    target_warn(out, error);
    target_close(out);
    return error;
}

static int open_named(const struct command *command, const char *core, int count, char **arguments, struct target *out)
{
    if (count != (core ? 0 : 1)) {
        warnx(core         ? "--core takes the place of a process"
              : count == 0 ? "the id of a process is missing; --core FILE reads a core file"
                           : "one process at a time");
        return command_misused(command);
    }
    int error = core ? target_open_core(core, out) : target_open_process(arguments[0], out);
    if (error == -EINVAL)
        return command_misused(command);
    return error ? EXIT_FAILURE : 0;
}

int target_look(const struct command *command, const char *core, int count, char **arguments,
                int (*look)(void *context, struct target *target), void *context)
{
    struct target target;
    int status = open_named(command, core, count, arguments, &target);

    if (status)
        return status;
    status = look(context, &target);
    target_close(&target);
    return status;
}

int target_needs_heap(const struct target *target)
{
    if (target->has_heap)
        return 0;
    warnx("%s does not run on loam's heap; 'loam run PROGRAM' starts one that does", target->name);
    return -ENOENT;
}

int target_refresh(struct target *target)
{
    return target->has_heap ? image_open(&target->source, target->root, &target->heap) : 0;
}

void target_close(struct target *target)
{
    if (target->is_core)
        core_close(&target->core);
    else
        free(target->threads);
    target->threads = NULL;
}

/* --- segments --- */

static int add_segment(struct segment **list, size_t *count, const struct segment *segment)
{
    struct segment *larger = list_grow(*list, *count, sizeof(*larger));

    if (!larger)
        return -ENOMEM;
    *list = larger;
    (*list)[(*count)++] = *segment;
    return 0;
}

int target_segments(struct target *target, bool figures, struct segment **list, size_t *count)
{
    struct cursor cursor;
    struct layout layout;
    struct segment segment;
    const struct layout_input input = {
        .next = next_mapping,
        .context = &cursor,
        .source = &target->source,
        .heap = target->has_heap ? &target->heap : NULL,
        .threads = target->threads,
        .thread_count = target->thread_count,
    };
    int error = cursor_open(&cursor, target, figures ? "smaps" : "maps");

    *list = NULL;
    *count = 0;
    if (error)
        return error;
    layout_begin(&layout, &input);
    while (!error && layout_next(&layout, &segment))
        error = add_segment(list, count, &segment);
    int failed = cursor_close(&cursor);
    if (!error)
        error = failed;
    if (error) {
        free(*list);
        *list = NULL;
        *count = 0;
    }
    return error;
}
