/*
 * map.c - the contract of loam/map.h: files, windows and resize. map_pages.c, map_fault.c, map_disk.c and map_inject.c
 * have the rest.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <loam/map.h>

#include "access.h"
#include "child.h"
#include "files.h"
#include "seed.h"

enum { KIB = 1 << 10, MIB = 1 << 20, NOBODY = 65534, STEPS = 3000 };

#define GIB ((uint64_t)1 << 30)

static size_t page;

static void test_a_whole_file(void **state)
{
    const struct files *files = *state;
    struct loam_map map;

    files_write(files, 100001);
    assert_int_equal(loam_map_open(files->path, LOAM_MAP_READ, &map), 0);
    assert_int_equal(map.size, 100001);
    assert_int_equal(map.file_size, 100001);
    assert_int_equal(map.offset, 0);
    assert_int_equal(files_differ(map.data, 0, map.size), 0);
    loam_map_close(&map);
}

static void test_closing_leaves_nothing_and_may_be_repeated(void **state)
{
    const struct files *files = *state;
    struct loam_map map, zeroes = {0};
    size_t descriptors = files_open_count(), pages = files_address_pages();

    files_write(files, 100001);
    assert_int_equal(loam_map_open(files->path, LOAM_MAP_WRITE | LOAM_MAP_GUARDED, &map), 0);
    loam_map_close(&map);
    assert_memory_equal(&map, &zeroes, sizeof(map));
    loam_map_close(&map);
    assert_int_equal(files_open_count(), descriptors);
    assert_int_equal(files_address_pages(), pages);
}

static void test_an_empty_file_maps_to_nothing(void **state)
{
    const struct files *files = *state;
    struct loam_map map;

    files_write(files, 0);
    assert_int_equal(loam_map_open(files->path, LOAM_MAP_WRITE | LOAM_MAP_PREFAULT | LOAM_MAP_HUGE, &map), 0);
    assert_null(map.data);
    assert_int_equal(map.size, 0);
    assert_int_equal(loam_map_advise(&map, 0, 0, LOAM_MAP_ADVICE_RANDOM), 0);
    assert_int_equal(loam_map_protect(&map, LOAM_MAP_ACCESS_READ), 0);
    assert_int_equal(loam_map_prefault(&map, 0, 0), 0);
    assert_int_equal(loam_map_prefault(&map, 0, 1), -EINVAL);
    assert_int_equal(loam_map_sync(&map, 0, 0, LOAM_MAP_SYNC_ENTRY), 0);
    assert_int_equal(loam_map_resize(&map, 5000), 0);
    memset(map.data, 'a', 5000);
    loam_map_close(&map);
    assert_int_equal(files_size(files), 5000);
}

static void assert_not_opened(const char *path, unsigned flags, int error)
{
    struct loam_map map, before;

    memset(&map, 7, sizeof(map));
    before = map;
    assert_int_equal(loam_map_open(path, flags, &map), error);
    assert_memory_equal(&map, &before, sizeof(map));
}

static void test_what_is_no_file(void **state)
{
    const struct files *files = *state;
    size_t descriptors = files_open_count();
    struct loam_map map;
    int ends[2];

    assert_not_opened(files->path, LOAM_MAP_READ, -ENOENT);
    assert_not_opened(files->directory, LOAM_MAP_READ, -EISDIR);
    assert_not_opened(files->directory, LOAM_MAP_WRITE, -EISDIR);
    assert_not_opened("/dev/null", LOAM_MAP_WRITE, -ENODEV);
    assert_int_equal(mkfifo(files->path, 0600), 0);
    assert_not_opened(files->path, LOAM_MAP_READ, -ESPIPE);
    assert_int_equal(loam_map_open_fd(-1, LOAM_MAP_READ, 0, LOAM_MAP_TO_END, &map), -EBADF);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(loam_map_open_fd(ends[0], LOAM_MAP_READ, 0, LOAM_MAP_TO_END, &map), -ESPIPE);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(files_open_count(), descriptors);
}

static void test_flags_that_do_not_go_together(void **state)
{
    const struct files *files = *state;
    const unsigned wrong[] = {LOAM_MAP_WRITE | LOAM_MAP_COPY,      LOAM_MAP_CREATE, LOAM_MAP_COPY | LOAM_MAP_CREATE,
                              LOAM_MAP_WRITE | LOAM_MAP_EXCLUSIVE, LOAM_MAP_SHARED, 1u << 30};
    struct loam_map map;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_not_opened(files->path, wrong[i], -EINVAL);
    assert_int_equal(files_size(files), -1);
    assert_int_equal(loam_map_open_fd(0, LOAM_MAP_WRITE | LOAM_MAP_CREATE, 0, 0, &map), -EINVAL);
    assert_int_equal(loam_map_anonymous(1, LOAM_MAP_WRITE, &map), -EINVAL);
    assert_int_equal(loam_map_anonymous(1, 1u << 30, &map), -EINVAL);
}

static void test_create(void **state)
{
    const struct files *files = *state;
    struct loam_map map;

    assert_int_equal(loam_map_open(files->path, LOAM_MAP_WRITE | LOAM_MAP_CREATE | LOAM_MAP_EXCLUSIVE, &map), 0);
    assert_int_equal(loam_map_resize(&map, 10), 0);
    memcpy(map.data, "0123456789", 10);
    loam_map_close(&map);
    assert_not_opened(files->path, LOAM_MAP_WRITE | LOAM_MAP_CREATE | LOAM_MAP_EXCLUSIVE, -EEXIST);
    assert_int_equal(loam_map_open(files->path, LOAM_MAP_WRITE | LOAM_MAP_CREATE, &map), 0);
    assert_int_equal(map.size, 10);
    assert_memory_equal(map.data, "0123456789", 10);
    loam_map_close(&map);
}

static void test_an_open_file_stays_the_callers(void **state)
{
    const struct files *files = *state;
    struct loam_map map;

    files_write(files, 9000);
    int fd = open(files->path, O_RDONLY);
    assert_int_equal(loam_map_open_fd(fd, LOAM_MAP_READ, 5, 5000, &map), 0);
    close(fd);
    assert_int_equal(files_differ(map.data, 5, 5000), 0);
    assert_int_equal(loam_map_window(&map, 6000, LOAM_MAP_TO_END), 0);
    assert_int_equal(map.size, 3000);
    loam_map_close(&map);
}

/* --- ways to map --- */

