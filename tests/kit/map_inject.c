/*
 * map_inject.c - loam/map.h where the kernel refuses a call, or is too old for it: an error that says so, and
 * nothing is lost or left behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <loam/map.h>

#include "access.h"
#include "child.h"
#include "files.h"

#include "sys/sys.h"

enum { MEBI = 1 << 20, SIZE = 100000 };

static size_t page;

static struct {
    const char *name; /* of the call that fails; NULL: by its number */
    long error;
    int number; /* of calls from now on */
    int failed;
} injection;

static long inject(const char *call)
{
    bool fails = injection.name ? strcmp(call, injection.name) == 0 : injection.number-- == 0;

    if (!fails)
        return 0;
    injection.failed++;
    return injection.error;
}

static void fail_calls(const char *name, long error)
{
    injection.name = name;
    injection.error = error;
    injection.failed = 0;
    sys_inject = inject;
}

static int open_and_close(const struct files *files, unsigned flags)
{
    struct loam_map map, untouched;

    memset(&map, 7, sizeof(map));
    untouched = map;
    int error = loam_map_open(files->path, flags, &map);
    if (error)
        assert_memory_equal(&map, &untouched, sizeof(map));
    else
        loam_map_close(&map);
    return error;
}

static int open_plain(const struct files *files)
{
    return open_and_close(files, LOAM_MAP_READ);
}

static int open_with_all(const struct files *files)
{
    return open_and_close(files, LOAM_MAP_WRITE | LOAM_MAP_GUARDED | LOAM_MAP_PREFAULT);
}

static int open_fd(const struct files *files)
{
    struct loam_map map;
    int fd = open(files->path, O_RDONLY);
    int error = loam_map_open_fd(fd, LOAM_MAP_READ, 0, LOAM_MAP_TO_END, &map);

    close(fd);
    if (!error)
        loam_map_close(&map);
    return error;
}

static int make_anonymous(const struct files *files)
{
    struct loam_map map;
    int error = loam_map_anonymous(3 * MEBI, LOAM_MAP_GUARDED | LOAM_MAP_PREFAULT, &map);

    (void)files;
    if (!error)
        loam_map_close(&map);
    return error;
}

static int make_ring(const struct files *files)
{
    struct loam_map map;
    int error = loam_map_ring(SIZE, &map);

    (void)files;
    if (!error)
        loam_map_close(&map);
    return error;
}

/* What changes a map leaves it, its data and the file as they were when it fails. */
static int change(const struct files *files, unsigned flags, int (*body)(struct loam_map *map))
{
    long (*saved)(const char *) = sys_inject;
    struct loam_map map, before;

    sys_inject = NULL;
    assert_int_equal(loam_map_open_window(files->path, LOAM_MAP_WRITE | flags, 5000, LOAM_MAP_TO_END, &map), 0);
    before = map;
    sys_inject = saved;
    int error = body(&map);
    sys_inject = NULL;
    if (error) {
        assert_memory_equal(&map, &before, sizeof(map));
        assert_int_equal(files_size(files), SIZE);
        assert_int_equal(files_differ(map.data, 5000, SIZE - 5000), 0);
    }
    loam_map_close(&map);
    files_write(files, SIZE);
    sys_inject = saved;
    return error;
}

static int grow(struct loam_map *map)
{
    return loam_map_resize(map, 10 * SIZE);
}

static int shrink(struct loam_map *map)
{
    return loam_map_resize(map, SIZE / 2);
}

static int slide(struct loam_map *map)
{
    return loam_map_window(map, 1, 20000);
}

static int sync_data(struct loam_map *map)
{
    return loam_map_sync(map, 0, 10, LOAM_MAP_SYNC_DATA);
}

static int sync_start(struct loam_map *map)
{
    return loam_map_sync(map, 0, 10, LOAM_MAP_SYNC_START);
}

static int sync_entry(struct loam_map *map)
{
    return loam_map_sync(map, 0, 10, LOAM_MAP_SYNC_ENTRY);
}

static int advise(struct loam_map *map)
{
    int error = loam_map_advise(map, 0, 10, LOAM_MAP_ADVICE_WILL_NEED);
    return error ? error : loam_map_advise(map, 0, 10, LOAM_MAP_ADVICE_DONT_NEED);
}

static int protect(struct loam_map *map)
{
    int error = loam_map_protect(map, LOAM_MAP_ACCESS_READ);
    return error ? error : loam_map_check(map);
}

static int (*const scenarios[])(const struct files *files) = {open_plain, open_with_all, open_fd, make_anonymous,
                                                              make_ring};

