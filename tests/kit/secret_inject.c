/*
 * secret_inject.c - every system call that secrets make fails: each alone, and all from one on.
 *
 * Each time in a child, as the range of addresses is reserved once. Whatever fails, a function says so as its contract
 * does, and what is there keeps its bytes; once calls succeed again, so does everything.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <loam/secret.h>

#include "sys/sys.h"

#include "child.h"
#include "secret_help.h"

enum { KEY = 32, LARGE = 100000, MANY = 200 };

static struct {
    int calls, from, to; /* those in [from, to) fail */
    unsigned flags;
} injection;

static long inject(const char *name)
{
    int call = injection.calls++;

    if (call < injection.from || call >= injection.to)
        return 0;
    return strcmp(name, "getrandom") == 0 ? -EIO : -ENOMEM;
}

static int is_told(int error)
{
    return error == ENOMEM || error == EAGAIN || error == ENOTSUP || error == EIO;
}

static unsigned char *take(struct loam_secret_group *group, size_t size)
{
    unsigned char *secret = loam_secret_alloc(group, size);

    REQUIRE(secret || is_told(errno));
    for (size_t i = 0; secret && i < size; i++)
        REQUIRE(secret[i] == 0);
    if (secret)
        memset(secret, (int)(size % 250) + 1, size);
    return secret;
}

static void give(unsigned char *secret, size_t size)
{
    for (size_t i = 0; secret && i < size; i++)
        REQUIRE(secret[i] == (unsigned char)(size % 250 + 1));
    loam_secret_free(secret);
}

static unsigned char *grow(unsigned char *secret, size_t from, size_t to)
{
    unsigned char *moved = secret ? loam_secret_realloc(secret, to) : NULL;

    if (moved) {
        memset(moved, (int)(to % 250) + 1, to);
        return moved;
    }
    REQUIRE(!secret || is_told(errno));
    give(secret, from);
    return NULL;
}

static void work(struct loam_secret_group *group)
{
    unsigned char *small[MANY], *large = take(group, LARGE);
    struct loam_secret_status status;

    for (int i = 0; i < MANY; i++)
        small[i] = take(group, KEY);
    if (loam_secret_access(group, LOAM_SECRET_NONE) == 0) {
        loam_secret_free(small[0]);
        small[0] = NULL;
        for (int i = 0; i < 5 && loam_secret_access(group, LOAM_SECRET_READ_WRITE) != 0; i++)
            REQUIRE(is_told(errno));
        if (loam_secret_access(group, LOAM_SECRET_READ_WRITE) != 0)
            return; /* closed for good: nothing can be looked at */
    } else
        REQUIRE(is_told(errno));
    large = grow(large, LARGE, 2 * LARGE);
    loam_secret_check(group);
    loam_secret_status(group, &status);
    for (int i = 0; i < MANY; i++)
        give(small[i], KEY);
    give(large, 2 * LARGE);
}

static void run(void *unused)
{
    struct loam_secret_group *group;
    struct loam_secret_status status;

    (void)unused;
    sys_inject = inject;
    group = loam_secret_group_create("keys", injection.flags);
    REQUIRE(group || is_told(errno));
    if (group)
        work(group);
    sys_inject = NULL;
    loam_secret_group_destroy(group);
    group = loam_secret_group_create("again", injection.flags | LOAM_SECRET_BEST_EFFORT);
    REQUIRE(group != NULL);
    loam_secret_status(group, &status);
    REQUIRE(status.lost == 0 || injection.to > injection.from);
    work(group);
    loam_secret_group_destroy(group);
    dprintf(STDERR_FILENO, "%d calls\n", injection.calls);
}

/* A secret that cannot be opened to be wiped is what stops the process. */
static void run_failing(int from, int to)
{
    struct outcome outcome;

    injection.from = from;
    injection.to = to;
    child_run(run, NULL, &outcome);
    if (outcome.status != 0 && !(to - from > 1 && strstr(outcome.text, "the kernel refuses to change the protection")))
        fail_msg("calls %d to %d fail: status 0x%x: %s", from, to, (unsigned)outcome.status, outcome.text);
}

