/*
 * intercept.c - see intercept.h.
 *
 * Each function here checks the memory that the standard says the one of its name accesses, and calls that. Sources:
 * C17, 7.21 and 7.24; POSIX.1-2017; for the names with _chk, Linux Standard Base 5, "Interfaces for libc".
 */
#include "sample/intercept.h"

#include "base/base.h"
#include "sample/bounds.h"
#include "sample/patch.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wchar.h>

/* Those that check sizes known to the compiler: declared only where they are used. */
typedef void *copy_checked(void *to, const void *from, size_t size, size_t room);
typedef void *set_checked(void *to, int byte, size_t size, size_t room);
typedef char *string_checked(char *to, const char *from, size_t room);
typedef char *string_n_checked(char *to, const char *from, size_t size, size_t room);
typedef ssize_t read_checked(int fd, void *to, size_t size, size_t room);
typedef int vsprintf_checked(char *to, int flag, size_t room, const char *format, va_list arguments);
typedef int vsnprintf_checked(char *to, size_t size, int flag, size_t room, const char *format, va_list arguments);
typedef char *fgets_checked(char *to, size_t room, int size, FILE *file);

/* The C library's own, found by name. */
static struct {
    __typeof__(memcpy) *memcpy, *memmove, *mempcpy;
    __typeof__(memset) *memset;
    __typeof__(bzero) *bzero;
    __typeof__(memcmp) *memcmp, *bcmp;
    void *(*memchr)(const void *, int, size_t);
    void *(*memrchr)(const void *, int, size_t);
    __typeof__(memmem) *memmem;
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
    __typeof__(vsprintf) *vsprintf;
    __typeof__(vsnprintf) *vsnprintf;
    __typeof__(read) *read;
    __typeof__(write) *write;
    __typeof__(pread) *pread;
    __typeof__(pwrite) *pwrite;
    __typeof__(recv) *recv;
    __typeof__(send) *send;
    __typeof__(fread) *fread;
    __typeof__(fwrite) *fwrite;
    __typeof__(fgets) *fgets;
    __typeof__(puts) *puts;
    __typeof__(fputs) *fputs;
    __typeof__(wcslen) *wcslen;
    __typeof__(wcscpy) *wcscpy;
    __typeof__(wmemcpy) *wmemcpy;
    copy_checked *memcpy_checked, *memmove_checked, *mempcpy_checked;
    set_checked *memset_checked;
    string_checked *strcpy_checked, *stpcpy_checked, *strcat_checked;
    string_n_checked *strncpy_checked, *strncat_checked;
    read_checked *read_checked;
    vsprintf_checked *vsprintf_checked;
    vsnprintf_checked *vsnprintf_checked;
    fgets_checked *fgets_checked;
} real;

/* --- memory --- */

static void check_copy(void *to, const void *from, size_t size, const char *name)
{
    bounds_check(from, size, ACCESS_READ, name);
    bounds_check(to, size, ACCESS_WRITE, name);
}

static void *on_memcpy(void *to, const void *from, size_t size)
{
    check_copy(to, from, size, "memcpy");
    bounds_check_apart(to, from, size, "memcpy");
    return real.memcpy(to, from, size);
}

static void *on_mempcpy(void *to, const void *from, size_t size)
{
    check_copy(to, from, size, "mempcpy");
    bounds_check_apart(to, from, size, "mempcpy");
    return real.mempcpy(to, from, size);
}

static void *on_memmove(void *to, const void *from, size_t size)
{
    check_copy(to, from, size, "memmove");
    return real.memmove(to, from, size);
}

static void *on_memcpy_checked(void *to, const void *from, size_t size, size_t room)
{
    check_copy(to, from, size, "memcpy");
    bounds_check_apart(to, from, size, "memcpy");
    return real.memcpy_checked(to, from, size, room);
}

static void *on_mempcpy_checked(void *to, const void *from, size_t size, size_t room)
{
    check_copy(to, from, size, "mempcpy");
    return real.mempcpy_checked(to, from, size, room);
}

static void *on_memmove_checked(void *to, const void *from, size_t size, size_t room)
{
    check_copy(to, from, size, "memmove");
    return real.memmove_checked(to, from, size, room);
}