static void test_stores_reach_the_file(void **state)
{
    const struct files *files = *state;
    struct loam_map map;
    char now[3];

    files_write(files, 10000);
    assert_int_equal(loam_map_open(files->path, LOAM_MAP_WRITE, &map), 0);
    memcpy((char *)map.data + 5000, "new", 3);
    files_read(files, 5000, now, 3);
    assert_memory_equal(now, "new", 3);
    loam_map_close(&map);
}

static void test_a_copy_leaves_the_file_alone(void **state)
{
    const struct files *files = *state;
    struct loam_map map;
    char now[10000];

    files_write(files, sizeof(now));
    assert_int_equal(loam_map_open(files->path, LOAM_MAP_COPY | LOAM_MAP_PREFAULT, &map), 0);
    memset((char *)map.data + 5000, 0, 100);
    assert_int_equal(loam_map_advise(&map, 0, map.size, LOAM_MAP_ADVICE_DONT_NEED), 0);
    assert_int_equal(*((char *)map.data + 5050), 0);
    assert_int_equal(loam_map_sync(&map, 0, map.size, LOAM_MAP_SYNC_DATA), -EACCES);
    assert_int_equal(loam_map_resize(&map, 1), -EACCES);
    loam_map_close(&map);
    files_read(files, 0, now, sizeof(now));
    assert_int_equal(files_differ(now, 0, sizeof(now)), 0);
}

