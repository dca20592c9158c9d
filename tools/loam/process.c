/*
 * process.c - see process.h.
 *
 * Source: process_vm_readv(2), proc_pid_pagemap(5), proc_pid_syscall(5).
 */
#include "process.h"

#include "list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PATH_LENGTH = 64, PAGES_AT_ONCE = 512 };

#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_SWAPPED (1ull << 62)

int process_read(void *context, uintptr_t address, void *to, size_t size)
{
    pid_t pid = *(const pid_t *)context;
    struct iovec local = {.iov_base = to, .iov_len = size};
    struct iovec remote = {.iov_base = (void *)address, .iov_len = size};

    while (local.iov_len) {
        ssize_t n = process_vm_readv(pid, &local, 1, &remote, 1, 0);
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EFAULT;
        local = (struct iovec){.iov_base = (char *)local.iov_base + n, .iov_len = local.iov_len - (size_t)n};
        remote = (struct iovec){.iov_base = (char *)remote.iov_base + n, .iov_len = remote.iov_len - (size_t)n};
    }
    return 0;
}

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Read a small file of /proc as a string. Returns its length or -errno. */
static ssize_t read_file(const char *path, char *to, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, to, size - 1);
    if (n < 0)
        n = -errno;
    close(fd);
    to[n > 0 ? n : 0] = '\0';
    return n;
}

/* "NUMBER ARGUMENT... SP PC", "-1 SP PC", or "running". */
static uintptr_t stack_pointer(pid_t pid, int thread)
{
    char path[PATH_LENGTH], line[256];
    uintptr_t pointer = 0;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, thread);
    if (read_file(path, line, sizeof(line)) <= 0 || strncmp(line, "running", 7) == 0)
        return 0;
    char *last = strrchr(line, ' ');
    if (!last)
        return 0;
    *last = '\0';
    char *before = strrchr(line, ' ');
    if (before)
        pointer = (uintptr_t)strtoull(before + 1, NULL, 0);
    return pointer;
}

static int compare(const void *a, const void *b)
{
    return ((const struct layout_thread *)a)->id - ((const struct layout_thread *)b)->id;
}

static int add_thread(struct layout_thread **list, size_t *count, struct layout_thread thread)
{
    struct layout_thread *larger = list_grow(*list, *count, sizeof(*larger));

    if (!larger)
        return -ENOMEM;
    *list = larger;
    (*list)[(*count)++] = thread;
    return 0;
}

int process_threads(pid_t pid, struct layout_thread **list, size_t *count)
{
    char path[PATH_LENGTH];
    const struct dirent *entry;
    int error = 0;

    *list = NULL;
    *count = 0;
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    DIR *directory = opendir(path);
    if (!directory)
        return -errno;
    while (!error && (entry = readdir(directory))) {
        int id = atoi(entry->d_name);
        if (id > 0)
            error = add_thread(list, count, (struct layout_thread){.id = id, .stack_pointer = stack_pointer(pid, id)});
    }
    closedir(directory);
    if (error) {
        free(*list);
        *list = NULL;
        return error;
    }
    if (*count == 0)
        return -ESRCH;
    qsort(*list, *count, sizeof(**list), compare);
    for (size_t i = 1; i < *count; i++) { /* ids wrap around: the main thread's need not be the lowest */
        if ((*list)[i].id != pid)
            continue;
        struct layout_thread main = (*list)[i];
        memmove(*list + 1, *list, i * sizeof(**list));
        (*list)[0] = main;
    }
    return 0;
}

int process_present(pid_t pid, uintptr_t start, uintptr_t end, bool *present)
{
    char path[PATH_LENGTH];
    uint64_t entries[PAGES_AT_ONCE];
    size_t page = page_size(), last = (end - 1) / page;
    int error = 0;

    snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    for (size_t first = start / page; !error && first <= last;) {
        size_t count = min_size(last + 1 - first, PAGES_AT_ONCE);
        ssize_t n = pread(fd, entries, count * sizeof(entries[0]), (off_t)(first * sizeof(entries[0])));
        if (n < (ssize_t)sizeof(entries[0]))
            error = n < 0 ? -errno : -ESRCH;
        for (size_t i = 0; !error && i < (size_t)n / sizeof(entries[0]); i++, first++)
            for (uintptr_t unit = max_size(first * page, start); unit < min_size((first + 1) * page, end);
                 unit += PAGE_SIZE)
                present[(unit - start) / PAGE_SIZE] = entries[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED);
    }
    close(fd);
    return error;
}

int process_executable(pid_t pid, char *path, size_t size)
{
    char link[PATH_LENGTH];

    snprintf(link, sizeof(link), "/proc/%d/exe", pid);
    ssize_t length = readlink(link, path, size - 1);
    path[length > 0 ? length : 0] = '\0';
    return length < 0 ? -errno : 0;
}

void process_command(pid_t pid, char *text, size_t size)
{
    char path[PATH_LENGTH];

    snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
    ssize_t length = read_file(path, text, size);
    for (ssize_t i = 0; i + 1 < length; i++)
        if (text[i] == '\0')
            text[i] = ' ';
}

uint64_t process_started(pid_t pid)
{
    char path[PATH_LENGTH], text[1024];
    unsigned long long started = 0;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (read_file(path, text, sizeof(text)) <= 0)
        return 0;
    const char *at = strrchr(text, ')'); /* what is before it the process chooses itself */
    if (!at || sscanf(at + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
                      &started) != 1)
        return 0;
    return started;
}

size_t process_resident(pid_t pid)
{
    char path[PATH_LENGTH], text[128];
    size_t size = 0, resident = 0;

    snprintf(path, sizeof(path), "/proc/%d/statm", pid);
    if (read_file(path, text, sizeof(text)) <= 0 || sscanf(text, "%zu %zu", &size, &resident) != 2)
        return 0;
    return resident * page_size();
}

uint64_t process_stack_limit(pid_t pid)
{
    struct rlimit limit;

    if (prlimit(pid, RLIMIT_STACK, NULL, &limit) < 0)
        return 0;
    return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}