static void *on_memset(void *to, int byte, size_t size)
{
    bounds_check(to, size, ACCESS_WRITE, "memset");
    return real.memset(to, byte, size);
}

static void *on_memset_checked(void *to, int byte, size_t size, size_t room)
{
    bounds_check(to, size, ACCESS_WRITE, "memset");
    return real.memset_checked(to, byte, size, room);
}

static void on_bzero(void *to, size_t size)
{
    bounds_check(to, size, ACCESS_WRITE, "bzero");
    real.bzero(to, size);
}

/* Both arguments are arrays of `size` bytes, even where the first few differ. */
static int on_memcmp(const void *a, const void *b, size_t size)
{
    bounds_check(a, size, ACCESS_READ, "memcmp");
    bounds_check(b, size, ACCESS_READ, "memcmp");
    return real.memcmp(a, b, size);
}

static int on_bcmp(const void *a, const void *b, size_t size)
{
    bounds_check(a, size, ACCESS_READ, "bcmp");
    bounds_check(b, size, ACCESS_READ, "bcmp");
    return real.bcmp(a, b, size);
}

/* Reads up to the byte that is looked for, as if one by one: what is behind it need not be there. */
static void *on_memchr(const void *start, int byte, size_t size)
{
    void *found = real.memchr(start, byte, size);

    bounds_check(start, found ? (size_t)((char *)found - (const char *)start) + 1 : size, ACCESS_READ, "memchr");
    return found;
}

static void *on_memrchr(const void *start, int byte, size_t size)
{
    bounds_check(start, size, ACCESS_READ, "memrchr");
    return real.memrchr(start, byte, size);
}

static void *on_memmem(const void *start, size_t size, const void *needle, size_t needle_size)
{
    bounds_check(start, size, ACCESS_READ, "memmem");
    bounds_check(needle, needle_size, ACCESS_READ, "memmem");
    return real.memmem(start, size, needle, needle_size);
}

/* --- strings --- */

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

static wchar_t *on_wmemcpy(wchar_t *to, const wchar_t *from, size_t count)
{
    check_copy(to, from, count * sizeof(*from), "wmemcpy");
    return real.wmemcpy(to, from, count);
}

/* --- formatted output --- */

/* How long the output is, is known only when it has been made. */
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

/* --- input and output --- */

/* The whole of what the caller says there is room for must be there, even if less comes. */
static ssize_t on_read(int fd, void *to, size_t size)
{
    bounds_check(to, size, ACCESS_WRITE, "read");
    return real.read(fd, to, size);
}

static ssize_t on_read_checked(int fd, void *to, size_t size, size_t room)
{
    bounds_check(to, size, ACCESS_WRITE, "read");
    return real.read_checked(fd, to, size, room);
}

static ssize_t on_pread(int fd, void *to, size_t size, off_t offset)
{
    bounds_check(to, size, ACCESS_WRITE, "pread");
    return real.pread(fd, to, size, offset);
}

static ssize_t on_recv(int fd, void *to, size_t size, int flags)
{
    bounds_check(to, size, ACCESS_WRITE, "recv");
    return real.recv(fd, to, size, flags);
}

static ssize_t on_write(int fd, const void *from, size_t size)
{
    bounds_check(from, size, ACCESS_READ, "write");
    return real.write(fd, from, size);
}

static ssize_t on_pwrite(int fd, const void *from, size_t size, off_t offset)
{
    bounds_check(from, size, ACCESS_READ, "pwrite");
    return real.pwrite(fd, from, size, offset);
}

static ssize_t on_send(int fd, const void *from, size_t size, int flags)
{
    bounds_check(from, size, ACCESS_READ, "send");
    return real.send(fd, from, size, flags);
}

static size_t on_fread(void *to, size_t size, size_t count, FILE *file)
{
    bounds_check(to, size * count, ACCESS_WRITE, "fread");
    return real.fread(to, size, count, file);
}

static size_t on_fwrite(const void *from, size_t size, size_t count, FILE *file)
{
    bounds_check(from, size * count, ACCESS_READ, "fwrite");
    return real.fwrite(from, size, count, file);
}

