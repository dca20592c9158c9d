/* secret_end.c - the contract of loam/secret.h: what faults, stops the process or ends with it. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <loam/secret.h>

#include "child.h"
#include "secret_help.h"

enum { KEY = 32, LARGE = 100000 };

/* --- what faults or stops --- */

static void touch_with(enum loam_secret_access access, int write, unsigned flags)
{
    struct loam_secret_group *group = need(flags);
    volatile unsigned char *secret = loam_secret_alloc(group, KEY);

    REQUIRE(loam_secret_access(group, access) == 0);
    if (write)
        secret[4] = 1;
    else
        REQUIRE(secret[4] == 0);
}

static void read_closed(void *unused)
{
    (void)unused;
    touch_with(LOAM_SECRET_NONE, 0, 0);
}

static void write_read_only(void *unused)
{
    (void)unused;
    touch_with(LOAM_SECRET_READ, 1, 0);
}

static void read_read_only(void *unused)
{
    (void)unused;
    touch_with(LOAM_SECRET_READ, 0, 0);
}

static void test_a_closed_secret_faults_with_a_report(void **state)
{
    (void)state;
#if defined(__x86_64__)
    assert_ends(read_closed, SIGSEGV, "loam: read of a closed secret at 0x");
    assert_ends(write_read_only, SIGSEGV, "loam: write of a read-only secret at 0x");
#endif
    assert_ends(write_read_only, SIGSEGV, " of a read-only secret at 0x");
    assert_ends(read_closed, SIGSEGV, "it is byte 4 of one of 32 bytes in group \"keys\"; open the group");
    assert_child_succeeds(read_read_only, NULL);
}

static void free_one_of_two(void *flags)
{
    struct loam_secret_group *group = need(*(unsigned *)flags);
    unsigned char *kept = loam_secret_alloc(group, KEY), *freed = loam_secret_alloc(group, KEY);

    REQUIRE(is_accessible(kept));
    REQUIRE(loam_secret_access(group, LOAM_SECRET_NONE) == 0);
    loam_secret_check(group);
    REQUIRE(!is_accessible(kept));
    loam_secret_free(freed);
    REQUIRE(!is_accessible(kept));
}

static void test_a_free_leaves_the_group_closed(void **state)
{
    unsigned flags[] = {0, LOAM_SECRET_ISOLATED, LOAM_SECRET_KEYS};

    (void)state;
    for (size_t i = 0; i < (have_keys() ? 3 : 2); i++)
        assert_child_succeeds(free_one_of_two, &flags[i]);
}

static void read_freed(void *unused)
{
    volatile unsigned char *secret = loam_secret_alloc(need(LOAM_SECRET_ISOLATED), KEY);

    (void)unused;
    loam_secret_free((void *)secret);
    REQUIRE(secret[0] == 0);
}

static void read_after_destroy(void *unused)
{
    struct loam_secret_group *group = need(0);
    volatile unsigned char *secret = loam_secret_alloc(group, KEY);

    (void)unused;
    loam_secret_group_destroy(group);
    REQUIRE(secret[0] == 0);
}

static void test_a_freed_secret_faults_with_a_report(void **state)
{
    (void)state;
    assert_ends(read_freed, SIGSEGV, "where no secret is, or none any more: look for a use after it was freed");
    assert_ends(read_after_destroy, SIGSEGV, "where no secret is, or none any more: look for a use after it was freed");
}

static void read_past_the_end(void *unused)
{
    volatile unsigned char *secret = loam_secret_alloc(need(LOAM_SECRET_ISOLATED), KEY);

    (void)unused;
    REQUIRE(secret[KEY + 24] == 0);
}

static void read_before_the_first(void *unused)
{
    volatile unsigned char *secret = loam_secret_alloc(need(0), KEY);

    (void)unused;
    REQUIRE(secret[-17] == 0);
}

static void test_guard_pages_fault_with_a_report(void **state)
{
    (void)state;
    assert_ends(read_past_the_end, SIGSEGV, "it is past the end of one of 32 bytes");
    assert_ends(read_before_the_first, SIGSEGV, "outside the pages of secrets");
    assert_ends(read_before_the_first, SIGSEGV, "it lies in none of those in group \"keys\"; look for an access");
}

static void spoil(size_t size, ptrdiff_t at, int check)
{
    struct loam_secret_group *group = need(0);
    volatile unsigned char *secret = loam_secret_alloc(group, size);

    secret[at] ^= 1;
    loam_secret_access(group, LOAM_SECRET_NONE);
    if (check)
        loam_secret_check(group);
    else
        loam_secret_free((void *)secret);
}

static void spoil_before(void *unused)
{
    (void)unused;
    spoil(KEY, -1, 0);
}

static void spoil_after(void *unused)
{
    (void)unused;
    spoil(KEY, KEY, 0);
}

static void spoil_last(void *unused)
{
    (void)unused;
    spoil(KEY + 1, 63 - 16, 1);
}

