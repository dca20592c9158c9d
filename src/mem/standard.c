/*
 * standard.c - LOAM_OPTIONS=cpu= for libloam-mem, which is loaded without the heap that reads the other options.
 *
 * Until this runs, calls go by what the processor has.
 */
#include "base/report.h"
#include "mem/dispatch.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LENGTH = 15 };

/* The value of the last option called cpu, into `name`; what is too long for one is cut off. False if there is none. */
static bool find_option(const char *options, char name[NAME_MAX_LENGTH + 1])
{
    bool found = false;

    while (*options) {
        size_t length = strcspn(options, ",");
        if (strncmp(options, "cpu=", 4) == 0) {
            size_t kept = min_size(length - 4, NAME_MAX_LENGTH);
            memcpy(name, options + 4, kept);
            name[kept] = '\0';
            found = true;
        }
        options += length + (options[length] == ',');
    }
    return found;
}

__attribute__((constructor)) static void read_options(void)
{
    const char *options = secure_getenv("LOAM_OPTIONS");
    char name[NAME_MAX_LENGTH + 1], buffer[256];
    struct text text;

    if (!options || !find_option(options, name) || dispatch_force(name))
        return;
    text_init(&text, buffer, sizeof(buffer));
    text_format(&text, "libloam-mem: LOAM_OPTIONS: cpu=%s is not %s; it is ignored.\n", name, DISPATCH_NAMES);
    report_write(&text);
}
