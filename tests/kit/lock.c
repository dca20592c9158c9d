/* lock.c - the contract of loam/lock.h; of the whole process, see lock_all.c. */
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

#include <loam/lock.h>

#include "child.h"
#include "kit.h"
#include "locked.h"
#include "seed.h"

enum { PAGES = 24 };

/* --- what is locked, as the kernel tells it --- */

struct picture {
    char *start;
    unsigned char locked[PAGES];
};

static int draw(const struct loam_locked *mapping, void *context)
{
    struct picture *picture = context;
    char *from = mapping->start;

    for (size_t i = 0; i < PAGES; i++) {
        char *at = picture->start + i * PAGE;
        if (at >= from && at < from + mapping->size)
            picture->locked[i] = 1;
    }
    return 0;
}

/* --- ranges --- */

static void test_locked_pages_are_in_memory(void **state)
{
    char *start = map(4);
    unsigned char there[4];

    (void)state;
    assert_int_equal(loam_lock(start, 4 * PAGE), 0);
    assert_int_equal(mincore(start, 4 * PAGE, there), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(there[i] & 1, 1);
    assert_int_equal(locked_pages(), 4);
    assert_int_equal(loam_unlock(start, 4 * PAGE), 0);
    assert_int_equal(locked_pages(), 0);
    unmap(start, 4);
}

static void test_a_range_is_the_pages_around_it(void **state)
{
    char *start = map(4);

    (void)state;
    assert_int_equal(loam_lock(start + PAGE - 1, 2), 0);
    assert_int_equal(locked_pages(), 2);
    assert_int_equal(loam_unlock(start + 5, PAGE), 0);
    assert_int_equal(locked_pages(), 0);
    unmap(start, 4);
}

static void test_what_is_no_range_is_einval(void **state)
{
    char *start = map(1);

    (void)state;
    assert_int_equal(loam_lock(start, 0), -EINVAL);
    assert_int_equal(loam_lock(start, SIZE_MAX), -EINVAL);
    assert_int_equal(loam_lock((char *)UINTPTR_MAX - 8, 4), -EINVAL);
    assert_int_equal(loam_unlock(start, 0), -EINVAL);
    assert_int_equal(loam_unlock(start, SIZE_MAX), -EINVAL);
    assert_int_equal(locked_pages(), 0);
    unmap(start, 1);
}

static void test_only_what_was_locked_is_unlocked(void **state)
{
    char *start = map(4);

    (void)state;
    assert_int_equal(loam_unlock(start, PAGE), -EINVAL);
    assert_int_equal(loam_lock(start, 2 * PAGE), 0);
    assert_int_equal(loam_unlock(start, PAGE), -EINVAL);
    assert_int_equal(loam_unlock(start, 3 * PAGE), -EINVAL);
    assert_int_equal(loam_unlock(start + PAGE, PAGE), -EINVAL);
    assert_int_equal(locked_pages(), 2);
    assert_int_equal(loam_unlock(start, 2 * PAGE), 0);
    assert_int_equal(loam_unlock(start, 2 * PAGE), -EINVAL);
    unmap(start, 4);
}

static void test_locks_are_counted(void **state)
{
    char *start = map(1);

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(loam_lock(start, PAGE), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(locked_pages(), 1);
        assert_int_equal(loam_unlock(start, PAGE), 0);
    }
    assert_int_equal(locked_pages(), 0);
    unmap(start, 1);
}

static void test_a_page_of_two_ranges_stays_until_both_end(void **state)
{
    char *start = map(5);

    (void)state;
    assert_int_equal(loam_lock(start, 3 * PAGE), 0);
    assert_int_equal(loam_lock(start + 2 * PAGE, 3 * PAGE), 0);
    assert_int_equal(locked_pages(), 5);
    assert_int_equal(loam_unlock(start, 3 * PAGE), 0);
    assert_int_equal(locked_pages(), 3);
    assert_int_equal(loam_unlock(start + 2 * PAGE, 3 * PAGE), 0);
    assert_int_equal(locked_pages(), 0);
    unmap(start, 5);
}

static void test_what_cannot_be_locked_leaves_the_rest_as_it_was(void **state)
{
    char *start = map(4);

    (void)state;
    unmap(start + 2 * PAGE, 1);
    assert_int_equal(loam_lock(start, 4 * PAGE), -ENOMEM);
    assert_int_equal(locked_pages(), 0);
    assert_int_equal(loam_unlock(start, 4 * PAGE), -EINVAL);
    assert_int_equal(loam_lock(start + PAGE, PAGE), 0);
    assert_int_equal(loam_lock(start, 4 * PAGE), -ENOMEM);
    assert_int_equal(locked_pages(), 1);
    assert_int_equal(loam_unlock(start + PAGE, PAGE), 0);
    unmap(start, 2);
    unmap(start + 3 * PAGE, 1);
}

static void test_memory_that_is_gone_is_told_and_forgotten(void **state)
{
    char *start = map(1);

    (void)state;
    assert_int_equal(loam_lock(start, PAGE), 0);
    unmap(start, 1);
    assert_int_equal(loam_unlock(start, PAGE), -ENOMEM);
    assert_int_equal(loam_unlock(start, PAGE), -EINVAL);
}

/* More than the first page of the list has room for. */
static void test_many_ranges(void **state)
{
    enum { MANY = 1000 };
    char *start = map(MANY);

    (void)state;
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(loam_lock(start + (i * 7 % MANY) * PAGE, PAGE), 0);
    assert_int_equal(locked_pages(), MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(loam_unlock(start + (i * 3 % MANY) * PAGE, PAGE), 0);
    assert_int_equal(locked_pages(), 0);
    unmap(start, MANY);
}

/* Against a count for each page, and for each range. */
static void test_ranges_at_random(void **state)
{
    static int ranges[PAGES][PAGES]; /* locks from page i to page j */
    struct picture picture = {.start = map(PAGES)};
    uint64_t seed = seed_take();

    (void)state;
    for (int step = 0; step < 3000; step++) {
        size_t a = (size_t)seed_next(&seed) % PAGES, b = (size_t)seed_next(&seed) % PAGES;
        size_t i = a < b ? a : b, j = a < b ? b : a, size = (j - i + 1) * PAGE;
        if (seed_next(&seed) % 3) {
            int error = loam_unlock(picture.start + i * PAGE, size);
            assert_int_equal(error, ranges[i][j] ? 0 : -EINVAL);
            ranges[i][j] -= ranges[i][j] > 0;
        } else {
            assert_int_equal(loam_lock(picture.start + i * PAGE, size), 0);
            ranges[i][j]++;
        }
        if (step % 8)
            continue;
        memset(picture.locked, 0, sizeof(picture.locked));
        assert_int_equal(loam_locked_walk(draw, &picture), 0);
        for (size_t page = 0; page < PAGES; page++) {
            int covered = 0;
            for (size_t from = 0; from <= page; from++)
                for (size_t to = page; to < PAGES; to++)
                    covered |= ranges[from][to] > 0;
            assert_int_equal(picture.locked[page], covered);
        }
    }
    for (size_t i = 0; i < PAGES; i++)
        for (size_t j = i; j < PAGES; j++)
            while (ranges[i][j]-- > 0)
                assert_int_equal(loam_unlock(picture.start + i * PAGE, (j - i + 1) * PAGE), 0);
    assert_int_equal(locked_pages(), 0);
    unmap(picture.start, PAGES);
}

static void *lock_and_unlock(void *argument)
{
    char *start = argument;
    uint64_t seed = (uintptr_t)&seed;

    for (int i = 0; i < 500; i++) {
        size_t first = (size_t)seed_next(&seed) % (PAGES / 2),
               size = (1 + (size_t)seed_next(&seed) % (PAGES / 2)) * PAGE;
        if (loam_lock(start + first * PAGE, size) < 0 || loam_unlock(start + first * PAGE, size) < 0)
            return start;
    }
    return NULL;
}

static void test_threads_lock_the_same_pages(void **state)
{
    pthread_t threads[4];
    char *start = map(PAGES);
    void *failed;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, lock_and_unlock, start), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(locked_pages(), 0);
    unmap(start, PAGES);
}

static void be_forked(void *start)
{
    REQUIRE(locked_pages() == 0);
    REQUIRE(loam_unlock(start, PAGE) == -EINVAL);
    REQUIRE(loam_lock(start, PAGE) == 0);
    REQUIRE(locked_pages() == 1);
    REQUIRE(loam_unlock(start, PAGE) == 0);
    REQUIRE(locked_pages() == 0);
}

static void test_a_forked_child_has_no_locks(void **state)
{
    char *start = map(1);

    (void)state;
    assert_int_equal(loam_lock(start, PAGE), 0);
    assert_child_succeeds(be_forked, start);
    assert_int_equal(locked_pages(), 1);
    assert_int_equal(loam_unlock(start, PAGE), 0);
    unmap(start, 1);
}

/* --- what is locked --- */

static int pass(const struct loam_locked *mapping, void *context)
{
    (void)mapping;
    (void)context;
    return 0;
}

static void test_no_file_stays_open(void **state)
{
    int before = free_descriptor();
    size_t locked;

    (void)state;
    loam_locked_bytes();
    loam_locked_in(&locked, sizeof(locked), &locked);
    loam_locked_walk(pass, NULL);
    assert_int_equal(free_descriptor(), before);
}

static void test_bytes_are_the_kernels(void **state)
{
    char *start = map(3);

    (void)state;
    assert_int_equal(loam_locked_bytes(), 0);
    assert_int_equal(loam_lock(start, 3 * PAGE), 0);
    assert_int_equal(loam_locked_bytes(), 3 * PAGE);
    assert_int_equal(loam_unlock(start, 3 * PAGE), 0);
    unmap(start, 3);
}

/* Their list comes before: the figure is at any place of what is read, or far into it. */
static void be_in_more_groups(void *start)
{
    enum { MOST = 3000 };
    gid_t groups[MOST];

    REQUIRE(loam_lock(start, PAGE) == 0);
    for (size_t i = 0; i < MOST; i++) {
        groups[i] = 1000 + (gid_t)i;
        REQUIRE(i % 10 > 3 || setgroups(i, groups) == 0);
        REQUIRE(loam_locked_bytes() == PAGE);
    }
}

static void test_a_member_of_many_groups_has_its_figure(void **state)
{
    char *start = map(1);

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_child_succeeds(be_in_more_groups, start);
    unmap(start, 1);
}

static void test_locked_in_counts_bytes(void **state)
{
    char *start = map(700);
    size_t locked = 7;

    (void)state;
    assert_int_equal(loam_locked_in(start, 700 * PAGE, &locked), 0);
    assert_int_equal(locked, 0);
    assert_int_equal(loam_lock(start + PAGE, 600 * PAGE), 0);
    assert_int_equal(loam_locked_in(start, 700 * PAGE, &locked), 0);
    assert_int_equal(locked, 600 * PAGE);
    assert_int_equal(loam_locked_in(start + PAGE - 10, 30, &locked), 0);
    assert_int_equal(locked, 20);
    assert_int_equal(loam_locked_in(start + 601 * PAGE - 10, 30, &locked), 0);
    assert_int_equal(locked, 10);
    assert_int_equal(loam_locked_in(start + 2 * PAGE + 1, 5000, &locked), 0);
    assert_int_equal(locked, 5000);
    assert_int_equal(loam_locked_in(start, SIZE_MAX, &locked), -EINVAL);
    assert_int_equal(loam_unlock(start + PAGE, 600 * PAGE), 0);
    unmap(start, 700);
}

static void test_locked_pages_that_are_not_there_do_not_count(void **state)
{
    char *start = map(4);
    size_t locked = 7;

    (void)state;
    assert_int_equal(syscall(SYS_mlock2, start, 4 * PAGE, 1 /* MLOCK_ONFAULT */), 0);
    start[PAGE] = 1;
    assert_int_equal(loam_locked_in(start, 4 * PAGE, &locked), 0);
    assert_int_equal(locked, PAGE);
    unmap(start, 4);
}

static int stop_at(const struct loam_locked *mapping, void *start)
{
    return mapping->start == start && mapping->size == PAGE && mapping->resident == PAGE && !mapping->name[0] ? 5 : 0;
}

static void test_a_walk_ends_when_it_is_told_to(void **state)
{
    char *start = map(3);

    (void)state;
    assert_int_equal(loam_locked_walk(stop_at, start + PAGE), 0);
    assert_int_equal(loam_lock(start + PAGE, PAGE), 0);
    assert_int_equal(loam_locked_walk(stop_at, start + PAGE), 5);
    assert_int_equal(loam_unlock(start + PAGE, PAGE), 0);
    unmap(start, 3);
}

/* --- limits --- */

static void lock_within_a_limit(void *unused)
{
    char *start = map(20);

    (void)unused;
    be_limited(8 * PAGE);
    REQUIRE(loam_locked_limit() == 8 * PAGE);
    REQUIRE(loam_locked_room() == 8 * PAGE);
    REQUIRE(loam_lock(start, 9 * PAGE) == -ENOMEM);
    REQUIRE(loam_locked_bytes() == 0);
    REQUIRE(loam_lock(start, 5 * PAGE) == 0);
    REQUIRE(loam_locked_room() == 3 * PAGE);
    REQUIRE(loam_lock(start + 10 * PAGE, 4 * PAGE) == -ENOMEM);
    REQUIRE(loam_lock(start + 10 * PAGE, 3 * PAGE) == 0);
    REQUIRE(loam_locked_room() == 0);
    REQUIRE(loam_unlock(start, 5 * PAGE) == 0);
    REQUIRE(loam_locked_room() == 5 * PAGE);
    REQUIRE(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){PAGE, PAGE}) == 0);
    REQUIRE(loam_locked_room() == 0);
}