static int count_calls(void)
{
    struct outcome outcome;
    int calls = 0;

    injection.from = injection.to = 0;
    child_run(run, NULL, &outcome);
    if (sscanf(outcome.text, "%d calls", &calls) != 1)
        fail_msg("status 0x%x: %s", (unsigned)outcome.status, outcome.text);
    return calls;
}

static const unsigned kinds[] = {0, LOAM_SECRET_BEST_EFFORT, LOAM_SECRET_ISOLATED, LOAM_SECRET_HIDDEN,
                                 LOAM_SECRET_KEYS};

/* In a child, so that in this process nothing is reserved. */
static void require_support(void *flags)
{
    REQUIRE(loam_secret_group_create("keys", *(const unsigned *)flags) != NULL);
}

static int is_supported(unsigned flags)
{
    struct outcome outcome;

    child_run(require_support, &flags, &outcome);
    return outcome.status == 0;
}

/* Of an isolated group every call is alike: some are enough. */
static void each_fails(int all_after)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        injection.flags = kinds[i];
        if (!is_supported(kinds[i]))
            continue;
        int calls = count_calls(), step = calls / 150 + 1;
        assert_true(calls > 20);
        for (int call = 0; call < calls; call += call < 100 ? 1 : step)
            run_failing(call, all_after ? calls * 10 : call + 1);
    }
}

static void test_each_call_fails_alone(void **state)
{
    (void)state;
    each_fails(0);
}

static void test_all_calls_fail_from_one_on(void **state)
{
    (void)state;
    each_fails(1);
}

/* --- what is said of one call that fails --- */

static const char *failing;
static long failing_error;

static long fail_named(const char *name)
{
    return strcmp(name, failing) == 0 ? failing_error : 0;
}

static void set_failing(const char *name, long error)
{
    failing = name;
    failing_error = error;
    sys_inject = name ? fail_named : NULL;
}

static void lose_locks(void *unused)
{
    struct loam_secret_group *strict = loam_secret_group_create("keys", 0);
    struct loam_secret_group *lax = loam_secret_group_create("keys", LOAM_SECRET_BEST_EFFORT);
    struct loam_secret_status status;

    (void)unused;
    set_failing("mlock2", -EPERM);
    REQUIRE(!loam_secret_alloc(strict, KEY) && errno == EAGAIN);
    REQUIRE(loam_secret_alloc(lax, KEY) != NULL);
    loam_secret_status(lax, &status);
    REQUIRE(status.unlocked == 4096 && status.locked == 0 && status.lost == LOAM_SECRET_LOST_LOCK);
    set_failing(NULL, 0);
    REQUIRE(loam_secret_alloc(strict, KEY) != NULL);
}

static void lose_advice(void *unused)
{
    struct loam_secret_status status;

    (void)unused;
    set_failing("madvise", -EINVAL);
    REQUIRE(!loam_secret_group_create("keys", 0) && errno == ENOTSUP);
    struct loam_secret_group *lax = loam_secret_group_create("keys", LOAM_SECRET_BEST_EFFORT);
    set_failing(NULL, 0);
    REQUIRE(lax && loam_secret_alloc(lax, KEY));
    loam_secret_status(lax, &status);
    REQUIRE(status.lost == (LOAM_SECRET_LOST_DUMP | LOAM_SECRET_LOST_FORK));
}

/* What a child has inherited because the kernel could not empty it is wiped when the child first allocates or asks. */
static void lose_fork(void *unused)
{
    struct loam_secret_status status;
    int result;

    (void)unused;
    set_failing("madvise", -EINVAL);
    struct loam_secret_group *lax = loam_secret_group_create("keys", LOAM_SECRET_BEST_EFFORT);
    set_failing(NULL, 0);
    unsigned char *secret = take(lax, KEY);
    pid_t pid = fork();
    if (pid == 0) {
        loam_secret_status(lax, &status);
        for (int i = 0; i < KEY; i++)
            REQUIRE(secret[i] == 0);
        loam_secret_free(secret);
        _exit(0);
    }
    REQUIRE(waitpid(pid, &result, 0) == pid && result == 0);
    give(secret, KEY);
}

static int refusals;

static long refuse_some(const char *name)
{
    return strcmp(name, "mmap") == 0 && refusals-- > 0 ? -ENOMEM : 0;
}