static const struct {
    int (*body)(struct loam_map *map);
    unsigned flags;
    int forgiven; /* calls that may fail without an error */
} changes[] = {
    {grow, 0, 1},                /* the limit is taken as none */
    {grow, LOAM_MAP_GUARDED, 3}, /* addresses that stay */
    {shrink, 0, 1},
    {shrink, LOAM_MAP_GUARDED, 1},
    {slide, 0, 1},
    {slide, LOAM_MAP_GUARDED, 1},
    {sync_data, 0, 0},
    {sync_start, 0, 0},
    {sync_entry, 0, 3}, /* without /proc or the directory all is written; close */
    {advise, 0, 0},
    {protect, 0, 0},
};

/* Run until no call is left to fail. Returns how many could without an error. */
static int fail_each(int (*run)(const void *what, const struct files *files), const void *what,
                     const struct files *files)
{
    int forgiven = 0;

    for (int number = 0;; number++) {
        size_t descriptors = files_open_count(), pages = files_address_pages();
        fail_calls(NULL, -EIO);
        injection.number = number;
        int error = run(what, files);
        sys_inject = NULL;
        if (!injection.failed)
            return forgiven;
        assert_true(error == 0 || error == -EIO);
        forgiven += error == 0;
        if (!error)
            continue;
        assert_int_equal(files_open_count(), descriptors);
        assert_int_equal(files_address_pages(), pages);
    }
}

static int run_scenario(const void *what, const struct files *files)
{
    return (*(int (*const *)(const struct files *))what)(files);
}

static int run_change(const void *what, const struct files *files)
{
    size_t index = *(const size_t *)what;
    return change(files, changes[index].flags, changes[index].body);
}

static void test_each_call_that_fails_is_an_error(void **state)
{
    const struct files *files = *state;

    /* When all went well, munmap and close may fail unnoticed, and a limit that is not known is none. */
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
        assert_true(fail_each(run_scenario, &scenarios[i], files) <= 3);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        assert_int_equal(fail_each(run_change, &i, files), changes[i].forgiven);
}

static void test_file_systems_that_cannot_allocate(void **state)
{
    const struct files *files = *state;
    struct loam_map map;

    assert_int_equal(loam_map_open(files->path, LOAM_MAP_WRITE, &map), 0);
    fail_calls("fallocate", -EOPNOTSUPP);
    assert_int_equal(loam_map_resize(&map, MEBI + 1), 0);
    sys_inject = NULL;
    assert_int_equal(injection.failed, 1);
    assert_int_equal(files_size(files), MEBI + 1);
    assert_true(files_room(files) >= MEBI);
    assert_int_equal(files_differ(map.data, 0, SIZE), 0);
    for (size_t i = SIZE; i < map.size; i++)
        assert_int_equal(((char *)map.data)[i], 0);
    loam_map_close(&map);
}

/* Which writes at the end, whatever the offset. */
static void test_a_descriptor_for_appending(void **state)
{
    const struct files *files = *state;
    struct loam_map map;
    int fd = open(files->path, O_RDWR | O_APPEND);

    assert_int_equal(loam_map_open_fd(fd, LOAM_MAP_WRITE, 0, LOAM_MAP_TO_END, &map), 0);
    close(fd);
    fail_calls("fallocate", -EOPNOTSUPP);
    assert_int_equal(loam_map_resize(&map, MEBI), 0);
    sys_inject = NULL;
    assert_int_equal(files_size(files), MEBI);
    for (size_t i = SIZE; i < MEBI; i++)
        assert_int_equal(((char *)map.data)[i], 0);
    loam_map_close(&map);
}

static long fail_half_way(const char *call)
{
    if (strcmp(call, "fallocate") == 0)
        return -EOPNOTSUPP;
    return strcmp(call, "pwrite") == 0 && injection.number-- == 0 ? -ENOSPC : 0;
}

static void test_a_disk_that_is_full_half_way(void **state)
{
    const struct files *files = *state;
    struct loam_map map;

    assert_int_equal(loam_map_open(files->path, LOAM_MAP_WRITE, &map), 0);
    injection.number = 20;
    sys_inject = fail_half_way;
    assert_int_equal(loam_map_resize(&map, MEBI), -ENOSPC);
    sys_inject = NULL;
    assert_int_equal(files_size(files), SIZE);
    assert_int_equal(files_differ(map.data, 0, SIZE), 0);
    loam_map_close(&map);
}

/* What is cut off could not be brought back. */
static void test_a_file_is_not_shortened_before_its_window_is_there(void **state)
{
    const struct files *files = *state;
    const char *const calls[] = {"mmap", "mremap", "ftruncate"};

    for (int i = 0; i < 3; i++) {
        struct loam_map map, before;
        files_write(files, 10000);
        assert_int_equal(loam_map_open(files->path, LOAM_MAP_WRITE, &map), 0);
        files_write(files, SIZE);
        before = map;
        size_t pages = files_address_pages();
        fail_calls(calls[i], -ENOMEM);
        int error = loam_map_resize(&map, SIZE / 2);
        sys_inject = NULL;
        assert_int_equal(error, injection.failed ? -ENOMEM : 0);
        if (error) {
            assert_memory_equal(&map, &before, sizeof(map));
            assert_int_equal(files_size(files), SIZE);
            assert_int_equal(files_address_pages(), pages);
        }
        assert_int_equal(files_differ(map.data, 0, map.size), 0);
        loam_map_close(&map);
        int fd = open(files->path, O_RDONLY);
        assert_int_equal(loam_map_open_fd(fd, LOAM_MAP_READ, 0, LOAM_MAP_TO_END, &map), 0);
        assert_int_equal(files_differ(map.data, 0, map.size), 0);
        close(fd);
        loam_map_close(&map);
    }
}

