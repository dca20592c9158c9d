/*
 * map.c - loam/map.h beside what else reads and writes files: read(2), fread(3), pread(2), pwrite(2), plain mmap(2).
 *
 *     kit-bench-map [DIRECTORY [MIB]]   files of MIB (256) in DIRECTORY (".")
 *
 * Cold is after posix_fadvise(2) has taken the file out of memory; the disk's own caches stay warm.
 */
#include <loam/map.h>

#include "rounds.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <unistd.h>

enum {
    BUFFER = 256 << 10,
    PIECE = 4096,
    READS = 200000,
    COMMITS = 10,
    RECORD = 64,
    CHUNK = 1 << 20,
    COMMIT_FILE = 64 << 20
};

static char path[4096];
static size_t file_size;
static const char *file_system;
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

static const char *name_file_system(const char *directory)
{
    static char number[32];
    struct statfs at;

    check(statfs(directory, &at) == 0, directory);
    switch ((unsigned long)at.f_type) {
    case EXT4_SUPER_MAGIC:
        return "ext4";
    case XFS_SUPER_MAGIC:
        return "xfs";
    case BTRFS_SUPER_MAGIC:
        return "btrfs";
    case OVERLAYFS_SUPER_MAGIC:
        return "overlayfs";
    case TMPFS_MAGIC:
        return "tmpfs";
    }
    snprintf(number, sizeof(number), "%#lx", (unsigned long)at.f_type); /* of statfs(2) */
    return number;
}

/* With the size of the file, and where it is. */
static const char *title(const char *what)
{
    static char text[64];

    snprintf(text, sizeof(text), "map: %s, %zu MiB on %s", what, file_size >> 20, file_system);
    return text;
}

/* --- from one end to the other, of a file of so many pieces --- */

static void scan_loam_huge(size_t pieces)
{
    struct loam_map map;

    check_map(loam_map_open(path, LOAM_MAP_READ | LOAM_MAP_HUGE, &map), path);
    sink = sum(map.data, pieces * PIECE);
    loam_map_close(&map);
}

static void scan_loam(size_t pieces)
{
    struct loam_map map;

    check_map(loam_map_open(path, LOAM_MAP_READ, &map), path);
    sink = sum(map.data, pieces * PIECE);
    loam_map_close(&map);
}

/* As a file is read that may be shortened meanwhile. */
static void scan_guarded(size_t pieces)
{
    static char buffer[BUFFER];
    struct loam_map map;

    check_map(loam_map_open(path, LOAM_MAP_READ | LOAM_MAP_HUGE, &map), path);
    for (size_t at = 0; at < pieces * PIECE; at += BUFFER) {
        check_map(loam_map_read(&map, at, buffer, BUFFER, NULL), path);
        sink = sum(buffer, BUFFER);
    }
    loam_map_close(&map);
}

static void scan_mmap(size_t pieces)
{
    int fd = open_file();
    void *data = mmap(NULL, pieces * PIECE, PROT_READ, MAP_SHARED, fd, 0);

    check(data != MAP_FAILED, path);
    sink = sum(data, pieces * PIECE);
    munmap(data, pieces * PIECE);
    close(fd);
}

static void scan_read(size_t pieces)
{
    static char buffer[BUFFER];
    int fd = open_file();

    for (size_t at = 0; at < pieces * PIECE; at += BUFFER) {
        check(read(fd, buffer, BUFFER) == BUFFER, path);
        sink = sum(buffer, BUFFER);
    }
    close(fd);
}

static void scan_fread(size_t pieces)
{
    static char buffer[PIECE];
    FILE *file = fopen(path, "r");

    check(file != NULL, path);
    for (size_t i = 0; i < pieces; i++) {
        check(fread(buffer, PIECE, 1, file) == 1, path);
        sink = sum(buffer, PIECE);
    }
    fclose(file);
}

static void compare_scans(void)
{
    struct subject subjects[] = {
        {.name = "loam, huge", .run = scan_loam_huge},
        {.name = "loam", .run = scan_loam},
        {.name = "loam_map_read 256 KiB", .run = scan_guarded},
        {.name = "mmap", .run = scan_mmap},
        {.name = "read 256 KiB", .run = scan_read},
        {.name = "fread 4 KiB", .run = scan_fread},
    };

    rounds_run_prepared(subjects, 6, file_size / PIECE, evict);
    rounds_print(title("4 KiB of a cold scan"), subjects, 6);
    rounds_run(subjects, 6, file_size / PIECE);
    rounds_print(title("4 KiB of a warm scan"), subjects, 6);
}

/* --- here and there: all is mapped and in memory --- */

static struct loam_map random_map;
static int random_fd;

static void random_data(size_t times)
{
    for (size_t i = 0; i < times; i++)
        sink = sum((char *)random_map.data + random_record(), RECORD);
}

static void random_guarded(size_t times)
{
    char record[RECORD] __attribute__((aligned(8)));

    for (size_t i = 0; i < times; i++) {
        check_map(loam_map_read(&random_map, random_record(), record, RECORD, NULL), path);
        sink = sum(record, RECORD);
    }
}