static void spoil_large(void *unused)
{
    (void)unused;
    spoil(LARGE, LARGE, 1);
}

static void test_what_is_written_around_a_secret_is_noticed(void **state)
{
    (void)state;
    assert_ends(spoil_before, SIGABRT, "written before the start of a secret of 32 bytes");
    assert_ends(spoil_after, SIGABRT, "written past the end of a secret of 32 bytes");
    assert_ends(spoil_last, SIGABRT, "written past the end of a secret of 33 bytes");
    assert_ends(spoil_large, SIGABRT, "written past the end of a secret of 100000 bytes");
}

static void free_twice(void *unused)
{
    void *secret = loam_secret_alloc(need(0), KEY);

    (void)unused;
    loam_secret_free(secret);
    loam_secret_free(secret);
}

static void free_inside(void *unused)
{
    (void)unused;
    loam_secret_free((char *)loam_secret_alloc(need(0), KEY) + 16);
}

static void free_guard(void *unused)
{
    (void)unused;
    loam_secret_free((char *)loam_secret_alloc(need(0), KEY) - 4096);
}

static void free_other_memory(void *unused)
{
    static char other[64];

    need(0);
    (void)unused;
    loam_secret_free(other);
}

static void free_before_all(void *unused)
{
    (void)unused;
    loam_secret_free(&unused);
}

static void test_only_the_start_of_a_secret_is_freed(void **state)
{
    void (*const bodies[])(void *) = {free_twice, free_inside, free_guard, free_other_memory, free_before_all};

    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_ends(bodies[i], SIGABRT, "loam: loam_secret_free() of 0x");
}

static void use_no_group(void *unused)
{
    (void)unused;
    need(0);
    loam_secret_alloc(NULL, KEY);
}

static void allocate_after_destroy(void *unused)
{
    struct loam_secret_group *group = need(0);

    (void)unused;
    loam_secret_group_destroy(group);
    loam_secret_alloc(group, KEY);
}

static void open_after_destroy(void *unused)
{
    struct loam_secret_group *group = need(0);

    (void)unused;
    loam_secret_group_destroy(group);
    loam_secret_access(group, LOAM_SECRET_NONE);
}

static void destroy_twice(void *unused)
{
    struct loam_secret_group *group = need(0);

    (void)unused;
    loam_secret_group_destroy(group);
    loam_secret_group_destroy(group);
}

static void test_a_group_that_there_is_not_is_not_used(void **state)
{
    (void)state;
    assert_ends(use_no_group, SIGABRT, "loam: loam_secret_alloc() of a group at 0x0, where there is none");
#if !defined(__SANITIZE_ADDRESS__) /* which reports that itself */
    assert_ends(allocate_after_destroy, SIGABRT, "loam: loam_secret_alloc() of a group at 0x");
    assert_ends(open_after_destroy, SIGABRT, "loam: loam_secret_access() of a group at 0x");
    assert_ends(destroy_twice, SIGABRT, "loam: loam_secret_group_destroy() of a group at 0x");
#else
    (void)allocate_after_destroy, (void)open_after_destroy, (void)destroy_twice;
#endif
}

/* --- signals --- */

static sigjmp_buf back;

static void jump_back(int number)
{
    siglongjmp(back, number);
}

static void fault_elsewhere(void *unused)
{
    volatile char *volatile nowhere = (char *)16;

    (void)unused;
    signal(SIGSEGV, jump_back);
    struct loam_secret_group *group = need(0);
    for (volatile int i = 0; i < 3; i++)
        if (sigsetjmp(back, 1) == 0) {
            *nowhere = 1;
            REQUIRE(0);
        }
    REQUIRE(loam_secret_alloc(group, KEY) != NULL);
    touch_with(LOAM_SECRET_NONE, 0, 0);
}

static void test_an_earlier_handler_keeps_its_faults(void **state)
{
    (void)state;
    assert_ends(fault_elsewhere, SIGSEGV, "of a closed secret");
}

static void return_at_once(int number)
{
    (void)number;
}

static void fault_with_one_time_handler(void *unused)
{
    struct sigaction action = {.sa_handler = return_at_once, .sa_flags = (int)SA_RESETHAND};
    volatile char *volatile nowhere = (char *)16;

    (void)unused;
    alarm(10);
    sigaction(SIGSEGV, &action, NULL);
    need(0);
    *nowhere = 1;
}

static void test_an_earlier_handler_for_one_time_is_called_once(void **state)
{
    (void)state;
    assert_ends(fault_with_one_time_handler, SIGSEGV, "");
}

static void fault_ignoring_faults(void *unused)
{
    volatile char *volatile nowhere = (char *)16;

    (void)unused;
    alarm(10);
    signal(SIGSEGV, SIG_IGN);
    need(0);
    raise(SIGSEGV);
    dprintf(STDERR_FILENO, "it goes on\n");
    *nowhere = 1;
}

