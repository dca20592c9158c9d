/* bounds.c - see bounds.h. */
#include "sample/bounds.h"

#include "sample/check.h"

#include <string.h>

static void tell(enum finding_kind kind, const struct checked *object, const void *address, size_t size,
                 enum finding_access access, const char *function)
{
    struct finding finding = checked_finding(kind, object, address);
    size_t length = min_size(strlen(function), sizeof(finding.function) - 1);

    finding.access = (uint8_t)access;
    finding.length = size;
    memcpy(finding.function, function, length);
    finding_stop(&finding);
}

void bounds_check(const void *p, size_t size, enum finding_access access, const char *function)
{
    struct checked object;
    uintptr_t start = (uintptr_t)p;

    if (size == 0 || !check_near(p, &object))
        return;
    uintptr_t end = object.start + object.size;
    if (*object.life == LIFE_FREED)
        tell(FINDING_AFTER_FREE, &object, p, size, access, function);
    else if (start < object.start)
        tell(FINDING_UNDERFLOW, &object, p, size, access, function);
    else if (start >= end || size > end - start)
        tell(FINDING_OVERFLOW, &object, (const void *)(start > end ? start : end), size, access, function);
}

size_t bounds_check_string(const char *string, size_t max, const char *function)
{
    struct checked object;

    if (max == 0 || !check_near(string, &object))
        return strnlen(string, max);
    uintptr_t start = (uintptr_t)string, end = object.start + object.size;
    if (*object.life == LIFE_FREED || start < object.start || start >= end) {
        bounds_check(string, 1, ACCESS_READ, function);
        return strnlen(string, max);
    }
    size_t room = end - start;
    size_t length = strnlen(string, min_size(room, max));
    if (length == room && room < max) {
        tell(FINDING_OVERFLOW, &object, (const void *)end, length + 1, ACCESS_READ, function);
        length = strnlen(string, max);
    }
    return length;
}

void bounds_check_apart(const void *a, const void *b, size_t size, const char *function)
{
    uintptr_t from = (uintptr_t)a, to = (uintptr_t)b;
    struct checked object;

    if (from == to || from - to + size - 1 >= 2 * size - 1 || size == 0)
        return;
    tell(FINDING_OVERLAP, check_near(a, &object) ? &object : NULL, a, size, ACCESS_WRITE, function);
}
