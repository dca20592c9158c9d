/*
 * options.c - see options.h.
 *
 * The first allocation may come before the C library has set `environ`; /proc/self/environ is read then.
 */
#include "malloc/options.h"

#include "base/base.h"
#include "base/option.h"
#include "base/report.h"
#include "mem/dispatch.h"
#include "sys/sys.h"

#include <string.h>
#include <sys/auxv.h>

enum { PURGE_MS = 250, SAMPLE_BYTES = 512 * 1024, SLOWDOWN = 3, CHECK_STATUS = 99, ENVIRONMENT_MAX = 128 * 1024 };

extern char **environ;

struct options options = {.purge_ms = PURGE_MS, .sample = SAMPLE_BYTES, .slowdown = SLOWDOWN, .status = CHECK_STATUS};

static_assert(OPTION_PATH + 32 <= OPTION_ITEM, "a path fits with its option's name");

static const char variable[] = "LOAM_OPTIONS=";

static bool set_source(const char *value)
{
    options.brk = strcmp(value, "brk") == 0;
    return options.brk || strcmp(value, "mmap") == 0;
}

static bool set_flag(bool *flag, const char *value)
{
    *flag = strcmp(value, "1") == 0;
    return *flag || strcmp(value, "0") == 0;
}

static bool set_hardened(const char *value)
{
    return set_flag(&options.hardened, value);
}

static bool set_huge_pages(const char *value)
{
    return set_flag(&options.huge_pages, value);
}

/* A number from `least` to `most`; another changes nothing. */
static bool set_number(uint64_t *number, const char *value, uint64_t least, uint64_t most)
{
    uint64_t result = 0;

    for (const char *c = value; *c; c++) {
        if (*c < '0' || *c > '9' || result > UINT64_MAX / 100)
            return false;
        result = result * 10 + (uint64_t)(*c - '0');
    }
    if (!*value || result < least || result > most)
        return false;
    *number = result;
    return true;
}

static bool set_lock(const char *value)
{
    static const char *const names[] = {[LOCK_HEAP] = "heap", [LOCK_FUTURE] = "future", [LOCK_ALL] = "all"};

    for (enum lock_kind kind = LOCK_HEAP; kind < LENGTH(names); kind++) {
        if (strcmp(value, names[kind]) != 0)
            continue;
        options.lock = kind;
        return true;
    }
    return false;
}

static bool set_purge(const char *value)
{
    return set_number(&options.purge_ms, value, 0, UINT64_MAX);
}

static bool set_sample(const char *value)
{
    bool set = set_number(&options.sample, value, 0, UINT64_MAX);

    options.sample_set = options.sample_set || set;
    return set;
}

static bool set_seed(const char *value)
{
    return set_number(&options.seed, value, 0, UINT64_MAX);
}

static bool set_check(const char *value)
{
    return set_flag(&options.check, value);
}

/* A flag whose opposite is kept. */
static bool set_opposite(bool *flag, const char *value)
{
    bool wanted;

    if (!set_flag(&wanted, value))
        return false;
    *flag = !wanted;
    return true;
}

static bool set_guards(const char *value)
{
    return set_opposite(&options.no_guards, value);
}

static bool set_leaks(const char *value)
{
    return set_opposite(&options.no_leaks, value);
}

static bool set_keep_going(const char *value)
{
    return set_flag(&options.keep_going, value);
}

static bool set_place(const char *value)
{
    options.at_start = strcmp(value, "start") == 0;
    return options.at_start || strcmp(value, "end") == 0;
}

static bool set_slowdown(const char *value)
{
    return set_number(&options.slowdown, value, 1, UINT32_MAX);
}

static bool set_memory(const char *value)
{
    return set_number(&options.memory, value, 0, UINT64_MAX / MIB);
}

static bool set_status(const char *value)
{
    return set_number(&options.status, value, 0, 255);
}

static bool set_path(char *path, const char *value)
{
    if (strlen(value) >= OPTION_PATH)
        return false;
    strcpy(path, value);
    return *value;
}

static bool set_reporter(const char *value)
{
    return set_path(options.reporter, value);
}

static bool set_summary(const char *value)
{
    return set_path(options.summary, value);
}

static const struct {
    const char *name;
    bool (*set)(const char *value);
    const char *values;
} known[] = {
    {"source", set_source, "mmap or brk"},
    {"hardened", set_hardened, "0 or 1"},
    {"hugepages", set_huge_pages, "0 or 1"},
    {"lock", set_lock, "all, heap or future"},
    {"purge", set_purge, "a number of milliseconds"},
    {"sample", set_sample, "a number of bytes"},
    {"seed", set_seed, "a number"},
    {"guards", set_guards, "0 or 1"},
    {"check", set_check, "0 or 1"},
    {"leaks", set_leaks, "0 or 1"},
    {"keepgoing", set_keep_going, "0 or 1"},
    {"place", set_place, "start or end"},
    {"slowdown", set_slowdown, "a factor of 1 or more"},
    {"memory", set_memory, "a number of MiB"},
    {"status", set_status, "an exit status"},
    {"reporter", set_reporter, "a file"},
    {"summary", set_summary, "a directory"},
    {"cpu", dispatch_force, DISPATCH_NAMES},
};

static void complain_of_name(const char *name)
{
    char buffer[512];
    struct text text;

    text_init(&text, buffer, sizeof(buffer));
    text_format(&text, "loam: LOAM_OPTIONS: there is no option %s; it is ignored. Known:", name);
    for (size_t i = 0; i < LENGTH(known); i++)
        text_format(&text, "%s %s", i ? "," : "", known[i].name);
    text_string(&text, ".\n");
    report_write(&text);
}

static void set_option(const struct option_item *item)
{
    for (size_t i = 0; i < LENGTH(known); i++) {
        if (strcmp(item->name, known[i].name) != 0)
            continue;
        if (!known[i].set(item->value))
            option_complain("loam", item, known[i].values);
        return;
    }
    complain_of_name(item->name);
}

static void parse(const char *list)
{
    struct option_item item;

    while (option_next(&list, &item))
        set_option(&item);
}

static void parse_variable(const char *entry)
{
    size_t length = sizeof(variable) - 1;

    if (strncmp(entry, variable, length) == 0)
        parse(entry + length);
}

/* Find our variable in the kernel's copy of the environment: strings that end in zero bytes. */
static void parse_proc(void)
{
    char *data = (char *)sys_map(ENVIRONMENT_MAX);
    int fd = (intptr_t)data < 0 ? -1 : sys_open_read("/proc/self/environ");
    size_t used = 0;
    ssize_t n;

    if ((intptr_t)data < 0)
        return;
    while (fd >= 0 && (n = sys_read(fd, data + used, ENVIRONMENT_MAX - 1 - used)) > 0)
        used += (size_t)n;
    if (fd >= 0)
        sys_close(fd);
    for (const char *entry = data; entry < data + used; entry += strlen(entry) + 1)
        parse_variable(entry);
    sys_unmap(data, ENVIRONMENT_MAX);
}

void options_read(void)
{
    if (getauxval(AT_SECURE))
        return;
    if (!environ) {
        parse_proc();
        return;
    }
    for (char **entry = environ; *entry; entry++)
        parse_variable(*entry);
}