static void test_ignored_faults_stay_ignored_if_sent(void **state)
{
    (void)state;
    assert_ends(fault_ignoring_faults, SIGSEGV, "it goes on");
}

static void keep_ignored(void *unused)
{
    (void)unused;
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, jump_back);
    need(0);
    raise(SIGTERM);
    if (sigsetjmp(back, 1) == 0)
        raise(SIGINT);
}

static void test_actions_of_the_program_stay(void **state)
{
    (void)state;
    assert_child_succeeds(keep_ignored, NULL);
}

static void unload(void *unused)
{
    void *library = dlopen(LOAM_KIT_FILE, RTLD_NOW);

    (void)unused;
    REQUIRE(library != NULL);
    signal(SIGTERM, SIG_DFL); /* not this program's own */
    __typeof__(loam_secret_group_create) *create =
        (__typeof__(loam_secret_group_create) *)dlsym(library, "loam_secret_group_create");
    REQUIRE(create && create("keys", 0));
    dlclose(library);
    raise(SIGTERM);
}

static void test_the_library_stays_for_its_handlers(void **state)
{
    (void)state;
    if (!*LOAM_KIT_FILE)
        skip(); /* the program is static */
    assert_ends(unload, SIGTERM, "");
}

static int end_by_signal(void *unused)
{
    (void)unused;
    return kill(getpid(), SIGTERM);
}

/* As vfork(2), which compilers cannot know to be harmless here. */
static void lose_a_child_that_shares_memory(void *unused)
{
    static char stack[65536];
    struct loam_secret_group *group = need(0);
    unsigned char *secret = loam_secret_alloc(group, KEY);
    int status;

    (void)unused;
    secret[0] = 7;
    pid_t pid = clone(end_by_signal, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    REQUIRE(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    REQUIRE(is_accessible(secret) && secret[0] == 7 && loam_secret_alloc(group, KEY));
}

static void test_a_child_that_shares_memory_wipes_nothing(void **state)
{
    (void)state;
    assert_child_succeeds(lose_a_child_that_shares_memory, NULL);
}

static void use_after_wipe_all(void *unused)
{
    struct loam_secret_group *group = need(0);
    volatile unsigned char *secret = loam_secret_alloc(group, KEY);
    struct loam_secret_status status;

    (void)unused;
    loam_secret_wipe_all();
    loam_secret_wipe_all();
    REQUIRE(!loam_secret_alloc(group, KEY) && errno == EACCES);
    REQUIRE(!loam_secret_group_create("more", 0) && errno == EACCES);
    REQUIRE(loam_secret_access(group, LOAM_SECRET_READ) == -1 && errno == EACCES);
    loam_secret_status(group, &status);
    loam_secret_check(group);
    loam_secret_free((void *)secret);
    loam_secret_group_destroy(group);
    REQUIRE(secret[0] == 0);
}

static void test_after_wipe_all_nothing_is_allocated_or_read(void **state)
{
    (void)state;
    assert_ends(use_after_wipe_all, SIGSEGV, "after all of them have been wiped");
}

static void *read_for_ever(void *secret)
{
    const volatile unsigned char *key = secret;

    while (key[0] == 1)
        continue;
    REQUIRE(0); /* it has seen a key of zeroes */
    return NULL;
}

static void exit_beside_a_reader(void *unused)
{
    pthread_t thread;
    unsigned char *secret = loam_secret_alloc(need(0), KEY);

    (void)unused;
    secret[0] = 1;
    REQUIRE(pthread_create(&thread, NULL, read_for_ever, secret) == 0);
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    loam_secret_wipe_all();
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static void test_no_thread_sees_zeroes_at_the_end(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_child_succeeds(exit_beside_a_reader, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* The first: only the handler that is there before all groups is earlier. */
        cmocka_unit_test(test_an_earlier_handler_keeps_its_faults),
        cmocka_unit_test(test_an_earlier_handler_for_one_time_is_called_once),
        cmocka_unit_test(test_ignored_faults_stay_ignored_if_sent),
        cmocka_unit_test(test_a_closed_secret_faults_with_a_report),
        cmocka_unit_test(test_a_free_leaves_the_group_closed),
        cmocka_unit_test(test_a_freed_secret_faults_with_a_report),
        cmocka_unit_test(test_guard_pages_fault_with_a_report),
        cmocka_unit_test(test_what_is_written_around_a_secret_is_noticed),
        cmocka_unit_test(test_only_the_start_of_a_secret_is_freed),
        cmocka_unit_test(test_a_group_that_there_is_not_is_not_used),
        cmocka_unit_test(test_actions_of_the_program_stay),
        cmocka_unit_test(test_the_library_stays_for_its_handlers),
        cmocka_unit_test(test_a_child_that_shares_memory_wipes_nothing),
        cmocka_unit_test(test_after_wipe_all_nothing_is_allocated_or_read),
        cmocka_unit_test(test_no_thread_sees_zeroes_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
