/* suppress.c - see suppress.h. */
#include "suppress.h"

#include "list.h"

#include <err.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

enum subject { BY_FUNCTION, BY_FILE, BY_MODULE, SUBJECT_COUNT };

static const char *const subjects[] = {[BY_FUNCTION] = "function", [BY_FILE] = "file", [BY_MODULE] = "module"};

struct line {
    enum subject subject;
    char *pattern;
};

struct suppressions {
    struct line *lines;
    size_t count;
};

/* Returns 0, -EINVAL or -ENOMEM. */
static int add_line(struct suppressions *s, char *text)
{
    static const char blank[] = " \t\r\n";
    char *rest;

    text[strcspn(text, "#")] = '\0';
    char *word = strtok_r(text, blank, &rest);
    char *pattern = word ? strtok_r(NULL, "\r\n", &rest) : NULL;
    if (!word)
        return 0;
    int subject = 0;
    while (subject < SUBJECT_COUNT && strcmp(word, subjects[subject]) != 0)
        subject++;
    if (subject == SUBJECT_COUNT || !pattern)
        return -EINVAL;
    pattern += strspn(pattern, blank);
    for (size_t end = strlen(pattern); end && strchr(blank, pattern[end - 1]); end--)
        pattern[end - 1] = '\0';
    struct line *larger = list_grow(s->lines, s->count, sizeof(*larger));
    if (!larger)
        return -ENOMEM;
    s->lines = larger;
    s->lines[s->count] = (struct line){.subject = (enum subject)subject, .pattern = strdup(pattern)};
    return s->lines[s->count].pattern ? (s->count++, 0) : -ENOMEM;
}

static int read_lines(struct suppressions *s, FILE *in, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    int error = 0;

    for (int number = 1; !error && getline(&text, &size, in) >= 0; number++) {
        error = add_line(s, text);
        if (error == -EINVAL)
            warnx("%s:%d: a line is 'function PATTERN', 'file PATTERN' or 'module PATTERN'", path, number);
        else if (error)
            warnx("%s: %s", path, strerror(-error));
    }
    free(text);
    return error;
}

struct suppressions *suppressions_read(const char *path)
{
    struct suppressions *s = calloc(1, sizeof(*s));
    FILE *in = s ? fopen(path, "re") : NULL;

    if (!in) {
        warn("%s", path);
        free(s);
        return NULL;
    }
    int error = read_lines(s, in, path);
    fclose(in);
    if (!error)
        return s;
    suppressions_free(s);
    return NULL;
}

static bool matches(const struct line *line, const struct frame *frame)
{
    const char *subject = line->subject == BY_FUNCTION ? frame->function
                          : line->subject == BY_FILE   ? frame->file
                                                       : frame->module;
    return subject && fnmatch(line->pattern, subject, 0) == 0;
}

bool suppressions_match(const struct suppressions *s, const struct frames *frames)
{
    for (size_t i = 0; s && i < s->count; i++)
        for (size_t j = 0; j < frames->count; j++)
            if (matches(&s->lines[i], &frames->items[j]))
                return true;
    return false;
}

void suppressions_free(struct suppressions *s)
{
    for (size_t i = 0; s && i < s->count; i++)
        free(s->lines[i].pattern);
    if (s)
        free(s->lines);
    free(s);
}