static void test_a_map_for_reading_cannot_be_stored_to(void **state)
{
    const struct files *files = *state;
    struct loam_map map;

    files_write(files, 100);
    assert_int_equal(loam_map_open(files->path, LOAM_MAP_READ, &map), 0);
    assert_dies(access_store, map.data, SIGSEGV);
    assert_int_equal(loam_map_write(&map, 0, "x", 1, NULL), -EACCES);
    assert_int_equal(loam_map_protect(&map, LOAM_MAP_ACCESS_READ_WRITE), -EACCES);
    assert_int_equal(loam_map_resize(&map, 1), -EACCES);
    assert_int_equal(loam_map_sync(&map, 0, 100, LOAM_MAP_SYNC_DATA), -EACCES);
    assert_int_equal(files_size(files), 100);
    loam_map_close(&map);
}

static void open_as_nobody(void *path)
{
    struct loam_map map;

    REQUIRE(getuid() != 0 || setuid(NOBODY) == 0);
    REQUIRE(loam_map_open(path, LOAM_MAP_READ, &map) == -EACCES);
    REQUIRE(loam_map_open(path, LOAM_MAP_WRITE, &map) == -EACCES);
}

static void test_a_file_that_may_not_be_read(void **state)
{
    struct files *files = *state;

    files_write(files, 100);
    assert_int_equal(chmod(files->path, 0), 0);
    assert_child_succeeds(open_as_nobody, files->path);
}

static void test_a_removed_file_stays_mapped(void **state)
{
    const struct files *files = *state;
    struct loam_map map;

    files_write(files, 10000);
    assert_int_equal(loam_map_open(files->path, LOAM_MAP_WRITE, &map), 0);
    unlink(files->path);
    assert_int_equal(loam_map_resize(&map, 20000), 0);
    ((char *)map.data)[19999] = 1;
    assert_int_equal(loam_map_sync(&map, 0, map.size, LOAM_MAP_SYNC_ENTRY), 0);
    assert_int_equal(files_differ(map.data, 0, 10000), 0);
    loam_map_close(&map);
}

/* --- windows --- */

static void test_windows_of_any_offset_and_size(void **state)
{
    const struct files *files = *state;
    const size_t offsets[] = {0, 1, 100, 4095, 4096, 4097, 65535, 65536, 70001, 99999};
    const size_t sizes[] = {1, 2, 4095, 4096, 4097, 30001};
    struct loam_map map;

    files_write(files, 100000);
    assert_int_equal(loam_map_open_window(files->path, LOAM_MAP_READ, 0, 0, &map), 0);
    assert_null(map.data);
    for (size_t i = 0; i < 10; i++) {
        for (size_t j = 0; j < 6; j++) {
            size_t rest = 100000 - offsets[i];
            assert_int_equal(loam_map_window(&map, offsets[i], sizes[j]), 0);
            assert_int_equal(map.size, sizes[j] < rest ? sizes[j] : rest);
            assert_int_equal(map.offset, offsets[i]);
            assert_int_equal(files_differ(map.data, map.offset, map.size), 0);
        }
    }
    loam_map_close(&map);
}

static void test_windows_at_the_end_and_past_it(void **state)
{
    const struct files *files = *state;
    struct loam_map map, before;

    files_write(files, 10000);
    assert_not_opened(files->path, 1u << 20, -EINVAL);
    assert_int_equal(loam_map_open_window(files->path, LOAM_MAP_READ, 10001, 1, &map), -ENXIO);
    assert_int_equal(loam_map_open(files->path, LOAM_MAP_READ, &map), 0);
    before = map;
    assert_int_equal(loam_map_window(&map, 10001, 1), -ENXIO);
    assert_int_equal(loam_map_window(&map, UINT64_MAX, SIZE_MAX), -ENXIO);
    assert_memory_equal(&map, &before, sizeof(map));
    assert_int_equal(files_differ(map.data, 0, 10000), 0);
    assert_int_equal(loam_map_window(&map, 9999, SIZE_MAX), 0);
    assert_int_equal(map.size, 1);
    assert_int_equal(loam_map_window(&map, 10000, SIZE_MAX), 0);
    assert_int_equal(map.size, 0);
    assert_null(map.data);
    loam_map_close(&map);
}

