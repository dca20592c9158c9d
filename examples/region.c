/*
 * region.c - regions of loam/region.h: what is allocated for one purpose is released with it, and what else has to be
 * undone is undone then.
 *
 * A server would have a region for each request; here a request is a line of words. Whichever way its handling ends,
 * nothing is freed one by one, and nothing is forgotten.
 */
#define _GNU_SOURCE
#include <loam/region.h>

#include <err.h>
#include <stdio.h>
#include <string.h>

struct word {
    struct word *next;
    char *text;
};

static void close_log(void *log)
{
    printf("  the log is closed\n");
    fclose(log);
}

/* Open until the scope ends in which this is called. */
static FILE *open_log(struct loam_region *region)
{
    FILE *log = tmpfile();

    if (!log || loam_region_defer(region, close_log, log) != 0)
        err(1, "open_log");
    return log;
}

static struct word *split(struct loam_region *region, const char *line)
{
    struct word *words = NULL;
    char *rest = loam_region_strdup(region, line);
    if (!rest)
        err(1, "split");

    for (char *text; (text = strtok_r(rest, " ", &rest));) {
        struct word *word = loam_region_alloc(region, sizeof(*word));
        if (!word)
            err(1, "split");
        *word = (struct word){.next = words, .text = text};
        words = word;
    }
    return words;
}

static int handle(struct loam_region *region, const char *line)
{
    LOAM_REGION_SCOPE(region)
    {
        FILE *log = open_log(region);

        fprintf(log, "%s\n", line);
        for (struct word *word = split(region, line); word; word = word->next) {
            LOAM_REGION_SCOPE(region) /* what one word needs */
            {
                if (strcmp(word->text, "stop") == 0)
                    return 1; /* ends both scopes */
                char *said = loam_region_printf(region, "%s has %zu letters", word->text, strlen(word->text));
                printf("  %s\n", said ? said : "no memory");
            }
        }
    }
    return 0;
}

int main(void)
{
    struct loam_region_usage usage;
    struct loam_region *region = loam_region_create();
    if (!region)
        err(1, "loam_region_create");
    printf("a request\n");
    handle(region, "in reverse");
    printf("one that ends early: %d\n", handle(region, "never stop now"));
    loam_region_measure(region, &usage);
    printf("in use after them: %zu bytes\n", usage.used);
    loam_region_destroy(region);
    return 0;
}
