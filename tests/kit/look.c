/* look.c - see look.h. Source: proc(5), /proc/PID/maps, mem and pagemap. */
#include "look.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096, BLOCK = 512, STACK = 65536 };

static const uint64_t LARGE = (uint64_t)8 << 30; /* such a mapping is addresses for later */

void look_wait(void)
{
    char byte;

    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}

static int keep(void *unused)
{
    (void)unused;
    look_wait();
}

pid_t look_keep(void)
{
    static char stack[STACK];
    return clone(keep, stack + STACK, CLONE_VM, NULL);
}

int look_in(const unsigned char *data, size_t size, const void *needle, size_t needle_size)
{
    int count = 0;

    for (const unsigned char *at = data; (at = memmem(at, size - (size_t)(at - data), needle, needle_size)); at++)
        count++;
    return count;
}

static int open_of(pid_t pid, const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static int look_in_mapping(int mem, int pagemap, uint64_t start, uint64_t end, const void *needle, size_t needle_size)
{
    static uint64_t entries[BLOCK];
    unsigned char page[PAGE];
    int count = 0;

    for (uint64_t at = start; at < end; at += BLOCK * PAGE) {
        size_t pages = (end - at) / PAGE < BLOCK ? (end - at) / PAGE : BLOCK;
        if (pread(pagemap, entries, pages * 8, (off_t)(at / PAGE * 8)) != (ssize_t)(pages * 8))
            return count;
        for (size_t i = 0; i < pages; i++)
            if (entries[i] >> 62 && pread(mem, page, PAGE, (off_t)(at + i * PAGE)) == PAGE)
                count += look_in(page, PAGE, needle, needle_size);
    }
    return count;
}

int look_for(pid_t pid, const void *needle, size_t needle_size)
{
    int fds[] = {open_of(pid, "maps"), open_of(pid, "mem"), open_of(pid, "pagemap")};
    FILE *maps = fds[0] < 0 ? NULL : fdopen(fds[0], "r");
    int count = maps && fds[1] >= 0 && fds[2] >= 0 ? 0 : -1;
    uint64_t start, end;
    char line[512];

    while (count >= 0 && fgets(line, sizeof(line), maps))
        if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) == 2 && end - start < LARGE && end >> 47 == 0)
            count += look_in_mapping(fds[1], fds[2], start, end, needle, needle_size);
    if (maps)
        fclose(maps);
    for (size_t i = 1; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    return count;
}
