/* secret_limits.c - the contract of loam/secret.h at the limits of locked memory, mappings and protection keys. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include <loam/secret.h>

#include "child.h"
#include "secret_help.h"

enum { KEY = 32, LARGE = 100000, NOBODY = 65534 };

/* --- memory --- */

static void lower_limit(size_t bytes)
{
    REQUIRE(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){bytes, bytes}) == 0);
    if (getuid() == 0)
        REQUIRE(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
}

static void allocate_beyond_limit(void *limit)
{
    struct loam_secret_group *group = need(0);
    struct loam_secret_status status;
    unsigned char *secret, *last = NULL;
    int count = 0;

    lower_limit(*(size_t *)limit);
    while ((secret = loam_secret_alloc(group, KEY)) && count++ < 10000) {
        memset(secret, 7, KEY);
        last = secret;
    }
    REQUIRE(errno == EAGAIN);
    REQUIRE(loam_secret_alloc(group, LARGE) == NULL && errno == EAGAIN);
    REQUIRE(!last || last[KEY - 1] == 7);
    loam_secret_status(group, &status);
    REQUIRE(status.locked == *(size_t *)limit && status.unlocked == 0 && status.lost == 0);
    REQUIRE(status.secrets == *(size_t *)limit / 64);
    if (last) {
        REQUIRE(is_accessible(last) && !is_accessible(last + 4096));
        loam_secret_free(last);
        REQUIRE(loam_secret_alloc(group, KEY) == last);
    }
}

static void test_beyond_the_limit_is_eagain(void **state)
{
    size_t limits[] = {0, 4096, 40960, 61440};

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_child_succeeds(allocate_beyond_limit, &limits[i]);
}

/* Where hidden pages were refused, in the chunk after the last one, nothing else may be mapped. */
static void refuse_hidden(void *unused)
{
    struct loam_secret_group *hidden = need(LOAM_SECRET_HIDDEN);
    char *before = loam_secret_alloc(need(LOAM_SECRET_ISOLATED), KEY);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;

    (void)unused;
    lower_limit(40960);
    REQUIRE(!loam_secret_alloc(hidden, KEY) && errno == EAGAIN);
    char *there = before - (uintptr_t)before % 4096 + 65536;
    REQUIRE(mmap(there, 4096, PROT_NONE, flags, -1, 0) == MAP_FAILED && errno == EEXIST);
}

static void test_hidden_pages_beyond_the_limit_leave_no_hole(void **state)
{
    struct loam_secret_group *group = loam_secret_group_create("keys", LOAM_SECRET_HIDDEN);

    (void)state;
    if (!group)
        skip();
    assert_child_succeeds(refuse_hidden, NULL);
}

static void allocate_best_effort(void *unused)
{
    struct loam_secret_group *group = need(LOAM_SECRET_BEST_EFFORT);
    struct loam_secret_status status;

    (void)unused;
    lower_limit(8192);
    for (int i = 0; i < 1000; i++)
        REQUIRE(loam_secret_alloc(group, KEY) != NULL);
    loam_secret_status(group, &status);
    REQUIRE(status.locked == 8192 && status.unlocked == 1000 / 64 * 4096 - 4096);
    REQUIRE(status.lost == LOAM_SECRET_LOST_LOCK);
    REQUIRE(loam_secret_access(group, LOAM_SECRET_NONE) == 0);
}

