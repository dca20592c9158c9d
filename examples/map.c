/*
 * map.c - loam/map.h: a file as memory that grows, a window of it, what happens when it is shortened, and a ring.
 */
#define _GNU_SOURCE
#include <loam/map.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct record {
    char text[32];
};

static void check(int error, const char *what)
{
    if (error)
        errx(1, "%s: %s", what, strerror(-error));
}

/* The room on the disk is there once the file has grown: no store to it meets a full disk. */
static void write_records(const char *path, int count)
{
    struct loam_map map;

    check(loam_map_open(path, LOAM_MAP_WRITE, &map), path);
    check(loam_map_resize(&map, (uint64_t)count * sizeof(struct record)), path);
    struct record *records = map.data; /* after the last resize: it may have moved */
    for (int i = 0; i < count; i++)
        snprintf(records[i].text, sizeof(records[i].text), "record %d", i);
    check(loam_map_sync(&map, 0, map.size, LOAM_MAP_SYNC_DATA), path); /* and it survives a crash of the machine */
    printf("written: %zu bytes\n", map.size);
    loam_map_close(&map);
}

/* A window may begin anywhere, and be of any size, whatever the size of a page. */
static void read_records(const char *path)
{
    const uint64_t first = 99990;
    struct record record;
    struct loam_map map;

    check(loam_map_open_window(path, LOAM_MAP_READ, first * sizeof(record), 10 * sizeof(record), &map), path);
    const struct record *records = map.data;
    printf("a window: %s to %s\n", records[0].text, records[9].text);

    if (truncate(path, sizeof(record)) != 0) /* as another process might */
        err(1, "truncate");
    int error = loam_map_read(&map, 0, &record, sizeof(record), NULL); /* records[0].text would be SIGBUS */
    printf("shortened: %s\n", error == -ENXIO ? "an error" : "no error");
    check(loam_map_window(&map, 0, LOAM_MAP_TO_END), path);
    printf("what is left: %s\n", ((const struct record *)map.data)->text);
    loam_map_close(&map);
}

/* The last lines of a log. One that wraps around the end is in one piece all the same. */
static void use_ring(void)
{
    struct loam_map ring;
    size_t end = 0, length = 0;

    check(loam_map_ring(4096, &ring), "loam_map_ring");
    for (int i = 0; end < ring.size; i++) {
        char line[32];
        length = (size_t)snprintf(line, sizeof(line), "line %d of a log", i);
        memcpy((char *)ring.data + end, line, length); /* the last one goes on at the start */
        end += length;
    }
    printf("wraps after %zu of %zu bytes: %.*s\n", length - (end - ring.size), length, (int)length,
           (char *)ring.data + end - length);
    loam_map_close(&ring);
}

int main(void)
{
    char path[] = "/tmp/loam-example-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0)
        err(1, "%s", path);
    close(fd);
    write_records(path, 100000);
    read_records(path);
    unlink(path);
    use_ring();
    return 0;
}
