/*
 * options.c - see options.h.
 *
 * The first allocation may come before the C library has set `environ`; /proc/self/environ is read then.
 */
#include "malloc/options.h"

#include "base/base.h"
#include "base/report.h"
#include "sys/sys.h"

#include <string.h>
#include <sys/auxv.h>

enum { PURGE_MS = 250, ENVIRONMENT_MAX = 128 * 1024 };

extern char **environ;

struct options options = {.purge_ms = PURGE_MS};

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

static bool set_purge(const char *value)
{
    uint64_t ms = 0;

    for (const char *c = value; *c; c++) {
        if (*c < '0' || *c > '9' || ms > UINT32_MAX)
            return false;
        ms = ms * 10 + (uint64_t)(*c - '0');
    }
    if (*value)
        options.purge_ms = ms;
    return *value;
}

static bool set_summary(const char *value)
{
    if (strlen(value) >= sizeof(options.summary))
        return false;
    strcpy(options.summary, value);
    return *value;
}

static const struct {
    const char *name;
    bool (*set)(const char *value);
    const char *values;
} known[] = {
    {"source", set_source, "mmap or brk"},   {"hardened", set_hardened, "0 or 1"},
    {"hugepages", set_huge_pages, "0 or 1"}, {"purge", set_purge, "a number of milliseconds"},
    {"summary", set_summary, "a directory"},
};

static void complain_of_value(const char *name, const char *value, const char *wanted)
{
    char buffer[512];
    struct text text;

    text_init(&text, buffer, sizeof(buffer));
    text_format(&text, "loam: LOAM_OPTIONS: %s=%s is not %s; it is ignored.\n", name, value, wanted);
    report_write(&text);
}

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

/* A name alone means name=1. */
static void set_option(const char *name, const char *value)
{
    for (size_t i = 0; i < LENGTH(known); i++) {
        if (strcmp(name, known[i].name) != 0)
            continue;
        if (!known[i].set(value))
            complain_of_value(name, value, known[i].values);
        return;
    }
    complain_of_name(name);
}

static void parse(const char *text)
{
    char item[OPTION_PATH + 32];

    while (*text) {
        size_t length = strcspn(text, ",");
        size_t kept = min_size(length, sizeof(item) - 1);
        memcpy(item, text, kept);
        item[kept] = '\0';
        char *equals = strchr(item, '=');
        if (equals)
            *equals = '\0';
        if (length)
            set_option(item, equals ? equals + 1 : "1");
        text += length + (text[length] == ',');
    }
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
