/*
 * intercept_strings.c - strcpy() and its like: whatever ends where a null is.
 *
 * How much is read, and with it how much is written, is known only when that has been found: the end of a string is
 * looked for first, within the object that it lies in.
 * Source: C17, 7.24 and 7.29.4; POSIX.1-2017.
 */
#include "sample/intercept_group.h"

#include <string.h>
#include <strings.h>
#include <wchar.h>

typedef char *string_checked(char *to, const char *from, size_t room);
typedef char *string_n_checked(char *to, const char *from, size_t size, size_t room);

static struct {
    __typeof__(strlen) *strlen;
    __typeof__(strnlen) *strnlen;
    __typeof__(strcpy) *strcpy, *stpcpy, *strcat;
    __typeof__(strncpy) *strncpy, *stpncpy, *strncat;
    __typeof__(strcmp) *strcmp, *strcasecmp;
    __typeof__(strncmp) *strncmp, *strncasecmp;
    char *(*strchr)(const char *, int);
    char *(*strrchr)(const char *, int);
    char *(*strstr)(const char *, const char *);
    __typeof__(strdup) *strdup;
    __typeof__(strndup) *strndup;
    __typeof__(strtok) *strtok;
    __typeof__(strtok_r) *strtok_r;
    __typeof__(wcslen) *wcslen;
    __typeof__(wcscpy) *wcscpy;
    string_checked *strcpy_checked, *stpcpy_checked, *strcat_checked;
    string_n_checked *strncpy_checked, *strncat_checked;
} real;

static size_t string(const char *s, const char *name)
{
    return bounds_check_string(s, SIZE_MAX, name);
}

static void check_string_copy(char *to, const char *from, const char *name)
{
    size_t size = string(from, name) + 1;

    bounds_check(to, size, ACCESS_WRITE, name);
    bounds_check_apart(to, from, size, name);
}

static void check_string_append(char *to, const char *from, const char *name)
{
    size_t before = string(to, name), size = string(from, name) + 1;
    bounds_check(to, before + size, ACCESS_WRITE, name);
}

/* What strncpy() reads may not end; it writes `size` bytes in any case. */
static void check_string_copy_n(char *to, const char *from, size_t size, const char *name)
{
    bounds_check_string(from, size, name);
    bounds_check(to, size, ACCESS_WRITE, name);
}

static void check_string_append_n(char *to, const char *from, size_t size, const char *name)
{
    size_t before = string(to, name), more = bounds_check_string(from, size, name);
    bounds_check(to, before + more + 1, ACCESS_WRITE, name);
}

static size_t on_strlen(const char *s)
{
    return string(s, "strlen");
}

static size_t on_strnlen(const char *s, size_t max)
{
    return bounds_check_string(s, max, "strnlen");
}

static char *on_strcpy(char *to, const char *from)
{
    check_string_copy(to, from, "strcpy");
    return real.strcpy(to, from);
}

static char *on_strcpy_checked(char *to, const char *from, size_t room)
{
    check_string_copy(to, from, "strcpy");
    return real.strcpy_checked(to, from, room);
}

static char *on_stpcpy(char *to, const char *from)
{
    check_string_copy(to, from, "stpcpy");
    return real.stpcpy(to, from);
}

static char *on_stpcpy_checked(char *to, const char *from, size_t room)
{
    check_string_copy(to, from, "stpcpy");
    return real.stpcpy_checked(to, from, room);
}

static char *on_strncpy(char *to, const char *from, size_t size)
{
    check_string_copy_n(to, from, size, "strncpy");
    return real.strncpy(to, from, size);
}

static char *on_strncpy_checked(char *to, const char *from, size_t size, size_t room)
{
    check_string_copy_n(to, from, size, "strncpy");
    return real.strncpy_checked(to, from, size, room);
}

static char *on_stpncpy(char *to, const char *from, size_t size)
{
    check_string_copy_n(to, from, size, "stpncpy");
    return real.stpncpy(to, from, size);
}

static char *on_strcat(char *to, const char *from)
{
    check_string_append(to, from, "strcat");
    return real.strcat(to, from);
}

static char *on_strcat_checked(char *to, const char *from, size_t room)
{
    check_string_append(to, from, "strcat");
    return real.strcat_checked(to, from, room);
}

static char *on_strncat(char *to, const char *from, size_t size)
{
    check_string_append_n(to, from, size, "strncat");
    return real.strncat(to, from, size);
}

static char *on_strncat_checked(char *to, const char *from, size_t size, size_t room)
{
    check_string_append_n(to, from, size, "strncat");
    return real.strncat_checked(to, from, size, room);
}

