/* plugin.c - a library to be loaded and unloaded, which allocates at both moments. */
#include <stdlib.h>
#include <string.h>

static char *lines[100];

/* What the destructor was run for: it outlives the library. */
int *plugin_unloaded;

__attribute__((constructor)) static void load(void)
{
    plugin_unloaded = calloc(1, sizeof(*plugin_unloaded));
    for (size_t i = 0; i < 100; i++)
        lines[i] = strdup("loaded");
}

__attribute__((destructor)) static void unload(void)
{
    char *last = strdup("unloaded");

    for (size_t i = 0; i < 100; i++)
        free(lines[i]);
    free(last);
    *plugin_unloaded = 1;
}

/* Returns 0 when what the constructor allocated is as it was, and resizes it. */
int plugin_use(void);
int plugin_use(void)
{
    for (size_t i = 0; i < 100; i++) {
        if (!lines[i] || strcmp(lines[i], "loaded") != 0)
            return -1;
        lines[i] = realloc(lines[i], 1000);
    }
    return 0;
}
