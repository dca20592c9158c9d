/* library.c - a library that a test is linked with, and that allocates before main(), in no order that it chose. */
#include <stdlib.h>
#include <string.h>

static char *line;

__attribute__((constructor(101))) static void load(void)
{
    line = strdup("loaded");
}

__attribute__((destructor)) static void unload(void)
{
    free(line);
}

/* Returns 0 when what the constructor allocated is as it was, and resizes it. */
int library_use(void);
int library_use(void)
{
    if (!line || strcmp(line, "loaded") != 0)
        return -1;
    line = realloc(line, 100000);
    return line ? strcmp(line, "loaded") : -1;
}
