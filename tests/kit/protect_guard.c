/* protect_guard.c - the contract of loam/protect.h: guards, what holds now, and what is never to execute. */
#include <errno.h>
#include <sys/syscall.h>

#include <loam/protect.h>

#include "child.h"
#include "faults.h"
#include "kit.h"

/* --- guards --- */

static void check_guards(void)
{
    char *start = map(3);

    memset(start, 7, 3 * PAGE);
    assert_int_equal(loam_guard(start + PAGE, PAGE), 0);
    assert_true(writes(start + PAGE - 1) && writes(start + 2 * PAGE));
    assert_false(reads(start + PAGE) || reads(start + 2 * PAGE - 1));
    assert_int_equal(loam_guard(start + PAGE, PAGE), 0);
    assert_int_equal(loam_unguard(start + PAGE, PAGE), 0);
    assert_true(writes(start + PAGE));
    assert_int_equal(start[PAGE - 1], 7);
    assert_int_equal(start[PAGE], 0);
    assert_int_equal(start[2 * PAGE - 1], 0);
    assert_int_equal(start[2 * PAGE], 7);
    unmap(start, 3);
}

static void test_guards_fault_and_drop_what_was_there(void **state)
{
    (void)state;
    check_guards();
}

#ifdef LOAM_INJECT
/* As a kernel without guards: the first madvise of loam_guard, and of loam_unguard. */
static int advices;

static long have_no_guards(const char *call)
{
    return strcmp(call, "madvise") == 0 && advices++ % 2 == 0 ? -EINVAL : 0;
}
#endif

static void test_guards_without_the_kernels(void **state)
{
    (void)state;
#ifdef LOAM_INJECT
    advices = 0;
    sys_inject = have_no_guards;
    check_guards();
    sys_inject = NULL;
#else
    skip();
#endif
}

static void test_locked_pages_are_not_guarded(void **state)
{
    char *start = map(1);

    (void)state;
    memset(start, 7, PAGE);
    if (syscall(SYS_mlock, start, PAGE) < 0) /* sanitizers have an mlock() that does nothing */
        skip();
    assert_int_equal(loam_guard(start, PAGE), -EINVAL);
    assert_true(writes(start));
    assert_int_equal(start[0], 7);
    unmap(start, 1);
}

static void test_a_part_that_is_not_mapped_leaves_the_rest_as_it_was(void **state)
{
    char *start = map(3);

    (void)state;
    memset(start, 7, 3 * PAGE);
    unmap(start + PAGE, 1);
    assert_int_equal(loam_guard(start, 3 * PAGE), -ENOMEM);
    assert_true(writes(start) && writes(start + 2 * PAGE));
    assert_true(start[0] == 7 && start[2 * PAGE] == 7);
    unmap(start, 1);
    unmap(start + 2 * PAGE, 1);
}

static void test_a_part_that_is_locked_leaves_the_rest_accessible(void **state)
{
    char *start = map(2);

    (void)state;
    start[PAGE] = 7;
    if (syscall(SYS_mlock, start + PAGE, PAGE) < 0)
        skip();
    assert_int_equal(loam_guard(start, 2 * PAGE), -EINVAL);
    assert_true(writes(start) && writes(start + PAGE));
    assert_int_equal(start[PAGE], 7);
    unmap(start, 2);
}

static void test_guards_that_fail_leave_the_pages_accessible(void **state)
{
    char *start = map(1);

    (void)state;
    if (!injects())
        skip();
    start[0] = 7;
    fail_always("madvise", -EINVAL);
    assert_int_equal(loam_guard(start, PAGE), -EINVAL);
    fail_no_more();
    assert_true(writes(start));
    assert_int_equal(start[0], 7);
    unmap(start, 1);
}

static void test_sealed_pages_are_not_guarded(void **state)
{
    char *start = map(2);

    (void)state;
    memset(start, 7, 2 * PAGE);
    if (loam_seal(start + PAGE, PAGE) == -ENOSYS)
        skip();
    assert_int_equal(loam_guard(start, 2 * PAGE), -EPERM);
    assert_true(writes(start) && writes(start + PAGE));
    assert_true(start[0] == 7 && start[PAGE] == 7);
    unmap(start, 1);
}

/* --- what holds --- */

static void check_protection(void)
{
    static const char readable[] = "in a read-only mapping";
    struct loam_protection found;
    char *start = map(5);
    int descriptor = free_descriptor();

    assert_int_equal(loam_protect(start, PAGE, LOAM_ACCESS_NONE), 0);
    assert_int_equal(loam_protect(start + 2 * PAGE, 2 * PAGE, LOAM_ACCESS_READ), 0);
    assert_int_equal(loam_protection(start + 3 * PAGE + 5, &found), 0);
    assert_ptr_equal(found.start, start + 2 * PAGE);
    assert_int_equal(found.size, 2 * PAGE);
    assert_true(found.readable == 1 && !found.writable && !found.executable && !found.shared);
    assert_int_equal(loam_protection(start + PAGE, &found), 0);
    assert_ptr_equal(found.start, start + PAGE);
    assert_true(found.readable == 1 && found.writable == 1);
    assert_int_equal(loam_protection(start, &found), 0);
    assert_false(found.readable || found.writable || found.executable);
    assert_int_equal(loam_protection((void *)check_protection, &found), 0);
    assert_true(found.executable == 1 && !found.writable);
    assert_int_equal(loam_protection(readable, &found), 0);
    assert_false(found.writable);
    assert_int_equal(loam_protection(NULL, &found), -ENOENT);
    assert_false(found.writable);
    assert_int_equal(free_descriptor(), descriptor);
    unmap(start, 5);
}

static void test_protection_is_the_kernels(void **state)
{
    (void)state;
    check_protection();
}

static void test_protection_without_queries(void **state)
{
    (void)state;
    if (!injects())
        skip();
    fail_always("ioctl", -ENOTTY);
    check_protection();
    fail_always("ioctl", -ENOSYS); /* what an emulator says */
    check_protection();
    fail_no_more();
}

static void test_shared_mappings_are_told(void **state)
{
    char *start = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct loam_protection found;

    (void)state;
    assert_int_equal(loam_protection(start, &found), 0);
    assert_int_equal(found.shared, 1);
    unmap(start, 1);
}

/* --- never executable --- */

static void forbid(void *unused)
{
    char *start = map(1);
    struct loam_protection found;

    (void)unused;
    int error = loam_never_execute();
    if (error == -EINVAL)
        return;
    REQUIRE(error == 0);
    REQUIRE(loam_protect(start, PAGE, LOAM_ACCESS_READ_EXECUTE) == -EACCES);
    REQUIRE(loam_protection(start, &found) == 0 && found.writable && !found.executable);
    REQUIRE(mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
}

static void test_what_is_never_to_execute_does_not(void **state)
{
    (void)state;
    assert_child_succeeds(forbid, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guards_fault_and_drop_what_was_there),
        cmocka_unit_test(test_guards_without_the_kernels),
        cmocka_unit_test(test_locked_pages_are_not_guarded),
        cmocka_unit_test(test_a_part_that_is_not_mapped_leaves_the_rest_as_it_was),
        cmocka_unit_test(test_a_part_that_is_locked_leaves_the_rest_accessible),
        cmocka_unit_test(test_sealed_pages_are_not_guarded),
        cmocka_unit_test(test_protection_is_the_kernels),
        cmocka_unit_test(test_protection_without_queries),
        cmocka_unit_test(test_shared_mappings_are_told),
        cmocka_unit_test(test_what_is_never_to_execute_does_not),
        cmocka_unit_test(test_guards_that_fail_leave_the_pages_accessible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
