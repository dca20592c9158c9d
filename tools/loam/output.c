/*
 * output.c - see output.h.
 *
 * The streams get descriptors above those of stdin, stdout and stderr, whichever of these are closed.
 */
#include "output.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

FILE *output_on(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    FILE *stream = high < 0 ? NULL : fdopen(high, "w");

    if (high >= 0 && !stream)
        close(high);
    return stream;
}

static bool is_stdout(const char *name)
{
    return strcmp(name, "-") == 0;
}

static FILE *open_file(const char *name)
{
    if (is_stdout(name))
        return output_on(STDOUT_FILENO);
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
    if (fd < 0)
        return NULL;
    FILE *stream = output_on(fd);
    int error = errno;
    close(fd);
    errno = error;
    return stream;
}

int output_open(const char *name, FILE **out)
{
    *out = open_file(name);
    if (*out)
        return 0;
    int error = errno;
    warn("cannot write %s", is_stdout(name) ? "to stdout" : name);
    return -error;
}

int output_close(FILE *out, const char *name)
{
    bool failed = fflush(out) != 0 || ferror(out);
    int error = errno;

    if (fclose(out) != 0 && !failed) {
        failed = true;
        error = errno;
    }
    if (failed && name)
        warnx("cannot write %s: %s", is_stdout(name) ? "to stdout" : name, strerror(error));
    return failed ? -error : 0;
}
