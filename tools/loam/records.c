/*
 * records.c - see records.h.
 *
 * Processes of the program may still be at work when we read, and what the program left in the directory may be
 * anything: a record counts when it is whole, of our version, and named for the process that it tells of.
 */
#include "records.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SWEEPS_MAX = 8, /* of a directory in which processes go on leaving records */
    FIRST_CAPACITY = 16,
};

/*
 * Where the directory is made. LOAM_OPTIONS cannot carry a comma, and the library takes only a path that is not long;
 * the program may change its own directory, so the path is absolute.
 */
static const char *temporary(char path[PATH_MAX])
{
    const char *directory = getenv("TMPDIR");
    const size_t longest = RECORDS_PATH - sizeof("/loam-run-XXXXXX");

    if (!directory || !*directory || !realpath(directory, path) || strchr(path, ',') || strlen(path) > longest)
        return "/tmp";
    return path;
}

int records_create(char directory[RECORDS_PATH])
{
    char path[PATH_MAX];

    int length = snprintf(directory, RECORDS_PATH, "%s/loam-run-XXXXXX", temporary(path));
    if (length < RECORDS_PATH && mkdtemp(directory))
        return 0;
    int error = length < RECORDS_PATH ? errno : ENAMETOOLONG;
    warnx("cannot make a directory for the records: %s: %s (TMPDIR=DIRECTORY names another place)", directory,
          strerror(error));
    return -error;
}

/* Up to `size` bytes. Returns how many there are, or -errno. */
static ssize_t read_all(int fd, void *to, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = read(fd, (char *)to + done, size - done);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        if (n > 0)
            done += (size_t)n;
    }
    return (ssize_t)done;
}

/* What is wrong with a record of `length` bytes from file `name`; NULL when nothing is. */
static const char *fault(const struct summary *s, ssize_t length, const char *name)
{
    int pid, number, end = 0;

    if (length < 0)
        return strerror((int)-length);
    if ((size_t)length < offsetof(struct summary, class_count) || s->magic != SUMMARY_MAGIC)
        return "it is no record of a process";
    if (s->size != sizeof(*s))
        return "it is a record of another version of loam";
    if ((size_t)length < sizeof(*s))
        return "it is cut off";
    if (s->class_count > SUMMARY_CLASSES || !memchr(s->program, '\0', sizeof(s->program)))
        return "it is a damaged record";
    if (sscanf(name, "%d.%d%n", &pid, &number, &end) != 2 || name[end] || pid != s->pid)
        return "it is a record of another process than it is named for";
    return NULL;
}

static ssize_t read_record(int directory, const char *name, struct summary *to)
{
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    ssize_t length;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        length = read_all(fd, to, sizeof(*to));
    else
        length = 0;
    close(fd);
    return length;
}

/* Room for one more. Returns 0 or -ENOMEM. */
static int grow(struct records *records)
{
    if (records->count < records->capacity)
        return 0;
    size_t capacity = records->capacity ? 2 * records->capacity : FIRST_CAPACITY;
    struct summary *items = reallocarray(records->items, capacity, sizeof(*items));
    if (!items)
        return -ENOMEM;
    records->items = items;
    records->capacity = capacity;
    return 0;
}

static int add(struct records *records, int directory, const char *name)
{
    if (grow(records) < 0) {
        warnx("record %s: %s", name, strerror(ENOMEM));
        return -ENOMEM;
    }
    struct summary *record = &records->items[records->count];
    const char *wrong = fault(record, read_record(directory, name, record), name);
    if (wrong) {
        warnx("record %s is ignored: %s", name, wrong);
        records->ignored++;
    } else {
        records->count++;
    }
    return 0;
}

/* Read what is there, unless `records` is NULL, and remove it. Returns 0 or the first error, -errno. */
static int sweep(DIR *directory, struct records *records)
{
    int fd = dirfd(directory);
    int result = 0;

    rewinddir(directory);
    for (struct dirent *entry; (errno = 0, entry = readdir(directory));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (records && !result)
            result = add(records, fd, entry->d_name);
        unlinkat(fd, entry->d_name, 0); /* what remains is told when the directory cannot be removed */
    }
    if (errno && !result) {
        result = -errno;
        warn("reading the records");
    }
    return result;
}

/* Take `path` away, and what comes into it meanwhile. */
static void remove_directory(const char *path, DIR *directory)
{
    int error = 0;

    for (int i = 0; i < SWEEPS_MAX; i++) {
        if (rmdir(path) == 0)
            return;
        error = errno;
        if (error != ENOTEMPTY && error != EEXIST)
            break;
        sweep(directory, NULL);
    }
    warnx("cannot remove the directory of the records, %s: %s", path, strerror(error));
}

static int by_peak(const void *a, const void *b)
{
    const struct summary *x = a, *y = b;

    if (x->resident_peak != y->resident_peak)
        return x->resident_peak < y->resident_peak ? 1 : -1;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

int records_collect(const char *directory, struct records *out)
{
    *out = (struct records){0};
    DIR *open = opendir(directory);
    if (!open) {
        int error = errno;
        warn("cannot read the records, %s", directory);
        return -error;
    }
    int error = sweep(open, out);
    remove_directory(directory, open);
    closedir(open);
    if (out->count > 1)
        qsort(out->items, out->count, sizeof(*out->items), by_peak);
    return error;
}

void records_remove(const char *directory)
{
    if (rmdir(directory) < 0)
        warn("cannot remove the directory of the records, %s", directory);
}

const struct summary *records_find(const struct records *records, pid_t pid, pid_t parent)
{
    const struct summary *found = NULL;

    for (size_t i = 0; i < records->count; i++) {
        const struct summary *record = &records->items[i];
        if (record->pid == pid && record->parent_pid == parent && (!found || record->end_ns > found->end_ns))
            found = record;
    }
    return found;
}

void records_free(struct records *records)
{
    free(records->items);
    *records = (struct records){0};
}
