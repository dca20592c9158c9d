/*
 * map.c - loam/map.h beside what else reads and writes files: read(2), fread(3), pread(2), pwrite(2), plain mmap(2).
 *
 *     kit-bench-map [DIRECTORY [MIB]]   files of MIB (1024) in DIRECTORY (".")
 *
 * Each line: part, who, median, unit; with tabs between them. All subjects are measured in turn within each round, as
 * what else the machine does changes from one minute to the next. Cold is after posix_fadvise(2) has taken the
 * file out of memory; the disk's own caches stay warm.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <loam/map.h>

enum {
    ROUNDS = 11,
    SUBJECTS_MOST = 8,
    BUFFER = 256 << 10,
    READS = 200000,
    COMMITS = 100,
    RECORD = 64,
    CHUNK = 1 << 20
};

static char path[4096];
static size_t file_size;
static volatile uint64_t sink;

static void check(int holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    exit(1);
}

static void check_map(int error, const char *what)
{
    errno = -error;
    check(error == 0, what);
}

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static uint64_t random_next(void)
{
    static uint64_t state = 1;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 33;
}

static size_t random_record(void)
{
    return random_next() % (file_size / RECORD) * RECORD;
}

/* As fast as memory is read: what is measured is how the bytes come. */
static uint64_t sum(const void *data, size_t size)
{
    const uint64_t *words = data;
    uint64_t a = 0, b = 0, c = 0, d = 0;

    for (size_t i = 0; i + 4 <= size / 8; i += 4) {
        a ^= words[i];
        b ^= words[i + 1];
        c ^= words[i + 2];
        d ^= words[i + 3];
    }
    return a ^ b ^ c ^ d;
}

static int open_file(void)
{
    int fd = open(path, O_RDWR);

    check(fd >= 0, path);
    return fd;
}

/* A file of bytes that are on the disk, and not in memory. */
static void write_file(void)
{
    static char bytes[CHUNK];
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    check(fd >= 0, path);
    for (size_t i = 0; i < CHUNK; i++)
        bytes[i] = (char)(i * 7);
    for (size_t at = 0; at < file_size; at += CHUNK)
        check(write(fd, bytes, CHUNK) == CHUNK, path);
    check(fsync(fd) == 0, path);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

static void evict(void)
{
    int fd = open_file();

    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

/* --- rounds --- */

struct subject {
    const char *name;
    void (*run)(void);
    double times[ROUNDS]; /* ns */
};

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *times, size_t n)
{
    qsort(times, n, sizeof(*times), compare_times);
    return times[n / 2];
}

/* A new order for each round: each leaves the machine to the next as it likes. */
static void shuffle(size_t *order, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t j = random_next() % (i + 1);
        order[i] = order[j];
        order[j] = i;
    }
}

/* In ns for each of `pieces`; 0: as GB/s. */
static void measure(const char *part, struct subject *subjects, size_t n, double pieces, int is_cold)
{
    for (int round = 0; round < ROUNDS; round++) {
        size_t order[SUBJECTS_MOST];
        shuffle(order, n);
        for (size_t i = 0; i < n; i++) {
            struct subject *subject = &subjects[order[i]];
            if (is_cold)
                evict();
            double start = now_ns();
            subject->run();
            subject->times[round] = now_ns() - start;
        }
    }
    for (size_t i = 0; i < n; i++) {
        double ns = median(subjects[i].times, ROUNDS);
        if (pieces > 0)
            printf("%s\t%s\t%.1f\tns\n", part, subjects[i].name, ns / pieces);
        else
            printf("%s\t%s\t%.2f\tGB/s\n", part, subjects[i].name, (double)file_size / ns);
    }
    fflush(stdout);
}

/* --- from one end to the other --- */

static void scan_loam_huge(void)
{
    struct loam_map map;

    check_map(loam_map_open(path, LOAM_MAP_READ | LOAM_MAP_HUGE, &map), path);
    sink = sum(map.data, map.size);
    loam_map_close(&map);
}

static void scan_loam(void)
{
    struct loam_map map;

    check_map(loam_map_open(path, LOAM_MAP_READ, &map), path);
    sink = sum(map.data, map.size);
    loam_map_close(&map);
}

/* As a file is read that may be shortened meanwhile. */
static void scan_guarded(void)
{
    static char buffer[BUFFER];
    struct loam_map map;

    check_map(loam_map_open(path, LOAM_MAP_READ | LOAM_MAP_HUGE, &map), path);
    for (size_t at = 0; at < map.size; at += BUFFER) {
        check_map(loam_map_read(&map, at, buffer, BUFFER, NULL), path);
        sink = sum(buffer, BUFFER);
    }
    loam_map_close(&map);
}

static void scan_mmap(void)
{
    int fd = open_file();
    void *data = mmap(NULL, file_size, PROT_READ, MAP_SHARED, fd, 0);

    check(data != MAP_FAILED, path);
    sink = sum(data, file_size);
    munmap(data, file_size);
    close(fd);
}

static void scan_read(void)
{
    static char buffer[BUFFER];
    int fd = open_file();

    for (size_t at = 0; at < file_size; at += BUFFER) {
        check(read(fd, buffer, BUFFER) == BUFFER, path);
        sink = sum(buffer, BUFFER);
    }
    close(fd);
}

static void scan_fread(void)
{
    static char buffer[4096];
    FILE *file = fopen(path, "r");

    check(file != NULL, path);
    while (fread(buffer, sizeof(buffer), 1, file) == 1)
        sink = sum(buffer, sizeof(buffer));
    fclose(file);
}