static struct loam_map open_map(const struct files *files, unsigned flags)
{
    struct loam_map map;

    REQUIRE(loam_map_open(files->path, flags, &map) == 0);
    return map;
}

static void prefaults_on_old_kernels(void *argument)
{
    const struct files *files = argument;
    struct loam_map map = open_map(files, LOAM_MAP_WRITE);

    fail_calls("madvise", -EINVAL);
    REQUIRE(loam_map_prefault(&map, 1, SIZE - 1) == 0);
    REQUIRE(files_differ(map.data, 0, SIZE) == 0);
    files_truncate(files, page);
    REQUIRE(loam_map_prefault(&map, 1, SIZE - 1) == -ENXIO);
}

static const struct files *lengthened;

/* As others would, between the fault and the look at the file. */
static long lengthen_before_a_look(const char *call)
{
    if (strcmp(call, "fstat") == 0)
        files_truncate(lengthened, SIZE);
    return strcmp(call, "madvise") == 0 ? -EINVAL : 0;
}

static void prefaults_again_on_old_kernels(void *argument)
{
    struct loam_map map = open_map(argument, LOAM_MAP_WRITE);

    lengthened = argument;
    files_truncate(lengthened, page);
    sys_inject = lengthen_before_a_look;
    REQUIRE(loam_map_prefault(&map, 1, SIZE - 1) == 0);
}

static void a_fault_without_a_reason_is_eio(void *argument)
{
    const struct files *files = argument;
    struct loam_map map = open_map(files, LOAM_MAP_READ);
    char byte;

    files_truncate(files, page);
    fail_calls("fstat", -ENOMEM);
    REQUIRE(loam_map_read(&map, 2 * page, &byte, 1, NULL) == -EIO);
    sys_inject = NULL;
    fail_calls("madvise", -EHWPOISON);
    REQUIRE(loam_map_prefault(&map, 0, 1) == -EIO);
}

static long fail_once(const char *call)
{
    if (strcmp(call, "madvise") != 0 || injection.failed)
        return 0;
    injection.failed++;
    return -EFAULT;
}

static void test_what_fails_without_a_reason_is_tried_again(void **state)
{
    const struct files *files = *state;
    struct loam_map map;

    assert_int_equal(loam_map_open(files->path, LOAM_MAP_READ, &map), 0);
    injection.failed = 0;
    sys_inject = fail_once;
    assert_int_equal(loam_map_prefault(&map, 0, SIZE), 0);
    assert_int_equal(injection.failed, 1);
    sys_inject = NULL;
    loam_map_close(&map);
}

static void test_guarded_access_when_calls_fail(void **state)
{
    assert_child_succeeds(prefaults_on_old_kernels, *state);
    files_write(*state, SIZE);
    assert_child_succeeds(prefaults_again_on_old_kernels, *state);
    files_write(*state, SIZE);
    assert_child_succeeds(a_fault_without_a_reason_is_eio, *state);
}

static void test_guards_are_protection_on_old_kernels(void **state)
{
    struct loam_map map;

    (void)state;
    assert_int_equal(loam_map_anonymous(2 * page, 0, &map), 0);
    fail_calls("madvise", -EINVAL);
    assert_int_equal(loam_map_guard(&map, page, page), 0);
    sys_inject = NULL;
    assert_dies(access_load, (char *)map.data + page, SIGSEGV);
    loam_map_close(&map);
}

static int set_up(void **state)
{
    page = (size_t)sysconf(_SC_PAGESIZE);
    *state = files_new("/tmp");
    files_write(*state, SIZE);
    return 0;
}

static int tear_down(void **state)
{
    sys_inject = NULL;
    files_delete(*state);
    return 0;
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILE(test_a_descriptor_for_appending),
        WITH_FILE(test_each_call_that_fails_is_an_error),
        WITH_FILE(test_file_systems_that_cannot_allocate),
        WITH_FILE(test_a_disk_that_is_full_half_way),
        WITH_FILE(test_what_fails_without_a_reason_is_tried_again),
        WITH_FILE(test_a_file_is_not_shortened_before_its_window_is_there),
        WITH_FILE(test_guarded_access_when_calls_fail),
        WITH_FILE(test_guards_are_protection_on_old_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