/* A comparison may end before either string does. */
static void check_compare(const char *a, const char *b, size_t max, const char *name)
{
    size_t same = 0;

    while (same < max && a[same] == b[same] && a[same])
        same++;
    size_t read = same < max ? same + 1 : max;
    bounds_check(a, read, ACCESS_READ, name);
    bounds_check(b, read, ACCESS_READ, name);
}

static int on_strcmp(const char *a, const char *b)
{
    check_compare(a, b, SIZE_MAX, "strcmp");
    return real.strcmp(a, b);
}

static int on_strncmp(const char *a, const char *b, size_t max)
{
    check_compare(a, b, max, "strncmp");
    return real.strncmp(a, b, max);
}

static int on_strcasecmp(const char *a, const char *b)
{
    string(a, "strcasecmp");
    string(b, "strcasecmp");
    return real.strcasecmp(a, b);
}

static int on_strncasecmp(const char *a, const char *b, size_t max)
{
    bounds_check_string(a, max, "strncasecmp");
    bounds_check_string(b, max, "strncasecmp");
    return real.strncasecmp(a, b, max);
}

static char *on_strchr(const char *s, int byte)
{
    char *found = real.strchr(s, byte);

    if (found)
        bounds_check(s, (size_t)(found - s) + 1, ACCESS_READ, "strchr");
    else
        string(s, "strchr");
    return found;
}

static char *on_strrchr(const char *s, int byte)
{
    string(s, "strrchr");
    return real.strrchr(s, byte);
}

static char *on_strstr(const char *s, const char *needle)
{
    string(needle, "strstr");
    string(s, "strstr");
    return real.strstr(s, needle);
}

static char *on_strdup(const char *s)
{
    string(s, "strdup");
    return real.strdup(s);
}

static char *on_strndup(const char *s, size_t max)
{
    bounds_check_string(s, max, "strndup");
    return real.strndup(s, max);
}

static char *on_strtok(char *s, const char *separators)
{
    string(separators, "strtok");
    if (s)
        string(s, "strtok");
    return real.strtok(s, separators);
}

static char *on_strtok_r(char *s, const char *separators, char **rest)
{
    string(separators, "strtok_r");
    if (s)
        string(s, "strtok_r");
    return real.strtok_r(s, separators, rest);
}

static size_t on_wcslen(const wchar_t *s)
{
    size_t length = real.wcslen(s);
    bounds_check(s, (length + 1) * sizeof(*s), ACCESS_READ, "wcslen");
    return length;
}

static wchar_t *on_wcscpy(wchar_t *to, const wchar_t *from)
{
    size_t size = (on_wcslen(from) + 1) * sizeof(*from);
    bounds_check(to, size, ACCESS_WRITE, "wcscpy");
    return real.wcscpy(to, from);
}

static const struct patch patches[] = {
    ROW("strlen", on_strlen, strlen),
    ROW("strnlen", on_strnlen, strnlen),
    ROW("strcpy", on_strcpy, strcpy),
    ROW("stpcpy", on_stpcpy, stpcpy),
    ROW("strncpy", on_strncpy, strncpy),
    ROW("stpncpy", on_stpncpy, stpncpy),
    ROW("strcat", on_strcat, strcat),
    ROW("strncat", on_strncat, strncat),
    ROW("strcmp", on_strcmp, strcmp),
    ROW("strncmp", on_strncmp, strncmp),
    ROW("strcasecmp", on_strcasecmp, strcasecmp),
    ROW("strncasecmp", on_strncasecmp, strncasecmp),
    ROW("strchr", on_strchr, strchr),
    ROW("strrchr", on_strrchr, strrchr),
    ROW("strstr", on_strstr, strstr),
    ROW("strdup", on_strdup, strdup),
    ROW("strndup", on_strndup, strndup),
    ROW("strtok", on_strtok, strtok),
    ROW("strtok_r", on_strtok_r, strtok_r),
    ROW("wcslen", on_wcslen, wcslen),
    ROW("wcscpy", on_wcscpy, wcscpy),
    ROW("__strcpy_chk", on_strcpy_checked, strcpy_checked),
    ROW("__stpcpy_chk", on_stpcpy_checked, stpcpy_checked),
    ROW("__strncpy_chk", on_strncpy_checked, strncpy_checked),
    ROW("__strcat_chk", on_strcat_checked, strcat_checked),
    ROW("__strncat_chk", on_strncat_checked, strncat_checked),
};

const struct intercept_group intercept_strings = {patches, LENGTH(patches)};
