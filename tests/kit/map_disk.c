/*
 * map_disk.c - the contract of loam/map.h of disks: those that are full, and what is on them when a process is killed.
 *
 * What is guarded runs in children, see map_fault.c.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <loam/map.h>

#include "child.h"
#include "files.h"

enum { MEBI = 1 << 20, SIZE = 100000, SKIPPED = 77 /* what a child exits with */ };

static struct loam_map open_map(const struct files *files, unsigned flags)
{
    struct loam_map map;

    REQUIRE(loam_map_open(files->path, flags, &map) == 0);
    return map;
}

/* --- full disks --- */

/* All of it is gone with the child. */
static void mount_small(const struct files *files)
{
    REQUIRE(unshare(CLONE_NEWNS) == 0);
    REQUIRE(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    REQUIRE(mount("none", files->directory, "tmpfs", 0, "size=1m") == 0);
}

static void resizes_on_a_full_disk(void *argument)
{
    const struct files *files = argument;

    mount_small(files);
    files_write(files, SIZE);
    struct loam_map map = open_map(files, LOAM_MAP_WRITE), before = map;
    REQUIRE(loam_map_resize(&map, 2 * MEBI) == -ENOSPC);
    REQUIRE(memcmp(&map, &before, sizeof(map)) == 0);
    REQUIRE(files_size(files) == SIZE && files_room(files) < 2 * SIZE);
    REQUIRE(files_differ(map.data, 0, SIZE) == 0);
    REQUIRE(loam_map_resize(&map, MEBI / 2) == 0);
    memset(map.data, 1, map.size);
}

static void stores_to_holes_of_a_full_disk(void *argument)
{
    const struct files *files = argument;
    static char bytes[2 * MEBI];
    size_t done;

    mount_small(files);
    files_write_hole(files, 2 * MEBI);
    struct loam_map map = open_map(files, LOAM_MAP_WRITE), other;
    memset(bytes, 3, sizeof(bytes));
    REQUIRE(loam_map_write(&map, 0, bytes, 2 * MEBI, &done) == -ENOSPC);
    REQUIRE(done == MEBI && memcmp(map.data, bytes, MEBI) == 0);
    REQUIRE(loam_map_prefault(&map, 0, 2 * MEBI) == -ENOSPC);
    REQUIRE(loam_map_prefault(&map, 0, MEBI) == 0);
    REQUIRE(loam_map_sync(&map, 0, 2 * MEBI, LOAM_MAP_SYNC_ENTRY) == 0);
    size_t descriptors = files_open_count();
    REQUIRE(loam_map_open(files->path, LOAM_MAP_WRITE | LOAM_MAP_PREFAULT, &other) == -ENOSPC);
    REQUIRE(files_open_count() == descriptors);
    REQUIRE(unlink(files->path) == 0);
}

/*
 * There the kernel wants blocks for all of a large piece of the page cache, so that the page which faults could have
 * been allocated alone.
 */
static void stores_to_holes_of_a_full_ext4(void *argument)
{
    const struct files *files = argument;
    static char bytes[32 * MEBI];
    char command[400];
    size_t done = 0;

    snprintf(command, sizeof(command),
             "{ truncate -s 20M %s && mkfs.ext4 -q -F -m 0 %s && mount -o loop %s %s; } >/dev/null 2>&1", files->path,
             files->path, files->path, files->directory);
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || system(command) != 0)
        _exit(SKIPPED);
    files_write_hole(files, sizeof(bytes));
    struct loam_map map = open_map(files, LOAM_MAP_WRITE);
    memset(bytes, 3, sizeof(bytes));
    REQUIRE(loam_map_write(&map, 0, bytes, sizeof(bytes), &done) == -ENOSPC);
    REQUIRE(done > MEBI && memcmp(map.data, bytes, done) == 0);
    REQUIRE(loam_map_prefault(&map, 0, map.size) == -ENOSPC);
    REQUIRE(loam_map_resize(&map, 2 * sizeof(bytes)) == -ENOSPC);
    REQUIRE(files_size(files) == sizeof(bytes));
    REQUIRE(loam_map_sync(&map, 0, done, LOAM_MAP_SYNC_DATA) == 0);
    REQUIRE(memcmp(map.data, bytes, done) == 0);
}