/* Its pages are two mappings, of which the second is one with the guard after it while the group is closed. */
static void open_partly_locked(void *unused)
{
    struct loam_secret_group *group = need(LOAM_SECRET_BEST_EFFORT);
    unsigned char *first = loam_secret_alloc(group, KEY);
    unsigned char *many = mmap(NULL, (size_t)1 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    (void)unused;
    lower_limit(4096);
    REQUIRE(loam_secret_alloc(group, 2 * 4096) != NULL && many != MAP_FAILED);
    REQUIRE(loam_secret_access(group, LOAM_SECRET_NONE) == 0);
    for (size_t i = 1; mprotect(many + i * 4096, 4096, PROT_READ) == 0; i += 2)
        REQUIRE(i < 200000);
    if (loam_secret_access(group, LOAM_SECRET_READ_WRITE) == 0)
        return;
    REQUIRE(errno == ENOMEM && !is_accessible(first));
}

static void test_a_refused_access_changes_nothing(void **state)
{
    (void)state;
    assert_child_succeeds(open_partly_locked, NULL);
}

static void test_best_effort_says_what_is_lost(void **state)
{
    (void)state;
    assert_child_succeeds(allocate_best_effort, NULL);
}

/* --- keys --- */

static void *fault_in_thread(void *secret)
{
    return (void *)(uintptr_t) * (volatile unsigned char *)secret;
}

static void close_for_one_thread(void *unused)
{
    struct loam_secret_group *group = need(LOAM_SECRET_KEYS);
    unsigned char *secret = loam_secret_alloc(group, KEY);
    pthread_t thread;
    void *seen;

    (void)unused;
    secret[0] = 3;
    REQUIRE(pthread_create(&thread, NULL, fault_in_thread, secret) == 0);
    REQUIRE(loam_secret_access(group, LOAM_SECRET_NONE) == 0);
    pthread_join(thread, &seen);
    REQUIRE((uintptr_t)seen == 3);
    REQUIRE(!loam_secret_alloc(group, KEY) && errno == EACCES);
    pthread_create(&thread, NULL, fault_in_thread, secret); /* it starts closed */
    pthread_join(thread, NULL);
}

static void use_keys(void *unused)
{
    struct loam_secret_group *group = need(LOAM_SECRET_KEYS);
    unsigned char *secret = loam_secret_alloc(group, KEY);

    (void)unused;
    secret[0] = 3;
    REQUIRE(loam_secret_access(group, LOAM_SECRET_READ) == 0);
    REQUIRE(secret[0] == 3);
    REQUIRE(loam_secret_access(group, LOAM_SECRET_NONE) == 0);
    loam_secret_check(group);
    loam_secret_free(secret);
    REQUIRE(loam_secret_access(group, LOAM_SECRET_READ_WRITE) == 0);
    REQUIRE(is_zero(loam_secret_alloc(group, KEY), KEY));
    loam_secret_access(group, LOAM_SECRET_NONE);
    loam_secret_group_destroy(group);
    for (int i = 0; i < 100; i++)
        loam_secret_group_destroy(need(LOAM_SECRET_KEYS)); /* the key is given back */
    int count = 0;
    while (loam_secret_group_create("keys", LOAM_SECRET_KEYS))
        count++;
    REQUIRE(errno == ENOSPC && count > 0);
}

static int go[2];
static unsigned char *of_a_new_group;

static void *look_when_told(void *unused)
{
    char byte;

    (void)unused;
    loam_secret_group_destroy(need(LOAM_SECRET_KEYS));
    REQUIRE(write(go[1], "", 1) == 1); /* this thread has let go of its key */
    while (!__atomic_load_n(&of_a_new_group, __ATOMIC_ACQUIRE))
        usleep(1000);
    byte = *(volatile char *)of_a_new_group;
    return (void *)(uintptr_t)byte;
}

static void inherit_a_key(void *unused)
{
    pthread_t thread;
    char byte;

    (void)unused;
    REQUIRE(pipe(go) == 0 && pthread_create(&thread, NULL, look_when_told, NULL) == 0);
    REQUIRE(read(go[0], &byte, 1) == 1);
    void *secret = loam_secret_alloc(need(LOAM_SECRET_KEYS), KEY);
    __atomic_store_n(&of_a_new_group, secret, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
}

static void test_keys_switch_one_thread(void **state)
{
    (void)state;
    if (!have_keys())
        skip();
    assert_child_succeeds(use_keys, NULL);
    assert_ends(close_for_one_thread, SIGSEGV, "of a closed secret");
    assert_ends(inherit_a_key, SIGSEGV, "of a closed secret");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beyond_the_limit_is_eagain),
        cmocka_unit_test(test_hidden_pages_beyond_the_limit_leave_no_hole),
        cmocka_unit_test(test_a_refused_access_changes_nothing),
        cmocka_unit_test(test_best_effort_says_what_is_lost),
        cmocka_unit_test(test_keys_switch_one_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