static void test_no_more_is_locked_than_the_limit_allows(void **state)
{
    (void)state;
    assert_child_succeeds(lock_within_a_limit, NULL);
}

/* It has all capabilities, and the limit holds for it; as in a container that an ordinary user starts. */
static void be_root_of_a_namespace(void *unused)
{
    char *start = map(9);

    (void)unused;
    be_limited(8 * PAGE);
    if (unshare(CLONE_NEWUSER) < 0)
        return;
    REQUIRE(loam_locked_limit() == 8 * PAGE && loam_locked_room() == 8 * PAGE);
    REQUIRE(loam_lock(start, 9 * PAGE) == -ENOMEM);
    REQUIRE(loam_lock(start, 8 * PAGE) == 0);
    REQUIRE(loam_locked_limit() == 8 * PAGE && loam_locked_room() == 0);
}

static void test_root_of_a_namespace_is_limited(void **state)
{
    (void)state;
    assert_child_succeeds(be_root_of_a_namespace, NULL);
}

static void lock_without_any(void *unused)
{
    char *start = map(1);

    (void)unused;
    be_limited(0);
    REQUIRE(loam_lock(start, PAGE) == -EPERM);
    REQUIRE(loam_lock_all(LOAM_LOCK_NOW) == -EPERM);
    REQUIRE(loam_locked_limit() == 0 && loam_locked_room() == 0);
}