/* 64 MiB are enough. */
static void lose_most_addresses(void *unused)
{
    struct loam_secret_group *group;

    (void)unused;
    refusals = 4;
    sys_inject = refuse_some;
    group = loam_secret_group_create("keys", LOAM_SECRET_BEST_EFFORT);
    REQUIRE(group && refusals <= 0);
    give(take(group, 10 * LARGE), 10 * LARGE);
    REQUIRE(!loam_secret_alloc(group, (size_t)64 << 20) && errno == ENOMEM);
}

static void lose_support(void *unused)
{
    (void)unused;
    set_failing("memfd_secret", -ENOSYS);
    REQUIRE(!loam_secret_group_create("keys", LOAM_SECRET_HIDDEN) && errno == ENOSYS);
    set_failing("pkey_alloc", -ENOSPC);
    REQUIRE(!loam_secret_group_create("keys", LOAM_SECRET_KEYS) && errno == ENOTSUP);
}

static void lose_addresses(void *unused)
{
    (void)unused;
    set_failing("mmap", -ENOMEM);
    REQUIRE(!loam_secret_group_create("keys", 0) && errno == ENOMEM);
    set_failing(NULL, 0);
    REQUIRE(loam_secret_group_create("keys", 0) != NULL);
}

static void lose_protection(void *unused)
{
    struct loam_secret_group *group = loam_secret_group_create("keys", 0);
    unsigned char *secret = take(group, KEY);

    (void)unused;
    set_failing("mprotect", -ENOMEM);
    REQUIRE(loam_secret_access(group, LOAM_SECRET_NONE) == -1 && errno == ENOMEM);
    REQUIRE(!loam_secret_alloc(group, LARGE) && errno == ENOMEM);
    give(secret, KEY);
}

/* In a child that cannot lock what it has inherited, nothing more is put there. */
static void lose_inherited_locks(void *unused)
{
    struct loam_secret_group *group = loam_secret_group_create("keys", 0);
    unsigned char *secret = take(group, KEY);
    struct loam_secret_status status;
    int result;
    pid_t pid = fork();

    (void)unused;
    if (pid == 0) {
        set_failing("mlock2", -ENOMEM);
        loam_secret_status(group, &status);
        REQUIRE(status.unlocked == 4096 && status.lost == LOAM_SECRET_LOST_LOCK);
        REQUIRE(!loam_secret_alloc(group, KEY) && errno == EAGAIN);
        set_failing(NULL, 0);
        REQUIRE(loam_secret_alloc(group, KEY) != NULL);
        loam_secret_free(secret);
        loam_secret_status(group, &status);
        REQUIRE(status.unlocked == 0 && status.lost == 0);
        _exit(0);
    }
    REQUIRE(waitpid(pid, &result, 0) == pid && result == 0);
}

/* In a child that cannot open what it has inherited, that can still be freed. */
static void lose_inherited_pages(void *unused)
{
    struct loam_secret_group *group = loam_secret_group_create("keys", 0);
    unsigned char *secret = take(group, KEY);
    int result;
    pid_t pid = fork();

    (void)unused;
    if (pid == 0) {
        set_failing("mprotect", -ENOMEM);
        REQUIRE(loam_secret_size(secret) == KEY);
        set_failing(NULL, 0);
        unsigned char *own = take(group, KEY);
        REQUIRE(own != NULL);
        loam_secret_check(group);
        loam_secret_free(secret);
        give(own, KEY);
        _exit(0);
    }
    REQUIRE(waitpid(pid, &result, 0) == pid && result == 0);
}

static void test_what_is_lost_is_told(void **state)
{
    void (*const bodies[])(void *) = {lose_locks,           lose_advice,          lose_fork,
                                      lose_addresses,       lose_most_addresses,  lose_protection,
                                      lose_inherited_locks, lose_inherited_pages, lose_support};

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        assert_child_succeeds(bodies[i], NULL);
}

/* --- what happens within a call --- */

static const char *awaited;
static void (*happening)(void);

/* The hook calls happening() once, before the first call of that name. */
static long happen(const char *name)
{
    void (*now)(void) = strcmp(name, awaited) == 0 ? happening : NULL;

    if (now) {
        happening = NULL;
        now();
    }
    return 0;
}

static void set_happening(const char *name, void (*what)(void))
{
    awaited = name;
    happening = what;
    sys_inject = happen;
}