/* --- here and there: all is mapped and in memory --- */

static struct loam_map random_map;
static int random_fd;

static void random_data(void)
{
    for (int i = 0; i < READS; i++)
        sink = sum((char *)random_map.data + random_record(), RECORD);
}

static void random_guarded(void)
{
    char record[RECORD] __attribute__((aligned(8)));

    for (int i = 0; i < READS; i++) {
        check_map(loam_map_read(&random_map, random_record(), record, RECORD, NULL), path);
        sink = sum(record, RECORD);
    }
}

static void random_pread(void)
{
    char record[RECORD] __attribute__((aligned(8)));

    for (int i = 0; i < READS; i++) {
        check(pread(random_fd, record, RECORD, (off_t)random_record()) == RECORD, path);
        sink = sum(record, RECORD);
    }
}

static void measure_random(void)
{
    struct subject subjects[] = {
        {"loam data", random_data, {0}}, {"loam_map_read", random_guarded, {0}}, {"pread", random_pread, {0}}};

    check_map(loam_map_open(path, LOAM_MAP_READ | LOAM_MAP_PREFAULT, &random_map), path);
    random_fd = open_file();
    measure("random 64 bytes", subjects, 3, READS, 0);
    close(random_fd);
    loam_map_close(&random_map);
}

/* --- a guard alone --- */

static char guarded_byte;

static void guard_one(void)
{
    for (int i = 0; i < READS; i++)
        loam_map_read(&random_map, 64, &guarded_byte, 1, NULL);
}

static void guard_none(void)
{
    for (int i = 0; i < READS; i++)
        *(volatile char *)&guarded_byte = ((volatile char *)random_map.data)[64];
}

static void measure_guard(void)
{
    struct subject subjects[] = {{"loam_map_read", guard_one, {0}}, {"a load", guard_none, {0}}};

    check_map(loam_map_anonymous(4096, LOAM_MAP_PREFAULT, &random_map), "anonymous");
    measure("one byte, hot", subjects, 2, READS, 0);
    loam_map_close(&random_map);
}

/* --- a record to the disk --- */

struct writer {
    const char *name;
    void (*commit)(struct writer *writer, const char *record, size_t at);
    int is_random; /* the file comes into memory page by page */
    int fd;
    struct loam_map map;
    double times[COMMITS];
};

static void commit_pwrite(struct writer *writer, const char *record, size_t at)
{
    check(pwrite(writer->fd, record, RECORD, (off_t)at) == RECORD && fdatasync(writer->fd) == 0, path);
}

static void commit_map(struct writer *writer, const char *record, size_t at)
{
    memcpy((char *)writer->map.data + at, record, RECORD);
    check_map(loam_map_sync(&writer->map, at, RECORD, LOAM_MAP_SYNC_DATA), path);
}

/* A file of its own, in memory as it comes by reading it. */
static void prepare(struct writer *writer)
{
    write_file();
    writer->fd = open_file();
    check_map(loam_map_open(path, LOAM_MAP_WRITE, &writer->map), path);
    unlink(path);
    if (writer->is_random) {
        posix_fadvise(writer->fd, 0, 0, POSIX_FADV_RANDOM);
        loam_map_advise(&writer->map, 0, writer->map.size, LOAM_MAP_ADVICE_RANDOM);
    }
    for (size_t at = 0; at < file_size; at += 4096)
        sink = ((volatile char *)writer->map.data)[at];
}

static void measure_commits(void)
{
    static struct writer writers[] = {
        {.name = "pwrite, fdatasync", .commit = commit_pwrite},
        {.name = "loam_map_sync", .commit = commit_map},
        {.name = "pwrite, fdatasync, random", .commit = commit_pwrite, .is_random = 1},
        {.name = "loam_map_sync, random", .commit = commit_map, .is_random = 1},
    };
    const size_t n = sizeof(writers) / sizeof(writers[0]);
    char record[RECORD];

    for (size_t i = 0; i < n; i++)
        prepare(&writers[i]);
    for (int round = 0; round < COMMITS; round++) {
        size_t order[SUBJECTS_MOST];
        shuffle(order, n);
        memset(record, round, RECORD);
        for (size_t i = 0; i < n; i++) {
            struct writer *writer = &writers[order[i]];
            size_t at = random_record();
            double start = now_ns();
            writer->commit(writer, record, at);
            writer->times[round] = now_ns() - start;
        }
    }
    for (size_t i = 0; i < n; i++) {
        printf("commit 64 bytes\t%s\t%.1f\tus\n", writers[i].name, median(writers[i].times, COMMITS) / 1000);
        loam_map_close(&writers[i].map);
        close(writers[i].fd);
    }
}

int main(int argc, char **argv)
{
    struct subject scans[] = {{"loam, huge", scan_loam_huge, {0}},
                              {"loam", scan_loam, {0}},
                              {"loam_map_read 256 KiB", scan_guarded, {0}},
                              {"mmap", scan_mmap, {0}},
                              {"read 256 KiB", scan_read, {0}},
                              {"fread 4 KiB", scan_fread, {0}}};

    file_size = (size_t)(argc > 2 ? atoi(argv[2]) : 1024) << 20;
    snprintf(path, sizeof(path), "%s/kit-bench-map.%d", argc > 1 ? argv[1] : ".", (int)getpid());
    write_file();
    measure("scan, cold", scans, 6, 0, 1);
    measure("scan, warm", scans, 6, 0, 0);
    measure_random();
    measure_guard();
    unlink(path);
    file_size = 64 << 20;
    measure_commits();
    return 0;
}
