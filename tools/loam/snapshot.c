/* snapshot.c - see snapshot.h. */
#include "snapshot.h"

#include "list.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char first_line[] = "loam snapshot 1\n";

/* --- taking --- */

/* The entry of that kind and path; NULL when there is no memory for a new one. */
static struct snapshot_segment *entry_of(struct snapshot *s, const char *kind, const char *path)
{
    for (size_t i = 0; i < s->segment_count; i++)
        if (strcmp(s->segments[i].kind, kind) == 0 && strcmp(s->segments[i].path, path) == 0)
            return &s->segments[i];
    struct snapshot_segment *larger = list_grow(s->segments, s->segment_count, sizeof(*larger));
    char *own = strdup(path);
    if (larger)
        s->segments = larger;
    if (!larger || !own) {
        free(own);
        return NULL;
    }
    struct snapshot_segment *entry = &larger[s->segment_count++];
    *entry = (struct snapshot_segment){.path = own};
    snprintf(entry->kind, sizeof(entry->kind), "%s", kind);
    return entry;
}

static int add_segment(struct snapshot *s, const struct segment *segment)
{
    struct snapshot_segment *entry = entry_of(s, segment_names[segment->kind], segment->mapping.path);

    if (!entry)
        return -ENOMEM;
    entry->size += segment_size(segment);
    entry->resident += segment->mapping.memory.resident;
    entry->dirty += segment->mapping.memory.private_dirty;
    entry->swapped += segment->mapping.memory.swapped;
    return 0;
}

int snapshot_take(struct target *target, struct snapshot *out)
{
    struct segment *segments;
    size_t count;

    *out = (struct snapshot){.pid = target->pid, .taken = (uint64_t)time(NULL), .has_heap = target->has_heap};
    snprintf(out->name, sizeof(out->name), "%s", target->name);
    int error = target->has_heap ? figures_count(&target->heap, &out->figures) : 0;
    if (!error)
        error = target_segments(target, true, &segments, &count);
    if (error)
        return error;
    for (size_t i = 0; !error && i < count; i++)
        error = add_segment(out, &segments[i]);
    free(segments);
    return error;
}

void snapshot_free(struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->segment_count; i++)
        free(snapshot->segments[i].path);
    free(snapshot->segments);
    snapshot->segments = NULL;
    snapshot->segment_count = 0;
}

/* --- writing --- */

/* A name up to the end of its line: what would end it becomes a question mark. */
static void write_name(FILE *out, const char *name)
{
    for (; *name; name++)
        fputc(*name == '\n' ? '?' : *name, out);
    fputc('\n', out);
}

static void write_class(FILE *out, const struct class_figures *c)
{
    if (c->slabs)
        fprintf(out, "class %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", c->object_size,
                c->slabs, c->live, c->cached, c->free, c->span);
}

static void write_heap(FILE *out, const struct figures *f)
{
    fprintf(out, "heap %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", f->live_bytes,
            f->live_objects, f->cached_bytes, f->free_bytes, f->dirty, f->committed);
    for (uint64_t i = 0; i < f->class_count; i++)
        write_class(out, &f->classes[i]);
    write_class(out, &f->large);
}

static void write_segment(FILE *out, const struct snapshot_segment *s)
{
    fprintf(out, "segment %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " ", s->size, s->resident, s->dirty,
            s->swapped);
    for (const char *c = s->kind; *c; c++)
        fputc(*c == ' ' ? '_' : *c, out);
    fputc(' ', out);
    write_name(out, s->path);
}

void snapshot_write(FILE *out, const struct snapshot *snapshot)
{
    fputs(first_line, out);
    fprintf(out, "process %d ", snapshot->pid);
    write_name(out, snapshot->name);
    fprintf(out, "taken %" PRIu64 "\n", snapshot->taken);
    if (snapshot->has_heap)
        write_heap(out, &snapshot->figures);
    for (size_t i = 0; i < snapshot->segment_count; i++)
        write_segment(out, &snapshot->segments[i]);
    fputs("end\n", out);
}

/* --- reading --- */