/* The line has been written by then; the room that the caller said there is counts. */
static char *on_fgets(char *to, int size, FILE *file)
{
    bounds_check(to, size > 0, ACCESS_WRITE, "fgets");
    char *line = real.fgets(to, size, file);
    if (line)
        bounds_check(to, strlen(line) + 1, ACCESS_WRITE, "fgets");
    return line;
}

static char *on_fgets_checked(char *to, size_t room, int size, FILE *file)
{
    bounds_check(to, size > 0, ACCESS_WRITE, "fgets");
    char *line = real.fgets_checked(to, room, size, file);
    if (line)
        bounds_check(to, strlen(line) + 1, ACCESS_WRITE, "fgets");
    return line;
}

static int on_puts(const char *s)
{
    string(s, "puts");
    return real.puts(s);
}

static int on_fputs(const char *s, FILE *file)
{
    string(s, "fputs");
    return real.fputs(s, file);
}

/* --- the table --- */

#define ROW(name, ours, place) CALLS(name, ours, place, name)
#define CALLS(name, ours, place, other)                                                                                \
    {                                                                                                                  \
        name, (void *)(ours), other, (void **)&real.place                                                              \
    }

static struct patch patches[] = {
    ROW("memcpy", on_memcpy, memcpy),
    ROW("mempcpy", on_mempcpy, mempcpy),
    ROW("memmove", on_memmove, memmove),
    ROW("memset", on_memset, memset),
    ROW("bzero", on_bzero, bzero),
    ROW("memcmp", on_memcmp, memcmp),
    ROW("bcmp", on_bcmp, bcmp),
    ROW("memchr", on_memchr, memchr),
    ROW("memrchr", on_memrchr, memrchr),
    ROW("memmem", on_memmem, memmem),
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
    ROW("wmemcpy", on_wmemcpy, wmemcpy),
    CALLS("sprintf", on_sprintf, vsprintf, "vsprintf"),
    CALLS("snprintf", on_snprintf, vsnprintf, "vsnprintf"),
    ROW("vsprintf", on_vsprintf, vsprintf),
    ROW("vsnprintf", on_vsnprintf, vsnprintf),
    ROW("read", on_read, read),
    ROW("pread", on_pread, pread),
    ROW("pread64", on_pread, pread),
    ROW("recv", on_recv, recv),
    ROW("write", on_write, write),
    ROW("pwrite", on_pwrite, pwrite),
    ROW("pwrite64", on_pwrite, pwrite),
    ROW("send", on_send, send),
    ROW("fread", on_fread, fread),
    ROW("fwrite", on_fwrite, fwrite),
    ROW("fgets", on_fgets, fgets),
    ROW("puts", on_puts, puts),
    ROW("fputs", on_fputs, fputs),
    ROW("__memcpy_chk", on_memcpy_checked, memcpy_checked),
    ROW("__mempcpy_chk", on_mempcpy_checked, mempcpy_checked),
    ROW("__memmove_chk", on_memmove_checked, memmove_checked),
    ROW("__memset_chk", on_memset_checked, memset_checked),
    ROW("__strcpy_chk", on_strcpy_checked, strcpy_checked),
    ROW("__stpcpy_chk", on_stpcpy_checked, stpcpy_checked),
    ROW("__strncpy_chk", on_strncpy_checked, strncpy_checked),
    ROW("__strcat_chk", on_strcat_checked, strcat_checked),
    ROW("__strncat_chk", on_strncat_checked, strncat_checked),
    ROW("__read_chk", on_read_checked, read_checked),
    CALLS("__sprintf_chk", on_sprintf_checked, vsprintf_checked, "__vsprintf_chk"),
    CALLS("__snprintf_chk", on_snprintf_checked, vsnprintf_checked, "__vsnprintf_chk"),
    ROW("__vsprintf_chk", on_vsprintf_checked, vsprintf_checked),
    ROW("__vsnprintf_chk", on_vsnprintf_checked, vsnprintf_checked),
    ROW("__fgets_chk", on_fgets_checked, fgets_checked),
};

void intercept_start(void)
{
    for (size_t i = 0; i < LENGTH(patches); i++)
        *patches[i].real = dlsym(RTLD_NEXT, patches[i].name_of_real);
    patch_sort(patches, LENGTH(patches));
    patch_all(patches, LENGTH(patches), true);
}

void intercept_refresh(void)
{
    patch_all(patches, LENGTH(patches), false);
}
