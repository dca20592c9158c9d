/* shared_names.c - the contract of loam/shared.h: the names of heaps and of roots, and who watches. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared_pair.h"

static char name[64];

/* --- roots --- */

static int count_root(void *context, const char *root, const void *block)
{
    assert_true(strncmp(root, "root", 4) == 0);
    *(int *)context += block != NULL ? 100 : 1;
    return 0;
}

static int stop_at_once(void *context, const char *root, const void *block)
{
    (void)context;
    (void)root;
    (void)block;
    return 7;
}

static void test_roots(void **state)
{
    struct pair *pair = *state;
    char longest[48], too_long[49], number[16];
    int sum = 0;

    memset(longest, 'x', 47);
    longest[47] = '\0';
    memset(too_long, 'x', 48);
    too_long[48] = '\0';
    assert_non_null(loam_shared_root(pair->a, longest));
    assert_int_equal(loam_shared_remove_root(pair->b, longest), 0);
    assert_null(loam_shared_root(pair->a, too_long));
    assert_int_equal(errno, EINVAL);
    assert_null(loam_shared_root(pair->a, ""));
    errno = 0;
    assert_null(loam_shared_root(pair->a, NULL));
    assert_int_equal(errno, EINVAL);
    assert_int_equal(loam_shared_remove_root(pair->a, NULL), -ENOENT);
    for (int i = 0; i < 256; i++) {
        snprintf(number, sizeof(number), "root%d", i);
        assert_non_null(loam_shared_root(i % 2 ? pair->a : pair->b, number));
    }
    assert_null(loam_shared_root(pair->a, "one more"));
    assert_int_equal(errno, ENOSPC);
    struct loam_shared_cell *cell = loam_shared_root(pair->a, "root9");
    assert_int_equal(loam_shared_publish(pair->a, cell, loam_shared_alloc(pair->a, 1)), 0);
    assert_int_equal(loam_shared_remove_root(pair->a, "root9"), -EBUSY);
    assert_int_equal(loam_shared_remove_root(pair->a, "nobody"), -ENOENT);
    assert_int_equal(loam_shared_roots(pair->b, count_root, &sum), 0);
    assert_int_equal(sum, 355);
    assert_int_equal(loam_shared_roots(pair->b, stop_at_once, NULL), 7);
}

/* --- names --- */

static void test_names(void **state)
{
    struct loam_shared *heap, *other;
    struct stat file;
    char path[128];

    (void)state;
    assert_int_equal(loam_shared_open(name, &heap), -ENOENT);
    assert_int_equal(loam_shared_create(name, 0, 0600, &heap), 0);
    assert_int_equal(loam_shared_create(name, 0, 0600, &other), -EEXIST);
    snprintf(path, sizeof(path), "/dev/shm/%s", name);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_int_equal(loam_shared_open(name, &other), 0);
    assert_non_null(loam_shared_alloc(other, 10));
    loam_shared_close(other);
    assert_int_equal(loam_shared_unlink(name), 0);
    assert_int_equal(loam_shared_unlink(name), -ENOENT);
    assert_non_null(loam_shared_alloc(heap, 10));
    loam_shared_close(heap);
    assert_int_equal(loam_shared_create("a/b", 0, 0600, &heap), -EINVAL);
    assert_int_equal(loam_shared_create("", 0, 0600, &heap), -EINVAL);
    assert_int_equal(loam_shared_create("..", 0, 0600, &heap), -EINVAL);
    assert_int_equal(loam_shared_create(name, UINT64_MAX, 0600, &heap), -EINVAL);
    assert_int_equal(loam_shared_open(name, &heap), -ENOENT);
}

static void test_what_was_published_is_there_for_who_comes_later(void **state)
{
    struct loam_shared *heap;

    (void)state;
    assert_int_equal(loam_shared_create(name, 0, 0600, &heap), 0);
    char *block = loam_shared_alloc(heap, 100);
    strcpy(block, "still there");
    loam_shared_publish(heap, loam_shared_root(heap, "it"), block);
    loam_shared_close(heap);
    assert_int_equal(loam_shared_open(name, &heap), 0);
    assert_string_equal(loam_shared_take(heap, loam_shared_root(heap, "it")), "still there");
    loam_shared_close(heap);
    assert_int_equal(loam_shared_unlink(name), 0);
}

static int first_participant(void *context, const struct loam_shared_participant *participant)
{
    *(struct loam_shared_participant *)context = *participant;
    return 1;
}

static void test_a_watcher_sees_all_and_changes_nothing(void **state)
{
    struct loam_shared_participant one;
    struct loam_shared *heap, *watcher;
    int sum = 0;

    (void)state;
    assert_int_equal(loam_shared_watch(name, &watcher), -ENOENT);
    assert_int_equal(loam_shared_create(name, 0, 0600, &heap), 0);
    struct loam_shared_cell *cell = loam_shared_root(heap, "root");
    loam_shared_publish(heap, cell, loam_shared_alloc(heap, 100));
    assert_non_null(loam_shared_alloc(heap, 1000));
    assert_int_equal(loam_shared_watch(name, &watcher), 0);
    assert_int_equal(measure(watcher).participants, 1);
    assert_int_equal(measure(watcher).blocks, 2);
    assert_int_equal(loam_shared_roots(watcher, count_root, &sum), 0);
    assert_int_equal(sum, 100);
    assert_int_equal(loam_shared_participants(watcher, first_participant, &one), 1);
    assert_int_equal(one.pid, getpid());
    assert_false(one.dead);
    assert_in_range(one.held, 1000, 1100);
    assert_int_equal(loam_shared_validate(watcher), 0);
    assert_null(loam_shared_alloc(watcher, 1));
    assert_int_equal(errno, EROFS);
    assert_int_equal(loam_shared_recover(watcher), -EROFS);
    assert_null(loam_shared_root(watcher, "other"));
    assert_null(loam_shared_take(watcher, over(heap, watcher, cell)));
    loam_shared_close(watcher);
    loam_shared_close(heap);
    assert_int_equal(loam_shared_unlink(name), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAIR(test_roots),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_what_was_published_is_there_for_who_comes_later),
        cmocka_unit_test(test_a_watcher_sees_all_and_changes_nothing),
    };

    snprintf(name, sizeof(name), "loam-test-%d", (int)getpid());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
