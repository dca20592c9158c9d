/*
 * secret.c - the contract of loam/secret.h, seen from within; secret_end.c has what faults, stops and ends,
 * secret_limits.c what happens at limits, secret_outside.c what other processes see.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <loam/secret.h>

#include "seed.h"

enum { KEY = 32, LARGE = 100000, MANY = 3000, STEPS = 20000 };

static struct loam_secret_group *make(unsigned flags)
{
    struct loam_secret_group *group = loam_secret_group_create("keys", flags);

    if (!group && (errno == ENOSYS || errno == ENOTSUP))
        skip();
    assert_non_null(group);
    return group;
}

static int is_zero(const unsigned char *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (data[i])
            return 0;
    return 1;
}

/* --- secrets --- */

static void test_secrets_are_zero_aligned_and_apart(void **state)
{
    struct loam_secret_group *group = *state;
    static unsigned char *secrets[MANY];

    for (size_t i = 0; i < MANY; i++) {
        secrets[i] = loam_secret_alloc(group, i % 200);
        assert_non_null(secrets[i]);
        assert_int_equal((uintptr_t)secrets[i] % 16, 0);
        assert_true(is_zero(secrets[i], i % 200));
        memset(secrets[i], (int)i, i % 200);
        assert_int_equal(loam_secret_size(secrets[i]), i % 200);
    }
    for (size_t i = 0; i < MANY; i++) {
        for (size_t j = 0; j < i % 200; j++)
            assert_int_equal(secrets[i][j], (unsigned char)i);
        loam_secret_free(secrets[i]);
    }
}

static void test_a_place_that_was_used_is_zero(void **state)
{
    struct loam_secret_group *group = *state;
    unsigned char *first = loam_secret_alloc(group, KEY);

    memset(first, 0xff, KEY);
    loam_secret_free(first);
    unsigned char *second = loam_secret_alloc(group, KEY);
    assert_true(is_zero(second, KEY));
    loam_secret_free(second);
}

static void test_any_size(void **state)
{
    struct loam_secret_group *group = *state;

    for (size_t size = 1; size <= 1 << 20; size = size * 3 + 1) {
        unsigned char *secret = loam_secret_alloc(group, size);
        assert_non_null(secret);
        assert_true(is_zero(secret, size));
        memset(secret, 1, size);
        assert_int_equal(loam_secret_size(secret), size);
        loam_secret_free(secret);
    }
}

static void test_alignment(void **state)
{
    struct loam_secret_group *group = *state;
    const size_t sizes[] = {0, 1, 40, 5000, 16384, 16385, LARGE};

    for (size_t alignment = 1; alignment <= 4096; alignment *= 2)
        for (size_t i = 0; i < 7; i++) {
            unsigned char *secret = loam_secret_aligned(group, alignment, sizes[i]);
            assert_non_null(secret);
            assert_int_equal((uintptr_t)secret % alignment, 0);
            memset(secret, 1, sizes[i]);
            if (i % 2)
                loam_secret_free(secret);
        }
    loam_secret_check(group);
    const size_t wrong[] = {0, 3, 24, 8192};
    for (size_t i = 0; i < 4; i++) {
        errno = 0;
        assert_null(loam_secret_aligned(group, wrong[i], 10));
        assert_int_equal(errno, EINVAL);
    }
}

static void test_what_cannot_be_had_is_enomem(void **state)
{
    struct loam_secret_group *group = *state;
    const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 24, PTRDIFF_MAX, (size_t)2 << 30};
    unsigned char *kept = loam_secret_alloc(group, KEY);

    memset(kept, 5, KEY);
    for (size_t i = 0; i < 4; i++) {
        errno = 0;
        assert_null(loam_secret_alloc(group, sizes[i]));
        assert_int_equal(errno, ENOMEM);
        assert_null(loam_secret_realloc(kept, sizes[i]));
    }
    assert_int_equal(kept[KEY - 1], 5);
    loam_secret_free(kept);
}

static void test_realloc_keeps_what_fits(void **state)
{
    struct loam_secret_group *group = *state;
    const size_t sizes[] = {100, 40000, 20, LARGE, 16384, 1};
    unsigned char *secret = loam_secret_alloc(group, KEY);
    size_t last = KEY, kept = KEY;

    memset(secret, 9, KEY);
    for (size_t i = 0; i < 6; i++) {
        secret = loam_secret_realloc(secret, sizes[i]);
        assert_non_null(secret);
        kept = kept < sizes[i] ? kept : sizes[i];
        for (size_t j = 0; j < kept; j++)
            assert_int_equal(secret[j], 9);
        if (sizes[i] > last)
            assert_true(is_zero(secret + last, sizes[i] - last));
        last = sizes[i];
    }
    loam_secret_free(secret);
    assert_null(loam_secret_realloc(NULL, 10));
    assert_int_equal(errno, EINVAL);
}