static void test_nothing_is_locked_where_the_limit_is_zero(void **state)
{
    (void)state;
    assert_child_succeeds(lock_without_any, NULL);
}

static void test_a_privileged_process_has_no_limit(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_true(loam_locked_limit() == UINT64_MAX && loam_locked_room() == UINT64_MAX);
}

/* --- failures --- */

static void test_a_failure_of_the_kernel_is_returned(void **state)
{
    char *start = map(2);
    size_t locked = 7;

    (void)state;
    if (!injects())
        skip();
    fail_always("mlock2", -EAGAIN);
    assert_int_equal(loam_lock(start, PAGE), -EAGAIN);
    fail_always("mlockall", -ENOMEM);
    assert_int_equal(loam_lock_all(LOAM_LOCK_NOW), -ENOMEM);
    assert_int_equal(loam_lock_prepare(1000, 1000), -ENOMEM);
    fail_always("munlockall", -EPERM);
    assert_int_equal(loam_unlock_all(), -EPERM);
    fail_always("openat", -EMFILE);
    assert_int_equal(loam_locked_in(start, PAGE, &locked), -EMFILE);
    assert_int_equal(loam_locked_walk(stop_at, NULL), -EMFILE);
    assert_true(loam_locked_bytes() == UINT64_MAX);
    fail_always("read", -EIO);
    assert_int_equal(loam_locked_in(start, PAGE, &locked), -EIO);
    assert_int_equal(loam_locked_walk(stop_at, NULL), -EIO);
    assert_true(loam_locked_bytes() == UINT64_MAX);
    fail_no_more();
    assert_int_equal(loam_lock(start, PAGE), 0);
    fail_always("mincore", -EAGAIN);
    assert_int_equal(loam_locked_in(start, PAGE, &locked), -EAGAIN);
    fail_no_more();
    assert_int_equal(locked, 7);
    assert_int_equal(locked_pages(), 1);
    assert_int_equal(loam_unlock(start, PAGE), 0);
    unmap(start, 2);
}