static void run_as_root(void (*body)(void *files), void *files)
{
    struct outcome outcome;

    if (getuid() != 0)
        skip();
    child_run(body, files, &outcome);
    if (WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == SKIPPED)
        skip();
    if (outcome.status != 0)
        fail_msg("the child ended with status 0x%x, saying: %s", (unsigned)outcome.status, outcome.text);
}

static void test_resize_on_a_full_disk(void **state)
{
    run_as_root(resizes_on_a_full_disk, *state);
}

static void test_stores_to_holes_of_a_full_disk(void **state)
{
    run_as_root(stores_to_holes_of_a_full_disk, *state);
}

static void test_stores_to_holes_of_a_full_ext4(void **state)
{
    run_as_root(stores_to_holes_of_a_full_ext4, *state);
}

/* --- processes that are killed --- */

static void store_and_be_killed(void *argument)
{
    const struct files *files = argument;
    struct loam_map map;

    REQUIRE(loam_map_open(files->path, LOAM_MAP_WRITE | LOAM_MAP_CREATE, &map) == 0);
    REQUIRE(loam_map_resize(&map, 50000) == 0);
    memset(map.data, 'a', 25000);
    REQUIRE(loam_map_sync(&map, 0, 25000, LOAM_MAP_SYNC_DATA) == 0);
    REQUIRE(loam_map_sync(&map, 0, 50000, LOAM_MAP_SYNC_ENTRY) == 0);
    memset((char *)map.data + 25000, 'b', 25000);
    kill(getpid(), SIGKILL);
}

static void test_what_was_stored_survives_a_kill(void **state)
{
    struct files *files = *state;
    char bytes[50000];
    struct outcome outcome;

    unlink(files->path);
    child_run(store_and_be_killed, files, &outcome);
    assert_true(WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGKILL);
    files_read(files, 0, bytes, sizeof(bytes));
    for (int i = 0; i < 50000; i++)
        assert_int_equal(bytes[i], i < 25000 ? 'a' : 'b');
}

static void test_sync_in_every_way(void **state)
{
    const struct files *files = *state;
    struct loam_map map;

    assert_int_equal(loam_map_open_window(files->path, LOAM_MAP_WRITE, 777, 50000, &map), 0);
    for (int i = LOAM_MAP_SYNC_START; i <= LOAM_MAP_SYNC_ENTRY; i++) {
        assert_int_equal(loam_map_sync(&map, 0, map.size, i), 0);
        assert_int_equal(loam_map_sync(&map, 4001, 1, i), 0);
        assert_int_equal(loam_map_sync(&map, map.size, 0, i), 0);
        assert_int_equal(loam_map_sync(&map, 1, map.size, i), -EINVAL);
        assert_int_equal(loam_map_sync(&map, 1, SIZE_MAX, i), -EINVAL);
    }
    assert_int_equal(loam_map_sync(&map, 0, 1, 99), -EINVAL);
    loam_map_close(&map);
    assert_int_equal(loam_map_sync(&map, 0, 0, LOAM_MAP_SYNC_DATA), -EACCES);
}

static int set_up(void **state)
{
    *state = files_new("/tmp");
    files_write(*state, SIZE);
    return 0;
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, set_up, files_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILE(test_resize_on_a_full_disk),
        WITH_FILE(test_stores_to_holes_of_a_full_disk),
        WITH_FILE(test_stores_to_holes_of_a_full_ext4),
        WITH_FILE(test_what_was_stored_survives_a_kill),
        WITH_FILE(test_sync_in_every_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
