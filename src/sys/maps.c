/* maps.c - see maps.h. */
#include "sys/maps.h"

#include "sys/call.h"
#include "sys/sys.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

static int next_byte(struct maps *maps)
{
    if (maps->next == maps->used) {
        ssize_t n = sys_read(maps->fd, maps->data, sizeof(maps->data));
        if (n < 0)
            maps->error = (int)n;
        if (n <= 0)
            return -1;
        maps->used = (size_t)n;
        maps->next = 0;
    }
    return (unsigned char)maps->data[maps->next++];
}

/* What does not fit is cut off. False when there is no line left. */
static bool next_line(struct maps *maps)
{
    size_t length = 0;
    int c;

    while ((c = next_byte(maps)) >= 0 && c != '\n')
        if (length + 1 < sizeof(maps->line))
            maps->line[length++] = (char)c;
    maps->line[length] = '\0';
    return c >= 0;
}

static unsigned digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : UINT32_MAX;
}

static uint64_t take_number(const char **at, unsigned base)
{
    uint64_t value = 0;

    for (; digit(**at) < base; (*at)++)
        value = value * base + digit(**at);
    return value;
}

static void skip(const char **at, char c)
{
    while (**at == c)
        (*at)++;
}

/* "5566-7788 rw-p 00001000 fe:01 1234    /path" */
static bool take_header(const char *at, struct mapping *out)
{
    *out = (struct mapping){.start = take_number(&at, 16)};
    if (*at++ != '-')
        return false;
    out->end = take_number(&at, 16);
    if (at[0] != ' ' || strlen(at) < sizeof(" rw-p ") - 1)
        return false;
    out->readable = at[1] == 'r';
    out->writable = at[2] == 'w';
    out->executable = at[3] == 'x';
    out->shared = at[4] == 's';
    at += sizeof(" rw-p ") - 1;
    out->offset = take_number(&at, 16);
    skip(&at, ' ');
    out->device_major = (unsigned)take_number(&at, 16);
    skip(&at, ':');
    out->device_minor = (unsigned)take_number(&at, 16);
    skip(&at, ' ');
    out->inode = take_number(&at, 10);
    skip(&at, ' ');
    size_t length = min_size(strlen(at), sizeof(out->path) - 1);
    memcpy(out->path, at, length);
    out->path[length] = '\0';
    return true;
}

/* Lines of figures have a name and a colon before the first digit; headers begin with their address. */
static bool is_header(const char *line)
{
    return digit(line[0]) < 16 && line[strspn(line, "0123456789abcdef")] == '-';
}

static const struct {
    const char *name;
    size_t offset;
} figures[] = {
    {"Rss:", offsetof(struct mapping_memory, resident)},
    {"Pss:", offsetof(struct mapping_memory, proportional)},
    {"Shared_Clean:", offsetof(struct mapping_memory, shared_clean)},
    {"Shared_Dirty:", offsetof(struct mapping_memory, shared_dirty)},
    {"Private_Clean:", offsetof(struct mapping_memory, private_clean)},
    {"Private_Dirty:", offsetof(struct mapping_memory, private_dirty)},
    {"Anonymous:", offsetof(struct mapping_memory, anonymous)},
    {"AnonHugePages:", offsetof(struct mapping_memory, huge)},
    {"ShmemPmdMapped:", offsetof(struct mapping_memory, huge)},
    {"FilePmdMapped:", offsetof(struct mapping_memory, huge)},
    {"Private_Hugetlb:", offsetof(struct mapping_memory, huge)},
    {"Shared_Hugetlb:", offsetof(struct mapping_memory, huge)},
    {"Swap:", offsetof(struct mapping_memory, swapped)},
    {"Locked:", offsetof(struct mapping_memory, locked)},
};

/* "VmFlags: rd wr mr mw me lo ac" */
static void take_flags(const char *line, struct mapping *out)
{
    static const char name[] = "VmFlags:";

    if (strncmp(line, name, sizeof(name) - 1) == 0)
        out->locked = strstr(line, " lo ") != NULL;
}

static void take_figure(const char *line, struct mapping_memory *out)
{
    size_t length = strcspn(line, " ");

    for (size_t i = 0; i < LENGTH(figures); i++) {
        if (strlen(figures[i].name) != length || memcmp(line, figures[i].name, length) != 0)
            continue;
        const char *at = line + length;
        skip(&at, ' ');
        *(uint64_t *)((char *)out + figures[i].offset) += take_number(&at, 10) * KIB;
    }
}

int maps_open(struct maps *maps, const char *path)
{
    int fd = sys_open_read(path);

    maps->fd = fd;
    maps->error = fd < 0 ? fd : 0;
    maps->held = false;
    maps->used = maps->next = 0;
    return maps->error;
}

bool maps_next(struct maps *maps, struct mapping *out)
{
    if (!maps->held && !next_line(maps))
        return false;
    maps->held = false;
    if (!take_header(maps->line, out))
        return false;
    while (next_line(maps)) {
        if (is_header(maps->line)) {
            maps->held = true;
            return true;
        }
        take_figure(maps->line, &out->memory);
        take_flags(maps->line, out);
    }
    return maps->error == 0;
}

/* The kernel's, which older headers lack. */
struct query {
    uint64_t size, wanted, address;
    uint64_t start, end, flags, page_size, offset, inode;
    uint32_t device_major, device_minor, name_size, build_id_size;
    uint64_t name, build_id;
};

static_assert(sizeof(struct query) == 104, "struct procmap_query");

enum { QUERY_READABLE = 1, QUERY_WRITABLE = 2, QUERY_EXECUTABLE = 4, QUERY_SHARED = 8 };

int maps_find(struct maps *maps, uintptr_t address, struct mapping *out)
{
    struct query query = {.size = sizeof(query), .address = address};
    long result = sys_call("ioctl", SYS_ioctl, maps->fd, _IOWR('f', 17, struct query), (long)&query, 0, 0, 0);

    if (result < 0)
        return (int)result;
    *out = (struct mapping){
        .start = query.start,
        .end = query.end,
        .readable = query.flags & QUERY_READABLE,
        .writable = query.flags & QUERY_WRITABLE,
        .executable = query.flags & QUERY_EXECUTABLE,
        .shared = query.flags & QUERY_SHARED,
        .device_major = query.device_major,
        .device_minor = query.device_minor,
        .offset = query.offset,
        .inode = query.inode,
    };
    return 0;
}

void maps_close(struct maps *maps)
{
    if (maps->fd >= 0)
        sys_close(maps->fd);
    maps->fd = -1;
}
