/* protect.c - the contract of loam/protect.h: pages and objects; for guards and what holds, see protect_guard.c. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <loam/protect.h>

#include "faults.h"
#include "kit.h"
#include "seed.h"

static size_t count_mappings(void)
{
    FILE *file = fopen("/proc/self/maps", "r");
    size_t count = 0;
    int c;

    assert_non_null(file);
    while ((c = getc(file)) != EOF)
        count += c == '\n';
    fclose(file);
    return count;
}

/* --- whole pages --- */

static void test_an_access_is_what_it_says(void **state)
{
    char *start = map(1);

    (void)state;
    assert_int_equal(loam_protect(start, PAGE, LOAM_ACCESS_READ), 0);
    assert_true(reads(start) && !writes(start));
    assert_int_equal(loam_protect(start, PAGE, LOAM_ACCESS_NONE), 0);
    assert_false(reads(start));
    assert_int_equal(loam_protect(start, PAGE, LOAM_ACCESS_READ_EXECUTE), 0);
    assert_true(reads(start) && !writes(start));
    assert_int_equal(loam_protect(start, PAGE, LOAM_ACCESS_READ_WRITE), 0);
    assert_true(writes(start));
    unmap(start, 1);
}

static void test_what_are_no_whole_pages_is_refused(void **state)
{
    char *start = map(2);
    int (*const functions[])(void *, size_t) = {loam_guard, loam_unguard, loam_seal};

    (void)state;
    assert_int_equal(loam_protect(start + 1, PAGE, LOAM_ACCESS_NONE), -EINVAL);
    assert_int_equal(loam_protect(start, PAGE + 1, LOAM_ACCESS_NONE), -EINVAL);
    assert_int_equal(loam_protect(start, 0, LOAM_ACCESS_NONE), -EINVAL);
    assert_int_equal(loam_protect(start, -PAGE, LOAM_ACCESS_NONE), -EINVAL);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(functions[i](start + 16, PAGE), -EINVAL);
        assert_int_equal(functions[i](start, PAGE / 2), -EINVAL);
        assert_int_equal(functions[i](start, 0), -EINVAL);
    }
    assert_true(writes(start) && writes(start + PAGE));
    unmap(start, 2);
}

static void test_an_unknown_access_is_refused(void **state)
{
    char *start = map(1);

    (void)state;
    assert_int_equal(loam_protect(start, PAGE, (enum loam_access)4), -EINVAL);
    assert_int_equal(loam_protect(start, PAGE, (enum loam_access) - 1), -EINVAL);
    assert_true(writes(start));
    unmap(start, 1);
}

static void test_what_is_not_mapped_is_enomem(void **state)
{
    char *start = map(1);

    (void)state;
    unmap(start, 1);
    assert_int_equal(loam_protect(start, PAGE, LOAM_ACCESS_READ), -ENOMEM);
    assert_int_equal(loam_guard(start, PAGE), -ENOMEM);
}

/* --- the pages inside an object --- */

static void test_what_shares_a_page_is_not_touched(void **state)
{
    char *start = map(4);
    struct loam_protect_span span;

    (void)state;
    assert_int_equal(loam_protect_within(start + 100, 3 * PAGE, LOAM_ACCESS_READ, &span), 0);
    assert_ptr_equal(span.start, start + PAGE);
    assert_int_equal(span.size, 2 * PAGE);
    assert_true(writes(start + PAGE - 1) && writes(start + 3 * PAGE));
    assert_false(writes(start + PAGE) || writes(start + 3 * PAGE - 1));
    assert_int_equal(loam_protect(span.start, span.size, LOAM_ACCESS_READ_WRITE), 0);
    unmap(start, 4);
}

static void test_whole_pages_are_within_themselves(void **state)
{
    char *start = map(2);
    struct loam_protect_span span;

    (void)state;
    assert_int_equal(loam_protect_within(start, 2 * PAGE, LOAM_ACCESS_READ, &span), 0);
    assert_ptr_equal(span.start, start);
    assert_int_equal(span.size, 2 * PAGE);
    unmap(start, 2);
}

