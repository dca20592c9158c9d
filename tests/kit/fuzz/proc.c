/*
 * proc.c - the files of /proc that facilities read: the input is what they hold, in pieces of any length, with errors.
 *
 * All of it is the kernel's, but names of files, which anyone chooses.
 */
#include "fuzz.h"

#include <loam/lock.h>
#include <loam/protect.h>

#include "sys/maps.h"
#include "sys/memory.h"
#include "sys/sys.h"

#include <errno.h>

enum { DESCRIPTOR = 1000 };

static struct {
    struct input text;
    size_t left;  /* of the text, from the start, that has not been read */
    size_t piece; /* bytes that a read has at most */
    int error;    /* of the read after the last; 0 for an end */
    bool open;
} file;

int __wrap_sys_open_read(const char *path);
ssize_t __wrap_sys_read(int fd, void *buffer, size_t size);
int __wrap_sys_close(int fd);
int __wrap_sys_resident(const void *address, size_t size, unsigned char *pages);
int __wrap_maps_find(struct maps *maps, uintptr_t address, struct mapping *out);

int __wrap_sys_open_read(const char *path)
{
    EXPECT(strncmp(path, "/proc/self/", 11) == 0 && !file.open);
    file.open = true;
    file.left = file.text.size;
    return DESCRIPTOR;
}

ssize_t __wrap_sys_read(int fd, void *buffer, size_t size)
{
    size_t n = min_size(min_size(size, file.piece), file.left);

    EXPECT(fd == DESCRIPTOR && file.open && size > 0);
    memcpy(buffer, file.text.data + file.text.size - file.left, n);
    file.left -= n;
    return n ? (ssize_t)n : file.error;
}

int __wrap_sys_close(int fd)
{
    EXPECT(fd == DESCRIPTOR && file.open);
    file.open = false;
    return 0;
}

int __wrap_sys_resident(const void *address, size_t size, unsigned char *pages)
{
    (void)address;
    memset(pages, 0xff, divide_up(size, PAGE_SIZE));
    return 0;
}

/* As before Linux 6.11. */
int __wrap_maps_find(struct maps *maps, uintptr_t address, struct mapping *out)
{
    (void)maps;
    (void)address;
    (void)out;
    return -ENOTTY;
}

static int visit(const struct loam_locked *mapping, void *context)
{
    EXPECT(strlen(mapping->name) < MAPS_PATH);
    return (--*(int *)context == 0) * 77;
}

static void walk(struct input *input)
{
    int visits = take(input);
    int result = loam_locked_walk(visit, &visits);

    EXPECT(result == 77 || result == 0 || result == file.error);
}

static void count(struct input *input)
{
    uintptr_t start = take_number(input, 5);
    size_t size = take_number(input, 3), locked = 0;
    int error = loam_locked_in((void *)start, size, &locked);

    EXPECT(error || locked <= file.text.size * size);
}

static void ask(struct input *input)
{
    uintptr_t address = take_number(input, 6);
    struct loam_protection protection;

    if (loam_protection((void *)address, &protection) == 0)
        EXPECT(address - (uintptr_t)protection.start < protection.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int errors[] = {0, -EIO, -ENOMEM, -EINTR};
    struct input input = {data, size};
    unsigned what = take(&input), arguments = 8;

    file.piece = take(&input) + 1u;
    file.error = errors[what / 4 % LENGTH(errors)];
    file.text = input;
    while (arguments-- && file.text.size)
        take(&file.text);
    switch (what % 4) {
    case 0:
        loam_locked_bytes();
        break;
    case 1:
        walk(&input);
        break;
    case 2:
        count(&input);
        break;
    default:
        ask(&input);
    }
    EXPECT(!file.open);
    return 0;
}
