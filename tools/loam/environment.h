/* environment.h - what a program that is started on loam finds in its environment. */
#ifndef LOAM_TOOLS_ENVIRONMENT_H
#define LOAM_TOOLS_ENVIRONMENT_H

/* "a,b", or only one where the other is empty or NULL. NULL with ENOMEM. The caller frees it. */
char *environment_join(const char *a, const char *b, char separator);

/* Add `value` to what the variable holds: before it, or after it. Returns 0 or -errno. */
int environment_prepend(const char *name, const char *value, char separator);
int environment_append(const char *name, const char *value, char separator);

#endif
