/*
 * standard.c - LOAM_OPTIONS=cpu= for libloam-mem, which is loaded without the heap that reads the other options.
 *
 * Until this runs, calls go by what the processor has.
 */
#include "base/option.h"
#include "mem/dispatch.h"

#include <stdlib.h>
#include <string.h>

__attribute__((constructor)) static void read_options(void)
{
    const char *list = secure_getenv("LOAM_OPTIONS");
    struct option_item item;

    while (list && option_next(&list, &item))
        if (strcmp(item.name, "cpu") == 0 && !dispatch_force(item.value))
            option_complain("libloam-mem", &item, DISPATCH_NAMES);
}