static atomic_int wiper_went_on;
static pthread_t second;

static void *wipe_second(void *unused)
{
    (void)unused;
    loam_secret_wipe_all();
    REQUIRE(wiper_went_on);
    return NULL;
}

static void start_second(void)
{
    REQUIRE(pthread_create(&second, NULL, wipe_second, NULL) == 0);
    usleep(50000);
    wiper_went_on = 1;
}

static void wipe_by_two(void *unused)
{
    (void)unused;
    REQUIRE(take(loam_secret_group_create("keys", 0), KEY) != NULL);
    set_happening("mremap", start_second);
    loam_secret_wipe_all();
    REQUIRE(wiper_went_on && pthread_join(second, NULL) == 0);
}

static void test_the_second_to_wipe_waits_for_the_first(void **state)
{
    (void)state;
    assert_child_succeeds(wipe_by_two, NULL);
}

static void wipe_while_opening(void *unused)
{
    struct loam_secret_group *group = loam_secret_group_create("keys", 0);
    unsigned char *secret = take(group, KEY);

    (void)unused;
    REQUIRE(loam_secret_access(group, LOAM_SECRET_NONE) == 0);
    set_happening("mprotect", loam_secret_wipe_all);
    loam_secret_access(group, LOAM_SECRET_READ);
    REQUIRE(!happening && !is_accessible(secret));
}

static void wipe_while_allocating(void *unused)
{
    struct loam_secret_group *group = loam_secret_group_create("keys", 0);

    (void)unused;
    REQUIRE(group != NULL);
    set_happening("mlock2", loam_secret_wipe_all);
    REQUIRE(!loam_secret_alloc(group, KEY) && errno == EACCES && !happening);
}

static void test_what_is_wiped_meanwhile_stays_closed(void **state)
{
    (void)state;
    assert_child_succeeds(wipe_while_opening, NULL);
    assert_child_succeeds(wipe_while_allocating, NULL);
}

static atomic_int asleep;

static void sleep_with_the_lock(void)
{
    asleep = 1;
    for (;;)
        pause();
}

static void *allocate(void *group)
{
    return loam_secret_alloc(group, KEY);
}

/* As a thread does that touches a secret that has been wiped within a call. */
static void fork_beside_a_sleeper(void *unused)
{
    struct loam_secret_group *group = loam_secret_group_create("keys", 0);
    int result;

    (void)unused;
    set_happening("mlock2", sleep_with_the_lock);
    REQUIRE(pthread_create(&second, NULL, allocate, group) == 0);
    while (!asleep)
        usleep(1000);
    loam_secret_wipe_all();
    alarm(10);
    pid_t pid = fork();
    if (pid == 0)
        exit(0);
    REQUIRE(waitpid(pid, &result, 0) == pid && result == 0);
}

static void test_a_fork_after_wipe_all_waits_for_nobody(void **state)
{
    (void)state;
    assert_child_succeeds(fork_beside_a_sleeper, NULL);
}

/* Before the first page of those that are wiped is opened, it is no more where the program knows it. */
static unsigned char *partly_locked;

static void look_at_first(void)
{
    REQUIRE(!is_accessible(partly_locked));
}

static void wipe_partly_locked(void *unused)
{
    struct loam_secret_group *group = loam_secret_group_create("keys", LOAM_SECRET_BEST_EFFORT);

    (void)unused;
    partly_locked = take(group, KEY);
    set_failing("mlock2", -ENOMEM);
    REQUIRE(take(group, 3 * 4096) != NULL);
    set_happening("mprotect", look_at_first);
    loam_secret_wipe_all();
    REQUIRE(!happening);
}

static void test_partly_locked_pages_are_closed_before_they_are_wiped(void **state)
{
    (void)state;
    assert_child_succeeds(wipe_partly_locked, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_lost_is_told),
        cmocka_unit_test(test_the_second_to_wipe_waits_for_the_first),
        cmocka_unit_test(test_what_is_wiped_meanwhile_stays_closed),
        cmocka_unit_test(test_partly_locked_pages_are_closed_before_they_are_wiped),
        cmocka_unit_test(test_a_fork_after_wipe_all_waits_for_nobody),
        cmocka_unit_test(test_each_call_fails_alone),
        cmocka_unit_test(test_all_calls_fail_from_one_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