static void test_an_object_with_no_page_of_its_own_is_erange(void **state)
{
    char *start = map(3);
    struct loam_protect_span span = {start, 7};

    (void)state;
    assert_int_equal(loam_protect_within(start, PAGE - 1, LOAM_ACCESS_NONE, &span), -ERANGE);
    assert_int_equal(loam_protect_within(start + 1, 2 * PAGE - 2, LOAM_ACCESS_NONE, &span), -ERANGE);
    assert_int_equal(loam_protect_within(start + 16, 0, LOAM_ACCESS_NONE, &span), -ERANGE);
    assert_int_equal(loam_protect_within(start, 0, LOAM_ACCESS_NONE, &span), -ERANGE);
    assert_int_equal(loam_protect_within((void *)1, 2, LOAM_ACCESS_NONE, &span), -ERANGE);
    assert_int_equal(loam_protect_within(start, SIZE_MAX, LOAM_ACCESS_NONE, &span), -EINVAL);
    assert_true(span.start == start && span.size == 7 && writes(start) && writes(start + 2 * PAGE));
    unmap(start, 3);
}

/* Every address and size of a small range, against the definition: pages all of whose bytes are the object's. */
static void test_within_by_definition_at_random(void **state)
{
    uint64_t seed = seed_take();
    char *start = map(8);

    (void)state;
    for (int i = 0; i < 2000; i++) {
        size_t from = (size_t)seed_next(&seed) % (4 * PAGE), size = (size_t)seed_next(&seed) % (4 * PAGE);
        struct loam_protect_span span = {NULL, 0};
        int error = loam_protect_within(start + from, size, LOAM_ACCESS_READ, &span);
        for (size_t page = 0; page < 8; page++) {
            char *at = start + page * PAGE;
            int whole = page * PAGE >= from && (page + 1) * PAGE <= from + size;
            int inside = !error && at >= (char *)span.start && at < (char *)span.start + span.size;
            assert_int_equal(whole, inside);
        }
        assert_true(error == 0 || error == -ERANGE);
    }
    unmap(start, 8);
}

/* --- objects on pages of their own --- */

static void test_pages_are_zeroes_and_writable(void **state)
{
    struct loam_pages pages;

    (void)state;
    for (unsigned flags = 0; flags < 4; flags++) {
        for (size_t size = 1; size < 3 * PAGE; size += 611) {
            assert_int_equal(loam_pages_create(size, flags, &pages), 0);
            assert_int_equal(pages.size, size);
            assert_int_equal((uintptr_t)pages.data % (flags & LOAM_PAGES_AT_END ? 16 : PAGE), 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(((char *)pages.data)[i], 0);
            memset(pages.data, 1, size);
            assert_int_equal(loam_pages_destroy(&pages), 0);
            assert_false(reads(pages.data));
        }
    }
}

static void test_guards_lie_on_either_side(void **state)
{
    struct loam_pages pages;

    (void)state;
    assert_int_equal(loam_pages_create(PAGE + 1, LOAM_PAGES_GUARDED, &pages), 0);
    char *data = pages.data;
    assert_false(reads(data - 1) || reads(data + 2 * PAGE));
    assert_true(writes(data) && writes(data + 2 * PAGE - 1));
    assert_int_equal(loam_pages_protect(&pages, LOAM_ACCESS_READ_WRITE), 0);
    assert_false(reads(data - 1) || reads(data + 2 * PAGE));
    assert_int_equal(loam_pages_destroy(&pages), 0);
}

static void test_an_object_at_the_end_faults_past_it(void **state)
{
    struct loam_pages pages;

    (void)state;
    for (size_t size = 1; size < 2 * PAGE; size += 123) {
        assert_int_equal(loam_pages_create(size, LOAM_PAGES_GUARDED | LOAM_PAGES_AT_END, &pages), 0);
        assert_true(writes((char *)pages.data + size - 1));
        assert_false(reads((char *)pages.data + size + 15));
        assert_int_equal(loam_pages_destroy(&pages), 0);
    }
}

static void test_pages_are_protected_as_a_whole(void **state)
{
    const unsigned kinds[] = {0, LOAM_PAGES_GUARDED | LOAM_PAGES_AT_END};
    struct loam_pages pages;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(loam_pages_create(2 * PAGE + 48, kinds[i], &pages), 0);
        char *data = pages.data;
        memset(data, 5, pages.size);
        assert_int_equal(loam_pages_protect(&pages, LOAM_ACCESS_READ), 0);
        assert_true(reads(data) && !writes(data) && !writes(data + PAGE) && !writes(data + pages.size - 1));
        assert_int_equal(loam_pages_protect(&pages, LOAM_ACCESS_READ_WRITE), 0);
        assert_true(writes(data) && writes(data + pages.size - 1));
        assert_int_equal(data[pages.size - 1], 5);
        assert_int_equal(loam_pages_destroy(&pages), 0);
    }
}