static void test_a_window_shows_what_others_have_added(void **state)
{
    const struct files *files = *state;
    struct loam_map map;

    files_write(files, 10000);
    assert_int_equal(loam_map_open(files->path, LOAM_MAP_READ, &map), 0);
    files_write(files, 50000);
    assert_int_equal(map.size, 10000);
    assert_int_equal(loam_map_window(&map, 0, LOAM_MAP_TO_END), 0);
    assert_int_equal(map.file_size, 50000);
    assert_int_equal(files_differ(map.data, 0, 50000), 0);
    loam_map_close(&map);
}

static void test_a_file_larger_than_memory(void **state)
{
    const struct files *files = *state;
    const uint64_t size = 64 * GIB + 5;
    struct loam_map map;
    int fd;

    files_write_hole(files, size);
    fd = open(files->path, O_WRONLY);
    assert_int_equal(pwrite(fd, "end", 3, (off_t)(size - 3)), 3);
    close(fd);
    assert_int_equal(loam_map_open(files->path, LOAM_MAP_COPY, &map), 0);
    assert_int_equal(map.size, size);
    assert_memory_equal((char *)map.data + size - 3, "end", 3);
    for (uint64_t at = 0; at < size; at += GIB)
        assert_int_equal(((char *)map.data)[at], 0);
    loam_map_close(&map);
    assert_int_equal(loam_map_open_window(files->path, LOAM_MAP_WRITE, size - 3, MIB, &map), 0);
    assert_memory_equal(map.data, "end", 3);
    assert_int_equal(loam_map_window(&map, 33 * GIB + 1, MIB), 0);
    memcpy(map.data, "middle", 6);
    assert_int_equal(loam_map_window(&map, 33 * GIB, 10), 0);
    assert_memory_equal(map.data, "\0middle\0\0\0", 10);
    loam_map_close(&map);
}

/* --- resize --- */

static void test_what_is_added_is_zeroes_with_room_on_the_disk(void **state)
{
    const struct files *files = *state;
    struct loam_map map;

    files_write(files, 10001);
    assert_int_equal(loam_map_open(files->path, LOAM_MAP_WRITE, &map), 0);
    assert_int_equal(loam_map_resize(&map, 3 * MIB), 0);
    assert_int_equal(map.size, 3 * MIB);
    assert_int_equal(map.file_size, 3 * MIB);
    assert_int_equal(files_size(files), 3 * MIB);
    assert_true(files_room(files) >= 3 * MIB);
    assert_int_equal(files_differ(map.data, 0, 10001), 0);
    for (size_t i = 10001; i < map.size; i++)
        assert_int_equal(((char *)map.data)[i], 0);
    loam_map_close(&map);
}

static void test_what_is_cut_off_does_not_come_back(void **state)
{
    const struct files *files = *state;
    struct loam_map map;

    files_write(files, 100000);
    assert_int_equal(loam_map_open(files->path, LOAM_MAP_WRITE, &map), 0);
    void *data = map.data;
    assert_int_equal(loam_map_resize(&map, 5000), 0);
    assert_ptr_equal(map.data, data);
    assert_int_equal(map.size, 5000);
    assert_int_equal(files_size(files), 5000);
    assert_int_equal(loam_map_resize(&map, 100000), 0);
    assert_int_equal(files_differ(map.data, 0, 5000), 0);
    for (size_t i = 5000; i < map.size; i++)
        assert_int_equal(((char *)map.data)[i], 0);
    assert_int_equal(loam_map_resize(&map, 0), 0);
    assert_null(map.data);
    assert_int_equal(loam_map_resize(&map, 10), 0);
    assert_memory_equal(map.data, "\0\0\0\0\0\0\0\0\0\0", 10);
    loam_map_close(&map);
}

