/*
 * fake.c - in libloam.so's place: leaves a record whose figures are made up, so that what `loam run` prints is known.
 *
 * The environment says how it departs from the standard one: FAKE_RECORD=KIND makes it a bad one; FAKE_PEAK=MIB is its
 * peak of resident memory; FAKE_PROGRAM=NAME its program.
 */
#include "image/summary.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)
#define MS  ((uint64_t)1000000)

static const struct summary_class classes[] = {
    /* size, slabs, allocations, requested, live, live bytes, cached, free, span */
    {16, 1, 1000, 12000, 500, 8000, 100, 3496, 65536},
    {64, 4, 12345678, 700000000, 3000, 192000, 64, 1032, 262144},
    {4096, 20, 400, 1500000, 300, 1228800, 12, 8, 1310720},
    {48, 0, 5, 200, 0, 0, 0, 0, 0},
    {0, 1, 2, 3000000, 1, 3 * MIB, 0, 0, 3 * MIB},
};

static struct summary record = {
    .magic = SUMMARY_MAGIC,
    .size = sizeof(record),
    .class_count = sizeof(classes) / sizeof(classes[0]),
    .start_ns = 1000 * MS,
    .end_ns = 3500 * MS,
    .user_ns = 1250 * MS,
    .system_ns = 12 * MS,
    .resident_peak = 100 * MIB,
    .resident_exit = 60 * MIB + MIB / 2,
    .faults_minor = 25600,
    .faults_major = 3,
    .allocations = 12347085,
    .frees = 12343284,
    .requested_bytes = 704512200,
    .live_bytes_peak = 80 * MIB,
    .live_objects_at_peak = 1234567,
    .live_bytes_exit = 4574528,
    .live_objects_exit = 3801,
    .committed_bytes = 96 * MIB,
    .dirty_bytes = 2 * MIB,
    .metadata_bytes = 300 * 1024,
    .threads_peak = 4,
    .program = "fake",
};

/* What follows the last "summary=" of LOAM_OPTIONS. */
static bool directory(char *to, size_t size)
{
    const char *options = getenv("LOAM_OPTIONS"), *last = NULL;

    for (const char *at = options; at && (at = strstr(at, "summary=")); at++)
        last = at + strlen("summary=");
    if (!last)
        return false;
    snprintf(to, size, "%.*s", (int)strcspn(last, ","), last);
    return true;
}

/* Make the record a bad one. Returns how many bytes of it to write. */
static size_t spoil(const char *kind)
{
    if (strcmp(kind, "garbage") == 0)
        memset(&record, 'x', sizeof(record));
    else if (strcmp(kind, "version") == 0)
        record.size += 8;
    else if (strcmp(kind, "classes") == 0)
        record.class_count = SUMMARY_CLASSES + 1;
    else if (strcmp(kind, "name") == 0)
        memset(record.program, 'x', sizeof(record.program));
    else if (strcmp(kind, "pid") == 0)
        record.pid++;
    else if (strcmp(kind, "short") == 0)
        return 100;
    else if (strcmp(kind, "empty") == 0)
        return 0;
    else if (strcmp(kind, "huge") == 0)
        memset(&record.start_ns, 0xff, offsetof(struct summary, program) - offsetof(struct summary, start_ns));
    else if (strcmp(kind, "zero") == 0)
        memset(&record.start_ns, 0, offsetof(struct summary, program) - offsetof(struct summary, start_ns));
    return sizeof(record);
}

static void fill(void)
{
    const char *peak = getenv("FAKE_PEAK"), *program = getenv("FAKE_PROGRAM");

    memcpy(record.classes, classes, sizeof(classes));
    record.pid = getpid();
    record.parent_pid = getppid();
    if (peak)
        record.resident_peak = (uint64_t)atoi(peak) * MIB;
    if (program)
        snprintf(record.program, sizeof(record.program), "%s", program);
}

__attribute__((destructor)) static void leave(void)
{
    const char *kind = getenv("FAKE_RECORD");
    char path[512], where[400];
    size_t size = sizeof(record);

    if (!directory(where, sizeof(where)))
        return;
    fill();
    snprintf(path, sizeof(path), "%s/%d.0", where, (int)getpid());
    if (kind)
        size = spoil(kind);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, &record, size) != (ssize_t)size)
        fprintf(stderr, "fake: cannot write %s\n", path);
    if (fd >= 0)
        close(fd);
}