/* `count` numbers, each after one blank. Returns what follows them, or NULL. */
static const char *take_numbers(const char *at, uint64_t *const *to, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *end;
        if (at[0] != ' ' || at[1] < '0' || at[1] > '9')
            return NULL;
        errno = 0;
        *to[i] = strtoull(at + 1, &end, 10);
        if (errno)
            return NULL;
        at = end;
    }
    return at;
}

static bool take_process(const char *at, struct snapshot *s)
{
    uint64_t pid;

    at = take_numbers(at, (uint64_t *const[]){&pid}, 1);
    if (!at || *at != ' ' || pid > INT32_MAX)
        return false;
    s->pid = (int)pid;
    snprintf(s->name, sizeof(s->name), "%s", at + 1);
    return true;
}

static bool take_heap(const char *at, struct snapshot *s)
{
    struct figures *f = &s->figures;
    uint64_t *const to[] = {&f->live_bytes, &f->live_objects, &f->cached_bytes,
                            &f->free_bytes, &f->dirty,        &f->committed};

    s->has_heap = true;
    at = take_numbers(at, to, sizeof(to) / sizeof(to[0]));
    return at && *at == '\0';
}

static bool take_class(const char *at, struct snapshot *s)
{
    struct class_figures c = {.slabs = 0};
    uint64_t *const to[] = {&c.object_size, &c.slabs, &c.live, &c.cached, &c.free, &c.span};

    at = take_numbers(at, to, sizeof(to) / sizeof(to[0]));
    if (!at || *at != '\0' || s->figures.class_count == IMAGE_CLASSES)
        return false;
    if (c.object_size == 0)
        s->figures.large = c;
    else
        s->figures.classes[s->figures.class_count++] = c;
    return true;
}

static bool take_segment(const char *at, struct snapshot *s)
{
    struct snapshot_segment read = {.path = NULL};
    uint64_t *const to[] = {&read.size, &read.resident, &read.dirty, &read.swapped};

    at = take_numbers(at, to, sizeof(to) / sizeof(to[0]));
    if (!at || *at != ' ')
        return false;
    size_t length = strcspn(++at, " ");
    if (length == 0 || length >= sizeof(read.kind) || at[length] != ' ')
        return false;
    for (size_t i = 0; i < length; i++)
        read.kind[i] = at[i] == '_' ? ' ' : at[i];
    struct snapshot_segment *entry = entry_of(s, read.kind, at + length + 1);
    if (!entry)
        return false;
    read.path = entry->path;
    *entry = read;
    return true;
}

static bool take_taken(const char *at, struct snapshot *s)
{
    at = take_numbers(at, (uint64_t *const[]){&s->taken}, 1);
    return at && *at == '\0';
}

static const struct {
    const char *word;
    bool (*take)(const char *at, struct snapshot *s);
} lines[] = {
    {"process", take_process}, {"taken", take_taken},     {"heap", take_heap},
    {"class", take_class},     {"segment", take_segment},
};

static bool take_line(const char *line, struct snapshot *s)
{
    size_t length = strcspn(line, " ");

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (strlen(lines[i].word) == length && memcmp(lines[i].word, line, length) == 0)
            return lines[i].take(line + length, s);
    return false;
}

static int read_lines(FILE *file, const char *path, struct snapshot *out)
{
    char *line = NULL;
    size_t room = 0;
    unsigned number = 1;
    int error = -EBADMSG;
    ssize_t length = getline(&line, &room, file);

    if (length < 0 || strcmp(line, first_line) != 0) {
        warnx("%s: it is not a snapshot, or one of another version of loam; 'loam snap' makes them", path);
        free(line);
        return -EBADMSG;
    }
    for (; (length = getline(&line, &room, file)) > 0; number++) {
        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        error = strcmp(line, "end") == 0 ? 0 : -EBADMSG;
        if (!error || !take_line(line, out))
            break;
    }
    if (error && length > 0)
        warnx("%s: line %u is damaged", path, number + 1);
    else if (error)
        warnx("%s: it was cut off after line %u", path, number);
    free(line);
    return error;
}

int snapshot_read(const char *path, struct snapshot *out)
{
    FILE *file = fopen(path, "re");

    *out = (struct snapshot){.pid = 0};
    if (!file) {
        int error = -errno;
        warn("%s", path);
        return error;
    }
    int error = read_lines(file, path, out);
    fclose(file);
    return error;
}
