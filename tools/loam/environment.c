/* environment.c - see environment.h. */
#include "environment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *environment_join(const char *a, const char *b, char separator)
{
    size_t a_length = a ? strlen(a) : 0, b_length = b ? strlen(b) : 0;
    char *result = malloc(a_length + b_length + 2);

    if (!result)
        return NULL;
    char *at = a_length ? mempcpy(result, a, a_length) : result;
    if (a_length && b_length)
        *at++ = separator;
    if (b_length)
        at = mempcpy(at, b, b_length);
    *at = '\0';
    return result;
}

static int set_joined(const char *name, const char *before, const char *after, char separator)
{
    char *value = environment_join(before, after, separator);
    int error = value && setenv(name, value, 1) == 0 ? 0 : -errno;

    free(value);
    return error;
}

int environment_prepend(const char *name, const char *value, char separator)
{
    return set_joined(name, value, getenv(name), separator);
}

int environment_append(const char *name, const char *value, char separator)
{
    return set_joined(name, getenv(name), value, separator);
}
