/*
 * options.c - LOAM_OPTIONS, from the environment and, where the C library has none yet, from /proc/self/environ in
 * pieces of any length.
 */
#include "fuzz.h"

#include "base/report.h"
#include "malloc/options.h"
#include "sys/sys.h"

static struct {
    struct input text;
    size_t piece; /* bytes that a read has at most */
} file;

static const char variable[] = "LOAM_OPTIONS=";

extern char **environ;

bool dispatch_force(const char *name);
int __wrap_sys_open_read(const char *path);
ssize_t __wrap_sys_read(int fd, void *buffer, size_t size);
int __wrap_sys_close(int fd);
void __wrap_report_write(const struct text *text);

bool dispatch_force(const char *name)
{
    return strlen(name) % 2;
}

int __wrap_sys_open_read(const char *path)
{
    (void)path;
    return 1000;
}

ssize_t __wrap_sys_read(int fd, void *buffer, size_t size)
{
    size_t n = min_size(min_size(size, file.piece), file.text.size);

    (void)fd;
    memcpy(buffer, file.text.data, n);
    file.text.data += n;
    file.text.size -= n;
    return (ssize_t)n;
}

int __wrap_sys_close(int fd)
{
    (void)fd;
    return 0;
}

/* Nobody reads it. */
void __wrap_report_write(const struct text *text)
{
    EXPECT(strlen(text->data) == text->length);
}

static void read_from(char **environment)
{
    char **saved = environ;

    environ = environment;
    options_read();
    environ = saved;
    EXPECT(options.status <= 255 && options.slowdown >= 1 && options.memory <= UINT64_MAX / MIB);
    EXPECT(strlen(options.reporter) < OPTION_PATH && strlen(options.summary) < OPTION_PATH);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    unsigned piece = take(&input);
    char *entry = calloc(1, sizeof(variable) + input.size), *environment[] = {entry, NULL};

    memcpy(entry, variable, sizeof(variable) - 1);
    memcpy(entry + sizeof(variable) - 1, input.data, input.size);
    file.piece = piece + 1;
    file.text = (struct input){(const uint8_t *)entry, sizeof(variable) - 1 + input.size};
    read_from(environment);
    read_from(NULL);
    free(entry);
    return 0;
}
