/*
 * locked.c - what is locked, and what may be.
 *
 * Whether a mapping is locked is one of its flags in smaps; its figure there counts shared pages in part.
 */
#include <loam/lock.h>

#include "sys/maps.h"
#include "sys/memory.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>

enum {
    STATUS_BYTES = 1024, /* of /proc/self/status at a time, */
    LINE_BYTES = 64,     /* and what is read again of it: more than the line of a figure */
    LOOK = 512,          /* pages that one call tells of */
};

static const char smaps[] = "/proc/self/smaps";

/* --- figures of the process --- */

/* "   123 kB", as bytes. */
static uint64_t take_bytes(const char *at)
{
    uint64_t kib = 0;

    for (; *at != '\n'; at++)
        if (*at >= '0' && *at <= '9')
            kib = kib * 10 + (uint64_t)(*at - '0');
    return kib * KIB;
}

/* The groups of the process stand before it, which may be thousands. */
static uint64_t find_locked(int fd)
{
    static const char name[] = "\nVmLck:";
    char text[STATUS_BYTES + 1];
    size_t kept = 0;
    ssize_t n;

    while ((n = sys_read(fd, text + kept, STATUS_BYTES - kept)) > 0) {
        size_t length = kept + (size_t)n;
        text[length] = '\0';
        const char *line = strstr(text, name);
        if (line && strchr(line + 1, '\n'))
            return take_bytes(line + strlen(name));
        kept = min_size(length, LINE_BYTES);
        memmove(text, text + length - kept, kept);
    }
    return UINT64_MAX;
}

PUBLIC uint64_t loam_locked_bytes(void)
{
    int fd = sys_open_read("/proc/self/status");

    if (fd < 0)
        return UINT64_MAX;
    uint64_t bytes = find_locked(fd);
    sys_close(fd);
    return bytes;
}

PUBLIC uint64_t loam_locked_limit(void)
{
    return sys_lock_limit();
}

PUBLIC uint64_t loam_locked_room(void)
{
    uint64_t limit = loam_locked_limit(), bytes = loam_locked_bytes();

    if (limit == UINT64_MAX)
        return limit;
    return bytes < limit ? limit - bytes : 0;
}

/* --- mappings --- */

/* The next locked one. */
static bool next_locked(struct maps *maps, struct mapping *out)
{
    while (maps_next(maps, out))
        if (out->locked)
            return true;
    return false;
}

PUBLIC int loam_locked_walk(int (*visit)(const struct loam_locked *mapping, void *context), void *context)
{
    struct maps maps;
    struct mapping mapping;
    int result = maps_open(&maps, smaps);

    if (result)
        return result;
    while (!result && next_locked(&maps, &mapping)) {
        const struct loam_locked locked = {
            .start = (void *)mapping.start,
            .size = mapping.end - mapping.start,
            .resident = mapping.memory.resident,
            .name = mapping.path,
        };
        result = visit(&locked, context);
    }
    maps_close(&maps);
    return result ? result : maps.error;
}

/* Add the bytes from `start` to `end` that are in memory. */
static int add_resident(uintptr_t start, uintptr_t end, size_t *bytes)
{
    size_t page = sys_page_size();
    unsigned char there[LOOK];

    while (start < end) {
        uintptr_t first = align_down(start, page), last = min_size(first + LOOK * page, align_up(end, page));
        int error = sys_resident((const void *)first, last - first, there);
        if (error)
            return error;
        for (uintptr_t at = first; at < last; at += page)
            if (there[(at - first) / page] & 1)
                *bytes += min_size(end, at + page) - max_size(start, at);
        start = last;
    }
    return 0;
}

PUBLIC int loam_locked_in(const void *start, size_t size, size_t *locked)
{
    struct maps maps;
    struct mapping mapping;
    uintptr_t end;
    size_t bytes = 0;

    if (__builtin_add_overflow((uintptr_t)start, size, &end))
        return -EINVAL;
    int error = maps_open(&maps, smaps);
    if (error)
        return error;
    while (!error && next_locked(&maps, &mapping)) {
        uintptr_t from = max_size((uintptr_t)start, mapping.start), to = min_size(end, mapping.end);
        if (from < to)
            error = add_resident(from, to, &bytes);
    }
    maps_close(&maps);
    error = error ? error : maps.error;
    if (!error)
        *locked = bytes;
    return error;
}