static void test_locks_without_the_newer_call(void **state)
{
    char *start = map(2);

    (void)state;
    if (!injects())
        skip();
    fail_always("mlock2", -ENOSYS);
    assert_int_equal(loam_lock(start, 2 * PAGE), 0);
    assert_int_equal(locked_pages(), 2);
    fail_no_more();
    assert_int_equal(loam_unlock(start, 2 * PAGE), 0);
    unmap(start, 2);
}

static void test_an_unlock_that_fails_has_ended_the_lock(void **state)
{
    char *start = map(1);

    (void)state;
    if (!injects())
        skip();
    assert_int_equal(loam_lock(start, PAGE), 0);
    fail_always("munlock", -ENOMEM);
    assert_int_equal(loam_unlock(start, PAGE), -ENOMEM);
    fail_no_more();
    assert_int_equal(loam_unlock(start, PAGE), -EINVAL);
    unmap(start, 1);
}

/* In a child, whose list is new or has any length. */
static void lock_until_the_list_is_full(void *unused)
{
    enum { MANY = 5000 };
    char *start = map(MANY);
    size_t done = 0;

    (void)unused;
    fail_always("mremap", -ENOMEM);
    while (done < MANY && loam_lock(start + done * PAGE, PAGE) == 0)
        done++;
    REQUIRE(done < MANY);
    REQUIRE(loam_lock(start + done * PAGE, PAGE) == -ENOMEM);
    REQUIRE(locked_pages() == done);
    fail_no_more();
    REQUIRE(loam_lock(start + done * PAGE, PAGE) == 0);
    for (size_t i = 0; i <= done; i++)
        REQUIRE(loam_unlock(start + i * PAGE, PAGE) == 0);
    REQUIRE(locked_pages() == 0);
}