static void test_null_is_nothing(void **state)
{
    struct loam_secret_group *unnamed = loam_secret_group_create(NULL, 0);

    (void)state;
    assert_non_null(unnamed);
    loam_secret_group_destroy(unnamed);
    loam_secret_free(NULL);
    loam_secret_group_destroy(NULL);
    assert_int_equal(loam_secret_size(NULL), 0);
}

static void test_equal_sees_each_bit(void **state)
{
    unsigned char a[67], b[67];

    (void)state;
    for (size_t i = 0; i < sizeof(a); i++)
        a[i] = b[i] = (unsigned char)(i * 5);
    assert_int_equal(loam_secret_equal(a, b, sizeof(a)), 1);
    assert_int_equal(loam_secret_equal(a, b + 1, 0), 1);
    for (size_t bit = 0; bit < 8 * sizeof(a); bit++) {
        b[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_int_equal(loam_secret_equal(a, b, sizeof(a)), 0);
        assert_int_equal(loam_secret_equal(a, b, bit / 8), 1);
        b[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}

static void test_wipe_sets_zeroes_and_no_more(void **state)
{
    unsigned char data[40];

    (void)state;
    memset(data, 1, sizeof(data));
    loam_secret_wipe(data + 1, 38);
    assert_int_equal(data[0], 1);
    assert_true(is_zero(data + 1, 38));
    assert_int_equal(data[39], 1);
}

/* --- groups --- */

static void test_flags_that_are_not_known_are_einval(void **state)
{
    (void)state;
    assert_null(loam_secret_group_create("keys", 1u << 20));
    assert_int_equal(errno, EINVAL);
}

static void test_small_secrets_share_pages(void **state)
{
    struct loam_secret_group *group = *state;
    struct loam_secret_status status;

    for (int i = 0; i < 63; i++) {
        assert_non_null(loam_secret_alloc(group, KEY));
        loam_secret_status(group, &status);
        assert_int_equal(status.locked, 4096);
    }
    for (int i = 63; i < MANY; i++)
        assert_non_null(loam_secret_alloc(group, KEY));
    loam_secret_status(group, &status);
    assert_int_equal(status.secrets, MANY);
    assert_int_equal(status.bytes, MANY * KEY);
    assert_int_equal(status.unlocked, 0);
    assert_int_equal(status.lost, 0);
    assert_true(status.locked <= MANY * 64 + 4 * 4096);
}

/* The aligned one leaves a gap before it that takes as many as a page. */
static void test_gaps_are_filled(void **state)
{
    struct loam_secret_group *group = *state;
    struct loam_secret_status status;

    assert_non_null(loam_secret_aligned(group, 4096, KEY));
    for (int i = 0; i < 120; i++)
        assert_non_null(loam_secret_alloc(group, KEY));
    loam_secret_status(group, &status);
    assert_int_equal(status.locked, 2 * 4096);
}

static void test_memory_goes_back_when_secrets_do(void **state)
{
    struct loam_secret_group *group = *state;
    static void *secrets[MANY];
    struct loam_secret_status status;

    for (int i = 0; i < MANY; i++)
        secrets[i] = loam_secret_alloc(group, KEY);
    for (int i = 0; i < MANY; i++)
        loam_secret_free(secrets[i]);
    void *large = loam_secret_alloc(group, LARGE);
    loam_secret_free(large);
    loam_secret_status(group, &status);
    assert_int_equal(status.secrets, 0);
    assert_int_equal(status.bytes, 0);
    assert_true(status.locked <= 14 * 4096); /* the current chunk */
}

/* More chunks, one after the other, than there are addresses for at one time. */
static void test_addresses_come_back_last(void **state)
{
    struct loam_secret_group *group = make(LOAM_SECRET_ISOLATED);
    void *first = loam_secret_alloc(group, KEY);
    int again = 0;

    (void)state;
    loam_secret_free(first);
    for (int i = 0; i < 40000 && !again; i++) {
        void *secret = loam_secret_alloc(group, KEY);
        assert_non_null(secret);
        again = secret == first ? i : 0;
        loam_secret_free(secret);
    }
    assert_true(again > 100);
    loam_secret_group_destroy(group);
}

static void test_a_closed_group_allocates_nothing_and_frees(void **state)
{
    struct loam_secret_group *group = *state;
    unsigned char *secret = loam_secret_alloc(group, KEY), *large = loam_secret_alloc(group, LARGE);
    struct loam_secret_status status;

    memset(secret, 1, KEY);
    memset(large, 2, LARGE);
    for (int access = LOAM_SECRET_NONE; access <= LOAM_SECRET_READ; access++) {
        assert_int_equal(loam_secret_access(group, (enum loam_secret_access)access), 0);
        errno = 0;
        assert_null(loam_secret_alloc(group, KEY));
        assert_int_equal(errno, EACCES);
        assert_null(loam_secret_realloc(secret, 2 * KEY));
        assert_int_equal(loam_secret_size(secret), KEY);
        loam_secret_check(group);
    }
    assert_int_equal(secret[0] + large[LARGE - 1], 3);
    loam_secret_access(group, LOAM_SECRET_NONE);
    loam_secret_free(secret);
    loam_secret_free(large);
    loam_secret_status(group, &status);
    assert_int_equal(status.secrets, 0);
    assert_int_equal(loam_secret_access(group, (enum loam_secret_access)3), -1);
    assert_int_equal(errno, EINVAL);
}

/* --- threads and everything at once --- */

static void *churn(void *argument)
{
    struct loam_secret_group *group = argument;
    unsigned char *secrets[50] = {0};

    for (int i = 0; i < 3000; i++) {
        size_t slot = (size_t)(i * 31 % 50), size = (size_t)(i * 7 % 100) + 1;
        if (secrets[slot] && secrets[slot][0] != (unsigned char)slot)
            return argument;
        loam_secret_free(secrets[slot]);
        secrets[slot] = loam_secret_alloc(group, size);
        if (!secrets[slot])
            return argument;
        memset(secrets[slot], (int)slot, size);
    }
    for (int i = 0; i < 50; i++)
        loam_secret_free(secrets[i]);
    return NULL;
}

static void test_threads_share_a_group(void **state)
{
    pthread_t threads[4];
    void *failed;

    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, *state), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

static uint64_t seed_state;

static uint64_t draw(void)
{
    return seed_next(&seed_state);
}

struct secret {
    unsigned char *data;
    size_t size;
    unsigned char mark;
};

static void check_secret(const struct secret *secret, size_t size)
{
    size_t wrong = 0;

    for (size_t i = 0; i < size; i++)
        wrong += secret->data[i] != secret->mark;
    assert_int_equal(wrong, 0);
}

static void step(struct loam_secret_group *group, struct secret *secret)
{
    size_t size = draw() % ((size_t)1 << draw() % 17), old = secret->size;

    if (secret->data)
        check_secret(secret, old);
    if (secret->data && draw() % 2) {
        loam_secret_free(secret->data);
        *secret = (struct secret){0};
        return;
    }
    if (secret->data)
        secret->data = loam_secret_realloc(secret->data, size);
    else
        secret->data = loam_secret_aligned(group, (size_t)1 << draw() % 13, size);
    assert_non_null(secret->data);
    check_secret(secret, old < size ? old : size);
    secret->size = size;
    secret->mark = (unsigned char)draw();
    memset(secret->data, secret->mark, size);
}

static void test_at_random(void **state)
{
    static struct secret secrets[300];

    memset(secrets, 0, sizeof(secrets));
    seed_state = seed_take();
    for (int i = 0; i < STEPS; i++) {
        step(*state, &secrets[draw() % 300]);
        if (i % 1000 == 0)
            loam_secret_check(*state);
    }
    for (int i = 0; i < 300; i++)
        loam_secret_free(secrets[i].data);
}

/* Some hundred secrets of up to 64 KiB are more than an ordinary user may lock. */
static int set_up(void **state)
{
    *state = loam_secret_group_create("keys", LOAM_SECRET_BEST_EFFORT);
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    loam_secret_group_destroy(*state);
    return 0;
}

#define WITH_GROUP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_GROUP(test_secrets_are_zero_aligned_and_apart),
        WITH_GROUP(test_a_place_that_was_used_is_zero),
        WITH_GROUP(test_any_size),
        WITH_GROUP(test_alignment),
        WITH_GROUP(test_what_cannot_be_had_is_enomem),
        WITH_GROUP(test_realloc_keeps_what_fits),
        cmocka_unit_test(test_null_is_nothing),
        cmocka_unit_test(test_equal_sees_each_bit),
        cmocka_unit_test(test_wipe_sets_zeroes_and_no_more),
        cmocka_unit_test(test_flags_that_are_not_known_are_einval),
        WITH_GROUP(test_small_secrets_share_pages),
        WITH_GROUP(test_gaps_are_filled),
        WITH_GROUP(test_memory_goes_back_when_secrets_do),
        cmocka_unit_test(test_addresses_come_back_last),
        WITH_GROUP(test_a_closed_group_allocates_nothing_and_frees),
        WITH_GROUP(test_threads_share_a_group),
        WITH_GROUP(test_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
