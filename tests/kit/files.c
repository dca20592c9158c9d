/* files.c - see files.h. */
#include "files.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct files *files_new(const char *where)
{
    struct files *files = malloc(sizeof(*files));

    assert_non_null(files);
    snprintf(files->directory, sizeof(files->directory), "%s/loam-XXXXXX", where);
    assert_non_null(mkdtemp(files->directory));
    snprintf(files->path, sizeof(files->path), "%s/file", files->directory);
    return files;
}

void files_delete(struct files *files)
{
    unlink(files->path);
    rmdir(files->directory);
    free(files);
}

int files_set_up(void **state)
{
    *state = files_new("/tmp");
    return 0;
}

int files_set_up_in_memory(void **state)
{
    *state = files_new("/dev/shm");
    return 0;
}

int files_tear_down(void **state)
{
    files_delete(*state);
    return 0;
}

unsigned char files_byte(uint64_t offset)
{
    return (unsigned char)(offset * 31 + (offset >> 8) * 17 + 1);
}

void files_write(const struct files *files, size_t size)
{
    unsigned char *data = malloc(size + 1);
    int fd = open(files->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    for (size_t i = 0; i < size; i++)
        data[i] = files_byte(i);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    close(fd);
    free(data);
}

void files_write_hole(const struct files *files, uint64_t size)
{
    files_write(files, 0);
    files_truncate(files, size);
}

void files_truncate(const struct files *files, uint64_t size)
{
    assert_int_equal(truncate(files->path, (off_t)size), 0);
}

int64_t files_size(const struct files *files)
{
    struct stat stat_of;
    return stat(files->path, &stat_of) == 0 ? stat_of.st_size : -1;
}

int64_t files_room(const struct files *files)
{
    struct stat stat_of;
    return stat(files->path, &stat_of) == 0 ? stat_of.st_blocks * 512 : -1;
}

size_t files_differ(const void *data, uint64_t offset, size_t n)
{
    const unsigned char *bytes = data;
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += bytes[i] != files_byte(offset + i);
    return count;
}

void files_read(const struct files *files, uint64_t offset, void *out, size_t n)
{
    int fd = open(files->path, O_RDONLY);

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, out, n, (off_t)offset), n);
    close(fd);
}

size_t files_open_count(void)
{
    DIR *directory = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

size_t files_address_pages(void)
{
    char text[64] = "";
    int fd = open("/proc/self/statm", O_RDONLY);

    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    return strtoul(text, NULL, 10);
}