static void test_windows_follow_a_resize(void **state)
{
    const struct files *files = *state;
    struct loam_map map;

    files_write(files, 50000);
    assert_int_equal(loam_map_open_window(files->path, LOAM_MAP_WRITE, 10001, 20000, &map), 0);
    assert_int_equal(loam_map_resize(&map, 60000), 0);
    assert_int_equal(map.size, 20000);
    assert_int_equal(loam_map_resize(&map, 20000), 0);
    assert_int_equal(map.size, 9999);
    assert_int_equal(files_differ(map.data, 10001, 9999), 0);
    assert_int_equal(loam_map_resize(&map, 30000), 0);
    assert_int_equal(map.size, 19999);
    assert_int_equal(files_differ(map.data, 10001, 9999), 0);
    assert_int_equal(loam_map_resize(&map, 10), 0);
    assert_int_equal(map.size, 0);
    assert_int_equal(files_size(files), 10);
    loam_map_close(&map);
}

/* Several mappings, of which mremap(2) lengthens none. */
static void test_a_window_with_advice_for_a_part_grows(void **state)
{
    const struct files *files = *state;
    const unsigned kinds[] = {0, LOAM_MAP_GUARDED};
    struct loam_map map;

    for (int i = 0; i < 2; i++) {
        size_t pages = files_address_pages();
        files_write(files, 100000);
        assert_int_equal(loam_map_open_window(files->path, LOAM_MAP_WRITE | kinds[i], 5000, LOAM_MAP_TO_END, &map), 0);
        assert_int_equal(loam_map_advise(&map, 20000, 1, LOAM_MAP_ADVICE_RANDOM), 0);
        assert_int_equal(loam_map_resize(&map, MIB), 0);
        assert_int_equal(map.offset, 5000);
        assert_int_equal(map.size, MIB - 5000);
        assert_int_equal(map.file_size, MIB);
        assert_int_equal(files_differ(map.data, 5000, 95000), 0);
        ((char *)map.data)[map.size - 1] = 1;
        loam_map_close(&map);
        assert_int_equal(files_address_pages(), pages);
    }
}

/* Others have lengthened the file meanwhile, so that a window of a shorter one is longer. */
static void test_a_shorter_file_may_have_a_longer_window(void **state)
{
    const struct files *files = *state;
    struct loam_map map;

    files_write(files, 10000);
    assert_int_equal(loam_map_open_window(files->path, LOAM_MAP_WRITE, 100, LOAM_MAP_TO_END, &map), 0);
    files_write(files, 100000);
    assert_int_equal(loam_map_resize(&map, 50001), 0);
    assert_int_equal(map.size, 49901);
    assert_int_equal(map.file_size, 50001);
    assert_int_equal(files_size(files), 50001);
    assert_int_equal(files_differ(map.data, 100, map.size), 0);
    loam_map_close(&map);
}

static void resize_beyond_the_limit(void *path)
{
    struct loam_map map;

    setrlimit(RLIMIT_FSIZE, &(struct rlimit){100000, 100000});
    REQUIRE(loam_map_open(path, LOAM_MAP_WRITE, &map) == 0);
    REQUIRE(loam_map_resize(&map, 100001) == -EFBIG);
    REQUIRE(map.size == 10 && files_differ(map.data, 0, 10) == 0);
    REQUIRE(loam_map_resize(&map, 100000) == 0);
}

static void test_sizes_that_no_file_may_have(void **state)
{
    struct files *files = *state;
    struct loam_map map;

    files_write(files, 10);
    assert_int_equal(loam_map_open(files->path, LOAM_MAP_WRITE, &map), 0);
    assert_int_equal(loam_map_resize(&map, UINT64_MAX), -EFBIG);
    assert_int_equal(loam_map_resize(&map, (uint64_t)INT64_MAX + 1), -EFBIG);
    assert_int_equal(map.size, 10);
    loam_map_close(&map);
    assert_child_succeeds(resize_beyond_the_limit, files->path);
    assert_int_equal(files_size(files), 100000);
}

/* --- everything at once --- */

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    return seed_next(&seed) % below;
}

struct model {
    unsigned char bytes[MIB];
    size_t size;
};