static void test_pages_that_cannot_be_had(void **state)
{
    struct loam_pages pages = {.size = 7};

    (void)state;
    assert_int_equal(loam_pages_create(0, 0, &pages), -EINVAL);
    assert_int_equal(loam_pages_create(1, 8, &pages), -EINVAL);
    assert_int_equal(loam_pages_create(1, LOAM_PAGES_SEALED, &pages), -EINVAL);
    assert_int_equal(loam_pages_create(SIZE_MAX, 0, &pages), -ENOMEM);
    assert_int_equal(loam_pages_create(SIZE_MAX - PAGE, LOAM_PAGES_GUARDED, &pages), -ENOMEM);
    assert_int_equal(loam_pages_create(PTRDIFF_MAX, LOAM_PAGES_GUARDED, &pages), -ENOMEM);
    assert_int_equal(pages.size, 7);
}

static void test_frozen_is_a_copy_that_cannot_be_written(void **state)
{
    char *object = strdup("from the heap");
    struct loam_pages pages;

    (void)state;
    assert_int_equal(loam_pages_freeze(object, 14, LOAM_PAGES_GUARDED | LOAM_PAGES_AT_END, &pages), 0);
    strcpy(object, "changed");
    free(object);
    assert_string_equal(pages.data, "from the heap");
    assert_false(writes(pages.data));
    assert_int_equal(loam_pages_destroy(&pages), 0);
}

/* Whether the kernel has mseal; on pages that are lost to it. */
static int seals(void)
{
    return loam_seal(map(1), PAGE) == 0;
}

static void test_sealed_pages_stay_as_they_are(void **state)
{
    struct loam_pages pages;

    (void)state;
    if (!seals())
        skip();
    assert_int_equal(loam_pages_freeze("sealed", 7, LOAM_PAGES_GUARDED | LOAM_PAGES_SEALED, &pages), 0);
    assert_int_equal(loam_pages_protect(&pages, LOAM_ACCESS_READ_WRITE), -EPERM);
    assert_int_equal(loam_pages_destroy(&pages), -EPERM);
    assert_int_equal(madvise(pages.data, PAGE, MADV_DONTNEED), -1);
    assert_int_equal(loam_guard(pages.data, PAGE), -EPERM);
    char *guard = (char *)pages.data - PAGE;
    assert_int_equal(loam_protect(guard, PAGE, LOAM_ACCESS_READ), -EPERM);
    assert_string_equal(pages.data, "sealed");
}

/* --- failures --- */