static void test_a_list_that_cannot_grow_is_enomem(void **state)
{
    (void)state;
    if (!injects())
        skip();
    assert_child_succeeds(lock_until_the_list_is_full, NULL);
}

/* The first of all: the list has no memory yet. */
static void test_a_list_that_cannot_begin_is_enomem(void **state)
{
    char *start = map(1);

    (void)state;
    if (!injects())
        skip();
    fail_always("mmap", -ENOMEM);
    assert_int_equal(loam_lock(start, PAGE), -ENOMEM);
    fail_no_more();
    assert_int_equal(locked_pages(), 0);
    unmap(start, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_that_cannot_begin_is_enomem),
        cmocka_unit_test(test_locked_pages_are_in_memory),
        cmocka_unit_test(test_a_range_is_the_pages_around_it),
        cmocka_unit_test(test_what_is_no_range_is_einval),
        cmocka_unit_test(test_only_what_was_locked_is_unlocked),
        cmocka_unit_test(test_locks_are_counted),
        cmocka_unit_test(test_a_page_of_two_ranges_stays_until_both_end),
        cmocka_unit_test(test_what_cannot_be_locked_leaves_the_rest_as_it_was),
        cmocka_unit_test(test_memory_that_is_gone_is_told_and_forgotten),
        cmocka_unit_test(test_many_ranges),
        cmocka_unit_test(test_ranges_at_random),
        cmocka_unit_test(test_threads_lock_the_same_pages),
        cmocka_unit_test(test_a_forked_child_has_no_locks),
        cmocka_unit_test(test_no_file_stays_open),
        cmocka_unit_test(test_bytes_are_the_kernels),
        cmocka_unit_test(test_a_member_of_many_groups_has_its_figure),
        cmocka_unit_test(test_locked_in_counts_bytes),
        cmocka_unit_test(test_locked_pages_that_are_not_there_do_not_count),
        cmocka_unit_test(test_a_walk_ends_when_it_is_told_to),
        cmocka_unit_test(test_no_more_is_locked_than_the_limit_allows),
        cmocka_unit_test(test_root_of_a_namespace_is_limited),
        cmocka_unit_test(test_nothing_is_locked_where_the_limit_is_zero),
        cmocka_unit_test(test_a_privileged_process_has_no_limit),
        cmocka_unit_test(test_a_failure_of_the_kernel_is_returned),
        cmocka_unit_test(test_locks_without_the_newer_call),
        cmocka_unit_test(test_an_unlock_that_fails_has_ended_the_lock),
        cmocka_unit_test(test_a_list_that_cannot_grow_is_enomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
