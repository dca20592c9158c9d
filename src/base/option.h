/*
 * option.h - the items of LOAM_OPTIONS: name=value, with commas between them.
 */
#ifndef LOAM_BASE_OPTION_H
#define LOAM_BASE_OPTION_H

#include <stdbool.h>

enum { OPTION_ITEM = 544 }; /* bytes, the terminator's included */

struct option_item {
    char text[OPTION_ITEM];
    const char *name, *value; /* in `text`; the value of a name alone is "1" */
};

/* Take the next item of *list, which moves on; what is too long is cut off. False at the end. */
bool option_next(const char **list, struct option_item *out);

/* Tell on stderr that the value is not what is `wanted`; `who` reads it. */
void option_complain(const char *who, const struct option_item *item, const char *wanted);

#endif
