/*
 * intercept_memory.c - memcpy() and its like: whatever takes a size.
 *
 * All of the bytes are checked, even where the function need not get to the last; but for memchr(), which may not.
 * Source: C17, 7.24 and 7.29.4.
 */
#include "sample/intercept_group.h"

#include <string.h>
#include <strings.h>
#include <wchar.h>

typedef void *copy_checked(void *to, const void *from, size_t size, size_t room);
typedef void *set_checked(void *to, int byte, size_t size, size_t room);

static struct {
    __typeof__(memcpy) *memcpy, *memmove, *mempcpy;
    __typeof__(memset) *memset;
    __typeof__(bzero) *bzero;
    __typeof__(memcmp) *memcmp, *bcmp;
    void *(*memchr)(const void *, int, size_t);
    void *(*memrchr)(const void *, int, size_t);
    __typeof__(memmem) *memmem;
    __typeof__(wmemcpy) *wmemcpy;
    copy_checked *memcpy_checked, *memmove_checked, *mempcpy_checked;
    set_checked *memset_checked;
} real;

static void check_copy(void *to, const void *from, size_t size, const char *name)
{
    bounds_check(from, size, ACCESS_READ, name);
    bounds_check(to, size, ACCESS_WRITE, name);
}

static void check_copy_apart(void *to, const void *from, size_t size, const char *name)
{
    check_copy(to, from, size, name);
    bounds_check_apart(to, from, size, name);
}

static void *on_memcpy(void *to, const void *from, size_t size)
{
    check_copy_apart(to, from, size, "memcpy");
    return real.memcpy(to, from, size);
}

static void *on_mempcpy(void *to, const void *from, size_t size)
{
    check_copy_apart(to, from, size, "mempcpy");
    return real.mempcpy(to, from, size);
}

static void *on_memmove(void *to, const void *from, size_t size)
{
    check_copy(to, from, size, "memmove");
    return real.memmove(to, from, size);
}

static void *on_memcpy_checked(void *to, const void *from, size_t size, size_t room)
{
    check_copy_apart(to, from, size, "memcpy");
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

static wchar_t *on_wmemcpy(wchar_t *to, const wchar_t *from, size_t count)
{
    check_copy(to, from, count * sizeof(*from), "wmemcpy");
    return real.wmemcpy(to, from, count);
}

static const struct patch patches[] = {
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
    ROW("wmemcpy", on_wmemcpy, wmemcpy),
    ROW("__memcpy_chk", on_memcpy_checked, memcpy_checked),
    ROW("__mempcpy_chk", on_mempcpy_checked, mempcpy_checked),
    ROW("__memmove_chk", on_memmove_checked, memmove_checked),
    ROW("__memset_chk", on_memset_checked, memset_checked),
};

const struct intercept_group intercept_memory = {patches, LENGTH(patches)};