static void step_at_random(struct loam_map *map, struct model *model)
{
    size_t size = draw(sizeof(model->bytes)), at = draw(model->size + 1);

    switch (draw(4)) {
    case 0:
        assert_int_equal(loam_map_resize(map, size), 0);
        if (size > model->size)
            memset(model->bytes + model->size, 0, size - model->size);
        model->size = size;
        break;
    case 1:
        assert_int_equal(loam_map_window(map, at, draw(2) ? LOAM_MAP_TO_END : size), 0);
        assert_int_equal(map->offset, at);
        break;
    default:
        at = draw(map->size + 1);
        size = draw(map->size - at + 1);
        if (size > 0) {
            memset((char *)map->data + at, (int)size, size);
            memset(model->bytes + map->offset + at, (int)size, size);
        }
    }
}

static void test_at_random(void **state)
{
    const struct files *files = *state;
    static struct model model;
    const unsigned kinds[] = {0, LOAM_MAP_GUARDED, LOAM_MAP_HUGE};
    size_t pages = files_address_pages();

    seed = seed_take();
    for (int kind = 0; kind < 3; kind++) {
        struct loam_map map;
        files_write(files, 0);
        model.size = 0;
        assert_int_equal(loam_map_open(files->path, LOAM_MAP_WRITE | kinds[kind], &map), 0);
        for (int step = 0; step < STEPS / 3; step++) {
            step_at_random(&map, &model);
            assert_int_equal(files_size(files), model.size);
            if (map.size > 0)
                assert_memory_equal(map.data, model.bytes + map.offset, map.size);
        }
        loam_map_close(&map);
        assert_int_equal(loam_map_open(files->path, LOAM_MAP_READ, &map), 0);
        assert_int_equal(map.size, model.size);
        if (map.size > 0)
            assert_memory_equal(map.data, model.bytes, model.size);
        loam_map_close(&map);
    }
    assert_int_equal(files_address_pages(), pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(test_a_whole_file),
        ON_DISK(test_closing_leaves_nothing_and_may_be_repeated),
        ON_DISK(test_an_empty_file_maps_to_nothing),
        ON_DISK(test_what_is_no_file),
        ON_DISK(test_flags_that_do_not_go_together),
        ON_DISK(test_create),
        ON_DISK(test_an_open_file_stays_the_callers),
        ON_DISK(test_stores_reach_the_file),
        ON_DISK(test_a_copy_leaves_the_file_alone),
        ON_DISK(test_a_map_for_reading_cannot_be_stored_to),
        ON_DISK(test_a_file_that_may_not_be_read),
        ON_DISK(test_a_removed_file_stays_mapped),
        ON_DISK(test_windows_of_any_offset_and_size),
        ON_DISK(test_windows_at_the_end_and_past_it),
        ON_DISK(test_a_window_shows_what_others_have_added),
        ON_DISK(test_a_file_larger_than_memory),
        ON_DISK(test_what_is_added_is_zeroes_with_room_on_the_disk),
        ON_DISK(test_what_is_cut_off_does_not_come_back),
        ON_DISK(test_windows_follow_a_resize),
        ON_DISK(test_a_window_with_advice_for_a_part_grows),
        ON_DISK(test_a_shorter_file_may_have_a_longer_window),
        ON_DISK(test_sizes_that_no_file_may_have),
        ON_DISK(test_at_random),
        IN_MEMORY(test_a_whole_file),
        IN_MEMORY(test_an_empty_file_maps_to_nothing),
        IN_MEMORY(test_stores_reach_the_file),
        IN_MEMORY(test_a_copy_leaves_the_file_alone),
        IN_MEMORY(test_a_removed_file_stays_mapped),
        IN_MEMORY(test_a_file_larger_than_memory),
        IN_MEMORY(test_what_is_added_is_zeroes_with_room_on_the_disk),
        IN_MEMORY(test_what_is_cut_off_does_not_come_back),
        IN_MEMORY(test_at_random),
    };

    page = (size_t)sysconf(_SC_PAGESIZE);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