static void random_pread(size_t times)
{
    char record[RECORD] __attribute__((aligned(8)));

    for (size_t i = 0; i < times; i++) {
        check(pread(random_fd, record, RECORD, (off_t)random_record()) == RECORD, path);
        sink = sum(record, RECORD);
    }
}

static void compare_random(void)
{
    struct subject subjects[] = {
        {.name = "loam data", .run = random_data},
        {.name = "loam_map_read", .run = random_guarded},
        {.name = "pread", .run = random_pread},
    };

    check_map(loam_map_open(path, LOAM_MAP_READ | LOAM_MAP_PREFAULT, &random_map), path);
    random_fd = open_file();
    rounds_run(subjects, 3, READS);
    rounds_print(title("random 64 bytes"), subjects, 3);
    close(random_fd);
    loam_map_close(&random_map);
}

/* --- a guard alone --- */

static char guarded_byte;

static void guard_one(size_t times)
{
    for (size_t i = 0; i < times; i++)
        loam_map_read(&random_map, 64, &guarded_byte, 1, NULL);
}

static void guard_none(size_t times)
{
    for (size_t i = 0; i < times; i++)
        *(volatile char *)&guarded_byte = ((volatile char *)random_map.data)[64];
}

static void compare_guard(void)
{
    struct subject subjects[] = {{.name = "loam_map_read", .run = guard_one}, {.name = "a load", .run = guard_none}};

    check_map(loam_map_anonymous(4096, LOAM_MAP_PREFAULT, &random_map), "anonymous");
    rounds_run(subjects, 2, READS);
    rounds_print("map: one byte, hot", subjects, 2);
    loam_map_close(&random_map);
}

/* --- a record to the disk --- */

struct writer {
    int is_random; /* no read-ahead: the file comes into memory page by page */
    int fd;
    struct loam_map map;
};

static struct writer to_write, to_write_random = {.is_random = 1}, to_map, to_map_random = {.is_random = 1};

static void commit_write(const struct writer *writer, size_t times)
{
    char record[RECORD];

    for (size_t i = 0; i < times; i++) {
        memset(record, (int)i, RECORD);
        check(pwrite(writer->fd, record, RECORD, (off_t)random_record()) == RECORD, path);
        check(fdatasync(writer->fd) == 0, path);
    }
}

static void commit_map(const struct writer *writer, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        size_t at = random_record();
        memset((char *)writer->map.data + at, (int)i, RECORD);
        check_map(loam_map_sync(&writer->map, at, RECORD, LOAM_MAP_SYNC_DATA), path);
    }
}

static void run_write(size_t times)
{
    commit_write(&to_write, times);
}

static void run_write_random(size_t times)
{
    commit_write(&to_write_random, times);
}

static void run_map(size_t times)
{
    commit_map(&to_map, times);
}

static void run_map_random(size_t times)
{
    commit_map(&to_map_random, times);
}

/* A file of its own, in memory as it comes by reading it. */
static void prepare_writer(struct writer *writer)
{
    write_file();
    writer->fd = open_file();
    check_map(loam_map_open(path, LOAM_MAP_WRITE, &writer->map), path);
    unlink(path);
    if (writer->is_random) {
        posix_fadvise(writer->fd, 0, 0, POSIX_FADV_RANDOM);
        loam_map_advise(&writer->map, 0, writer->map.size, LOAM_MAP_ADVICE_RANDOM);
    }
    for (size_t at = 0; at < file_size; at += PIECE)
        sink = ((volatile char *)writer->map.data)[at];
}

static void compare_commits(void)
{
    struct writer *writers[] = {&to_write, &to_write_random, &to_map, &to_map_random};
    struct subject subjects[] = {
        {.name = "loam_map_sync", .run = run_map},
        {.name = "pwrite, fdatasync", .run = run_write},
        {.name = "loam_map_sync, no read-ahead", .run = run_map_random},
        {.name = "pwrite, fdatasync, no read-ahead", .run = run_write_random},
    };

    file_size = COMMIT_FILE;
    for (int i = 0; i < 4; i++)
        prepare_writer(writers[i]);
    rounds_run(subjects, 4, COMMITS);
    rounds_print_in(title("commit 64 bytes"), "us", 1000, subjects, 4);
    for (int i = 0; i < 4; i++) {
        loam_map_close(&writers[i]->map);
        close(writers[i]->fd);
    }
}

int main(int argc, char **argv)
{
    const char *directory = argc > 1 ? argv[1] : ".";

    file_size = (size_t)(argc > 2 ? atoi(argv[2]) : 256) << 20;
    file_system = name_file_system(directory);
    snprintf(path, sizeof(path), "%s/kit-bench-map.%d", directory, (int)getpid());
    write_file();
    compare_scans();
    compare_random();
    compare_guard();
    unlink(path);
    compare_commits();
    return 0;
}
