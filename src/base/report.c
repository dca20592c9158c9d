/* report.c - see report.h. */
#include "base/report.h"

#include "base/base.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void report_write(const struct text *text)
{
    int saved = errno;
    size_t done = 0;

    while (done < text->length) {
        ssize_t n = write(STDERR_FILENO, text->data + done, text->length - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break; /* nobody to tell */
        done += (size_t)n;
    }
    errno = saved;
}

void report_line(const char *line)
{
    const struct text text = {.data = (char *)line, .length = strlen(line)};
    report_write(&text);
}

void report_stop(const struct text *text)
{
    report_write(text);
    abort();
}

void report_stop_line(const char *line)
{
    report_line(line);
    abort();
}

void check_failed(const char *what, const char *file, int line)
{
    char buffer[512];
    struct text text;

    text_init(&text, buffer, sizeof(buffer));
    text_format(&text, "loam: the heap's own records are damaged: %s does not hold (%s:%d).\n", what, file, line);
    report_stop(&text);
}
