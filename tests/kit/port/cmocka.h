/*
 * cmocka.h - as much of cmocka as the tests of facilities use: not every C library and processor has one.
 *
 * A test that fails or is skipped is left by a jump. LOAM_TEST_LEAVE_OUT=":test:test:" names those not to be run.
 */
#ifndef LOAM_TEST_PORT_CMOCKA_H
#define LOAM_TEST_PORT_CMOCKA_H

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int (*CMFixtureFunction)(void **state);

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
    CMFixtureFunction set_up, tear_down;
    void *state; /* that it begins with */
};

enum cmocka_end { CMOCKA_RUNS, CMOCKA_FAILED, CMOCKA_SKIPPED };

__attribute__((weak)) jmp_buf cmocka_back; /* the same one in all files of a program */

#define print_message(...) printf(__VA_ARGS__)
#define skip()             longjmp(cmocka_back, CMOCKA_SKIPPED)
#define fail_msg(...)                                                                                                  \
    do {                                                                                                               \
        printf("%s:%d: ", __FILE__, __LINE__);                                                                         \
        printf(__VA_ARGS__);                                                                                           \
        printf("\n");                                                                                                  \
        longjmp(cmocka_back, CMOCKA_FAILED);                                                                           \
    } while (0)

/* --- assertions: numbers and addresses as the same 64 bits --- */

static inline void cmocka_check(int holds, const char *what, uint64_t a, uint64_t b, const char *file, int line)
{
    if (holds)
        return;
    printf("%s:%d: %s: %#llx, %#llx\n", file, line, what, (unsigned long long)a, (unsigned long long)b);
    longjmp(cmocka_back, CMOCKA_FAILED);
}

static inline void cmocka_compare(uint64_t a, uint64_t b, int equal, const char *what, const char *file, int line)
{
    cmocka_check((a == b) == equal, what, a, b, file, line);
}

#define CMOCKA_COMPARE(a, b, equal)                                                                                    \
    cmocka_compare((uint64_t)(uintptr_t)(a), (uint64_t)(uintptr_t)(b), equal, #a ", " #b, __FILE__, __LINE__)
#define assert_int_equal(a, b)        CMOCKA_COMPARE(a, b, 1)
#define assert_int_not_equal(a, b)    CMOCKA_COMPARE(a, b, 0)
#define assert_ptr_equal(a, b)        CMOCKA_COMPARE(a, b, 1)
#define assert_ptr_not_equal(a, b)    CMOCKA_COMPARE(a, b, 0)
#define assert_null(a)                CMOCKA_COMPARE(a, 0, 1)
#define assert_non_null(a)            CMOCKA_COMPARE(a, 0, 0)
#define assert_false(a)               CMOCKA_COMPARE(a, 0, 1)
#define assert_true(a)                CMOCKA_COMPARE(a, 0, 0)
#define assert_string_equal(a, b)     cmocka_check(strcmp(a, b) == 0, #a ", " #b, 0, 0, __FILE__, __LINE__)
#define assert_memory_equal(a, b, n)  cmocka_check(memcmp(a, b, n) == 0, #a ", " #b, 0, 0, __FILE__, __LINE__)
#define assert_in_range(a, low, high) cmocka_check((a) >= (low) && (a) <= (high), #a, a, high, __FILE__, __LINE__)

/* --- running --- */

#define cmocka_unit_test(test) cmocka_unit_test_setup_teardown(test, NULL, NULL)
#define cmocka_unit_test_setup_teardown(test, set_up, tear_down)                                                       \
    ((struct CMUnitTest){#test, test, set_up, tear_down, NULL})
#define cmocka_run_group_tests(tests, set_up, tear_down) cmocka_run(tests, sizeof(tests) / sizeof((tests)[0]))

static inline int cmocka_is_left_out(const struct CMUnitTest *test)
{
    const char *names = getenv("LOAM_TEST_LEAVE_OUT");
    char name[200];

    snprintf(name, sizeof(name), ":%s:", test->name);
    return names && strstr(names, name);
}

static inline int cmocka_run_one(const struct CMUnitTest *test)
{
    static const char *const words[] = {[CMOCKA_RUNS] = "ok", [CMOCKA_FAILED] = "FAILED", [CMOCKA_SKIPPED] = "skipped"};
    void *state = test->state, *volatile made = state;
    int end = setjmp(cmocka_back);

    if (end == CMOCKA_RUNS) {
        if (test->set_up && test->set_up(&state) != 0)
            longjmp(cmocka_back, CMOCKA_FAILED);
        made = state;
        test->run(&state);
    }
    state = made;
    if (test->tear_down)
        test->tear_down(&state);
    printf("%s: %s\n", words[end], test->name);
    fflush(stdout);
    return end == CMOCKA_FAILED;
}

/* No group of the tests' has a set-up of its own. */
static inline int cmocka_run(const struct CMUnitTest *tests, size_t count)
{
    int failed = 0;

    for (size_t i = 0; i < count; i++)
        failed += !cmocka_is_left_out(&tests[i]) && cmocka_run_one(&tests[i]);
    return failed;
}

#endif