static void test_a_failure_of_the_kernel_is_returned(void **state)
{
    char *start = map(1);
    struct loam_pages pages = {.size = 7};
    struct loam_protection found = {.size = 7};
    struct loam_protect_span span = {.size = 7};

    (void)state;
    if (!injects())
        skip();
    fail_always("mprotect", -ENOMEM);
    assert_int_equal(loam_protect(start, PAGE, LOAM_ACCESS_READ), -ENOMEM);
    assert_int_equal(loam_protect_within(start, PAGE, LOAM_ACCESS_READ, &span), -ENOMEM);
    assert_int_equal(loam_unguard(start, PAGE), -ENOMEM);
    fail_always("madvise", -ENOMEM);
    assert_int_equal(loam_guard(start, PAGE), -ENOMEM);
    assert_int_equal(loam_unguard(start, PAGE), -ENOMEM);
    fail_always("mseal", -ENOSYS);
    assert_int_equal(loam_seal(start, PAGE), -ENOSYS);
    fail_always("prctl", -EINVAL);
    assert_int_equal(loam_never_execute(), -EINVAL);
    fail_always("openat", -EMFILE);
    assert_int_equal(loam_protection(start, &found), -EMFILE);
    fail_always("ioctl", -EIO);
    assert_int_equal(loam_protection(start, &found), -EIO);
    fail_no_more();
    assert_true(pages.size == 7 && found.size == 7 && span.size == 7 && writes(start));
    unmap(start, 1);
}

static void test_pages_that_fail_leave_nothing_behind(void **state)
{
    const struct {
        const char *call;
        int skip;
        long error;
    } failures[] = {{"mmap", 0, -ENOMEM}, {"mprotect", 0, -ENOMEM}, {"mprotect", 1, -EACCES}, {"mseal", 0, -ENOSYS}};
    struct loam_pages pages = {.size = 7};

    (void)state;
    if (!injects())
        skip();
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        count_mappings();
        size_t before = count_mappings();
        fail_after(failures[i].call, failures[i].skip, failures[i].error);
        assert_int_equal(loam_pages_freeze("x", 1, LOAM_PAGES_GUARDED | LOAM_PAGES_SEALED, &pages), failures[i].error);
        fail_no_more();
        assert_int_equal(count_mappings(), before);
        assert_int_equal(pages.size, 7);
    }
}

static void test_destroy_that_fails_can_be_tried_again(void **state)
{
    struct loam_pages pages;

    (void)state;
    if (!injects())
        skip();
    assert_int_equal(loam_pages_create(1, 0, &pages), 0);
    fail_always("munmap", -ENOMEM);
    assert_int_equal(loam_pages_destroy(&pages), -ENOMEM);
    fail_no_more();
    assert_true(writes(pages.data));
    assert_int_equal(loam_pages_destroy(&pages), 0);
    assert_false(reads(pages.data));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_access_is_what_it_says),
        cmocka_unit_test(test_what_are_no_whole_pages_is_refused),
        cmocka_unit_test(test_an_unknown_access_is_refused),
        cmocka_unit_test(test_what_is_not_mapped_is_enomem),
        cmocka_unit_test(test_what_shares_a_page_is_not_touched),
        cmocka_unit_test(test_whole_pages_are_within_themselves),
        cmocka_unit_test(test_an_object_with_no_page_of_its_own_is_erange),
        cmocka_unit_test(test_within_by_definition_at_random),
        cmocka_unit_test(test_pages_are_zeroes_and_writable),
        cmocka_unit_test(test_guards_lie_on_either_side),
        cmocka_unit_test(test_an_object_at_the_end_faults_past_it),
        cmocka_unit_test(test_pages_are_protected_as_a_whole),
        cmocka_unit_test(test_pages_that_cannot_be_had),
        cmocka_unit_test(test_frozen_is_a_copy_that_cannot_be_written),
        cmocka_unit_test(test_sealed_pages_stay_as_they_are),
        cmocka_unit_test(test_a_failure_of_the_kernel_is_returned),
        cmocka_unit_test(test_pages_that_fail_leave_nothing_behind),
        cmocka_unit_test(test_destroy_that_fails_can_be_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
