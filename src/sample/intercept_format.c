/*
 * intercept_format.c - sprintf() and its like.
 *
 * How long the output is, is known only when it has been made: it is made twice, first to nowhere. Those with arguments
 * of any number call the C library's with a va_list.
 * Source: C17, 7.21.6.
 */
#include "sample/intercept_group.h"

#include <stdarg.h>
#include <stdio.h>

typedef int vsprintf_checked(char *to, int flag, size_t room, const char *format, va_list arguments);
typedef int vsnprintf_checked(char *to, size_t size, int flag, size_t room, const char *format, va_list arguments);

static struct {
    __typeof__(vsprintf) *vsprintf;
    __typeof__(vsnprintf) *vsnprintf;
    vsprintf_checked *vsprintf_checked;
    vsnprintf_checked *vsnprintf_checked;
} real;

static void check_format(char *to, size_t max, const char *format, va_list arguments, const char *name)
{
    va_list again;

    va_copy(again, arguments);
    int length = real.vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length >= 0)
        bounds_check(to, min_size((size_t)length + 1, max), ACCESS_WRITE, name);
}

static int on_vsprintf(char *to, const char *format, va_list arguments)
{
    check_format(to, SIZE_MAX, format, arguments, "vsprintf");
    return real.vsprintf(to, format, arguments);
}

static int on_vsnprintf(char *to, size_t size, const char *format, va_list arguments)
{
    check_format(to, size, format, arguments, "vsnprintf");
    return real.vsnprintf(to, size, format, arguments);
}

static int on_sprintf(char *to, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    check_format(to, SIZE_MAX, format, arguments, "sprintf");
    int length = real.vsprintf(to, format, arguments);
    va_end(arguments);
    return length;
}

static int on_snprintf(char *to, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    check_format(to, size, format, arguments, "snprintf");
    int length = real.vsnprintf(to, size, format, arguments);
    va_end(arguments);
    return length;
}

static int on_sprintf_checked(char *to, int flag, size_t room, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    check_format(to, SIZE_MAX, format, arguments, "sprintf");
    int length = real.vsprintf_checked(to, flag, room, format, arguments);
    va_end(arguments);
    return length;
}

static int on_snprintf_checked(char *to, size_t size, int flag, size_t room, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    check_format(to, size, format, arguments, "snprintf");
    int length = real.vsnprintf_checked(to, size, flag, room, format, arguments);
    va_end(arguments);
    return length;
}

static int on_vsprintf_checked(char *to, int flag, size_t room, const char *format, va_list arguments)
{
    check_format(to, SIZE_MAX, format, arguments, "vsprintf");
    return real.vsprintf_checked(to, flag, room, format, arguments);
}

static int on_vsnprintf_checked(char *to, size_t size, int flag, size_t room, const char *format, va_list arguments)
{
    check_format(to, size, format, arguments, "vsnprintf");
    return real.vsnprintf_checked(to, size, flag, room, format, arguments);
}

static const struct patch patches[] = {
    CALLS("sprintf", on_sprintf, vsprintf, "vsprintf"),
    CALLS("snprintf", on_snprintf, vsnprintf, "vsnprintf"),
    ROW("vsprintf", on_vsprintf, vsprintf),
    ROW("vsnprintf", on_vsnprintf, vsnprintf),
    CALLS("__sprintf_chk", on_sprintf_checked, vsprintf_checked, "__vsprintf_chk"),
    CALLS("__snprintf_chk", on_snprintf_checked, vsnprintf_checked, "__vsnprintf_chk"),
    ROW("__vsprintf_chk", on_vsprintf_checked, vsprintf_checked),
    ROW("__vsnprintf_chk", on_vsnprintf_checked, vsnprintf_checked),
};

const struct intercept_group intercept_format = {patches, LENGTH(patches)};
