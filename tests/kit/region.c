/* region.c - the contract of loam/region.h. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include <loam/region.h>

#include "child.h"
#include "seed.h"

enum { PIECES = 20000, DEPTH = 12, MIB = 1 << 20 };

static void test_pieces_are_aligned_and_do_not_overlap(void **state)
{
    struct loam_region *region = *state;
    char *last = loam_region_alloc(region, 0);

    for (size_t size = 1; size < 3000; size++) {
        char *piece = loam_region_alloc(region, size);
        assert_int_equal((uintptr_t)piece % 16, 0);
        assert_true(piece >= last + size - 1 || piece + size <= last);
        memset(piece, (int)size, size);
        last = piece;
    }
}

static void test_nothing_has_an_address(void **state)
{
    struct loam_region *region = *state;
    struct loam_region_usage before, after;

    assert_non_null(loam_region_alloc(region, 0));
    assert_non_null(loam_region_calloc(region, 0, 5));
    assert_non_null(loam_region_aligned(region, 64, 0));
    assert_non_null(loam_region_memdup(region, NULL, 0));
    assert_non_null(loam_region_resize(region, NULL, 0, 0));
    loam_region_clear(region);
    assert_non_null(loam_region_alloc(region, 0));
    loam_region_measure(region, &before);
    for (int i = 0; i < 10000; i++)
        assert_non_null(loam_region_alloc(region, 0));
    loam_region_measure(region, &after);
    assert_int_equal(after.held, before.held);
}

static void test_what_cannot_be_had_is_enomem(void **state)
{
    struct loam_region *region = *state;
    const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 15, PTRDIFF_MAX, (size_t)1 << 62};

    char *before = loam_region_strdup(region, "before");
    for (size_t i = 0; i < 4; i++) {
        errno = 0;
        assert_null(loam_region_alloc(region, sizes[i]));
        assert_int_equal(errno, ENOMEM);
        assert_null(loam_region_aligned(region, 4096, sizes[i]));
        assert_null(loam_region_calloc(region, sizes[i], 3));
        assert_null(loam_region_resize(region, before, 7, sizes[i]));
    }
    assert_string_equal(before, "before");
    assert_non_null(loam_region_alloc(region, 1));
}

static void test_calloc_zeroes_what_was_used(void **state)
{
    struct loam_region *region = *state;
    struct loam_region_mark mark = loam_region_begin(region);

    memset(loam_region_alloc(region, 1000), 0xff, 1000);
    loam_region_end(region, &mark);
    char *zeroes = loam_region_calloc(region, 10, 100);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(zeroes[i], 0);
}

static void test_alignment(void **state)
{
    struct loam_region *region = *state;

    for (size_t alignment = 1; alignment <= 4 * MIB; alignment *= 2)
        assert_int_equal((uintptr_t)loam_region_aligned(region, alignment, 10) % alignment, 0);
    assert_null(loam_region_aligned(region, 24, 10));
    assert_int_equal(errno, EINVAL);
    assert_null(loam_region_aligned(region, 0, 10));
}

static void test_the_last_piece_is_resized_in_place(void **state)
{
    struct loam_region *region = *state;
    char *piece = loam_region_resize(region, NULL, 0, 100);

    strcpy(piece, "kept");
    assert_ptr_equal(loam_region_resize(region, piece, 100, 1000), piece);
    assert_ptr_equal(loam_region_resize(region, piece, 1000, 10), piece);
    assert_ptr_equal(loam_region_alloc(region, 1), piece + 16);
    char *moved = loam_region_resize(region, piece, 10, 100);
    assert_ptr_not_equal(moved, piece);
    assert_string_equal(moved, "kept");
    moved = loam_region_resize(region, moved, 100, 3 * MIB);
    assert_string_equal(moved, "kept");
}

static void test_strings(void **state)
{
    struct loam_region *region = *state;
    char long_one[9000];

    memset(long_one, 'x', sizeof(long_one) - 1);
    long_one[sizeof(long_one) - 1] = '\0';
    assert_string_equal(loam_region_strdup(region, "a string"), "a string");
    assert_string_equal(loam_region_printf(region, "%d and %s", 7, "eight"), "7 and eight");
    assert_string_equal(loam_region_printf(region, "%s", long_one), long_one);
    assert_string_equal(loam_region_printf(region, "%s", ""), "");
    assert_memory_equal(loam_region_memdup(region, "\0\1\2", 3), "\0\1\2", 3);
}

/* --- scopes --- */

static void test_a_scope_releases_what_was_allocated_in_it(void **state)
{
    struct loam_region *region = *state;
    struct loam_region_usage before, after;
    char *outside = loam_region_strdup(region, "outside"), *first = NULL;

    loam_region_measure(region, &before);
    for (int i = 0; i < 1000; i++) {
        LOAM_REGION_SCOPE(region)
        {
            char *inside = loam_region_alloc(region, 100);
            first = first ? first : inside;
            assert_ptr_equal(inside, first);
            for (int j = 0; j < 100; j++)
                memset(loam_region_alloc(region, 5000), j, 5000);
        }
    }
    loam_region_measure(region, &after);
    assert_int_equal(after.used, before.used);
    assert_true(after.held < 2 * MIB);
    assert_string_equal(outside, "outside");
}

static int leave_by_return(struct loam_region *region)
{
    LOAM_REGION_SCOPE(region)
    {
        LOAM_REGION_SCOPE(region)
        {
            loam_region_alloc(region, 100000);
            return 1;
        }
    }
    return 0;
}

static void test_a_scope_ends_however_it_is_left(void **state)
{
    struct loam_region *region = *state;
    struct loam_region_usage usage;

    assert_int_equal(leave_by_return(region), 1);
    LOAM_REGION_SCOPE(region)
    {
        loam_region_alloc(region, 10000);
        break;
    }
    LOAM_REGION_SCOPE(region)
    {
        loam_region_alloc(region, 10000);
        continue;
    }
    LOAM_REGION_SCOPE(region)
    {
        loam_region_alloc(region, 10000);
        goto out;
    }
out:
    loam_region_measure(region, &usage);
    assert_int_equal(usage.used, 0);
}

static void test_an_outer_scope_ends_those_that_longjmp_left(void **state)
{
    struct loam_region *region = *state;
    struct loam_region_usage usage;

    LOAM_REGION_SCOPE(region)
    {
        jmp_buf here;
        if (setjmp(here) == 0) {
            struct loam_region_scope inner = loam_region_open(region);
            (void)inner;
            loam_region_alloc(region, 50000);
            longjmp(here, 1);
        }
    }
    loam_region_measure(region, &usage);
    assert_int_equal(usage.used, 0);
}

static int order[8], ordered;

static void note(void *argument)
{
    order[ordered++] = *(int *)argument;
}

static void test_what_is_deferred_is_done_in_reverse_when_it_is_released(void **state)
{
    struct loam_region *region = *state;
    int numbers[] = {0, 1, 2, 3};

    ordered = 0;
    assert_int_equal(loam_region_defer(region, note, &numbers[0]), 0);
    LOAM_REGION_SCOPE(region)
    {
        int *inside = loam_region_memdup(region, &numbers[1], sizeof(int));
        assert_int_equal(loam_region_defer(region, note, inside), 0);
        loam_region_alloc(region, 100000);
        assert_int_equal(loam_region_defer(region, note, &numbers[2]), 0);
    }
    assert_int_equal(ordered, 2);
    assert_int_equal(order[0], 2);
    assert_int_equal(order[1], 1);
    loam_region_clear(region);
    assert_int_equal(ordered, 3);
    assert_int_equal(order[2], 0);
}

static void end_twice(void *unused)
{
    struct loam_region *region = loam_region_create();

    (void)unused;
    loam_region_alloc(region, 10);
    struct loam_region_mark outer = loam_region_begin(region);
    loam_region_alloc(region, 10000);
    struct loam_region_mark inner = loam_region_begin(region);
    loam_region_alloc(region, 100000);
    loam_region_end(region, &outer);
    loam_region_end(region, &inner);
}

static void test_a_scope_that_has_ended_cannot_be_ended(void **state)
{
    struct outcome outcome;

    (void)state;
    child_run(end_twice, NULL, &outcome);
    assert_true(WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGABRT);
    assert_non_null(strstr(outcome.text, "a scope of a region is ended"));
}

/* --- everything at once --- */

struct piece {
    unsigned char *data;
    size_t size;
};

static size_t draw_size(uint64_t *seed)
{
    return seed_next(seed) % ((size_t)1 << seed_next(seed) % 18);
}

static void check_pieces(const struct piece *pieces, size_t from, size_t to)
{
    size_t wrong = 0;

    for (size_t i = from; i < to; i++)
        for (size_t j = 0; j < pieces[i].size; j++)
            wrong += pieces[i].data[j] != (unsigned char)(i * 7 + j);
    assert_int_equal(wrong, 0);
}

/* A stack of scopes and all that is alive in them, beside a region that must agree. */
static void test_at_random(void **state)
{
    struct loam_region *region = *state;
    static struct piece pieces[PIECES];
    struct loam_region_mark marks[DEPTH];
    size_t counts[DEPTH], count = 0, depth = 0;
    uint64_t seed = seed_take();

    for (int step = 0; step < PIECES; step++) {
        uint64_t what = seed_next(&seed) % 100;
        if (what < 5 && depth < DEPTH) {
            counts[depth] = count;
            marks[depth++] = loam_region_begin(region);
        } else if (what < 10 && depth > 0) {
            depth -= depth > 1 ? 1 + seed_next(&seed) % 2 : 1;
            check_pieces(pieces, counts[depth], count);
            loam_region_end(region, &marks[depth]);
            count = counts[depth];
        } else {
            struct piece *piece = &pieces[count];
            piece->size = draw_size(&seed);
            piece->data = loam_region_alloc(region, piece->size);
            for (size_t j = 0; j < piece->size; j++)
                piece->data[j] = (unsigned char)(count * 7 + j);
            count++;
        }
    }
    check_pieces(pieces, 0, count);
}

/* --- scratch --- */

static char *full_name(const char *first, const char *last)
{
    char *name = loam_scratch(strlen(first) + strlen(last) + 2);

    sprintf(name, "%s %s", first, last);
    return name;
}

static void test_scratch_is_the_callers_scope(void **state)
{
    struct loam_region_usage usage;

    (void)state;
    LOAM_SCRATCH_SCOPE
    {
        char *name = full_name("Ada", "Lovelace");
        LOAM_SCRATCH_SCOPE
        {
            full_name("Grace", "Hopper");
        }
        assert_string_equal(name, "Ada Lovelace");
    }
    loam_region_measure(&loam_scratch_region, &usage);
    assert_int_equal(usage.used, 0);
}

/* Where alloca would have overflowed any stack. */
static void test_scratch_of_any_size(void **state)
{
    (void)state;
    for (size_t size = 1; size; size *= 2) {
        LOAM_SCRATCH_SCOPE
        {
            char *data = loam_scratch(size);
            if (size <= (size_t)64 * MIB)
                assert_non_null(data);
            if (data)
                data[0] = data[size - 1] = 1;
        }
    }
}

static void *use_scratch(void *argument)
{
    for (int i = 0; i < 1000; i++) {
        LOAM_SCRATCH_SCOPE
        {
            size_t size = (size_t)(i * 37 % 9000) + 1;
            unsigned char *data = loam_scratch(size);
            memset(data, *(int *)argument, size);
            for (size_t j = 0; j < size; j++)
                if (data[j] != *(int *)argument)
                    return argument;
        }
    }
    loam_scratch(100000); /* in no scope */
    return NULL;
}

static void test_each_thread_has_a_scratch(void **state)
{
    pthread_t threads[4];
    int numbers[4] = {1, 2, 3, 4};

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_scratch, &numbers[i]), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

/* --- traps --- */

static void *use_after_scope(void *unused)
{
    char *volatile kept = NULL;

    LOAM_SCRATCH_SCOPE
    {
        kept = loam_scratch(40);
        kept[0] = 'a';
    }
    kept[0]++;
    return unused;
}

static void *overflow(void *unused)
{
    LOAM_SCRATCH_SCOPE
    {
        volatile char *data = loam_scratch(48);
        data[47] = 1;
        data[48] = 1;
    }
    return unused;
}

/* In a thread, whose scratch has no block yet. */
static void run_trapped(void *body)
{
    pthread_t thread;

    loam_region_trap(1);
    pthread_create(&thread, NULL, (void *(*)(void *))body, NULL);
    pthread_join(thread, NULL);
}

static void assert_faults(void *(*body)(void *))
{
    struct outcome outcome;

    child_run(run_trapped, (void *)body, &outcome);
    assert_true(WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGSEGV);
}

static void test_traps_see_a_use_after_the_scope(void **state)
{
    (void)state;
    assert_faults(use_after_scope);
}

static void test_traps_see_an_overflow(void **state)
{
    (void)state;
    assert_faults(overflow);
}

static void *overflow_a_shortened_piece(void *unused)
{
    LOAM_SCRATCH_SCOPE
    {
        char *first = loam_scratch(48);
        first = loam_region_resize(&loam_scratch_region, first, 48, 16);
        volatile char *next = loam_scratch(16);
        next[16] = 1;
    }
    return unused;
}

static void test_traps_see_an_overflow_after_a_resize(void **state)
{
    (void)state;
    assert_faults(overflow_a_shortened_piece);
}

static void test_a_trapped_piece_is_resized(void **state)
{
    struct loam_region *region = *state;
    char *piece = loam_region_resize(region, NULL, 0, 100);

    strcpy(piece, "kept");
    piece = loam_region_resize(region, piece, 100, 1000);
    assert_string_equal(piece, "kept");
    assert_ptr_equal(loam_region_resize(region, piece, 1000, 10), piece);
    piece = loam_region_resize(region, piece, 10, 3 * MIB);
    assert_string_equal(piece, "kept");
}

static void *overflow_what_is_aligned(void *unused)
{
    LOAM_SCRATCH_SCOPE
    {
        volatile char *data = loam_region_aligned(&loam_scratch_region, 16 * MIB, 5000);
        data[0] = data[8191] = 1;
        data[8192] = 1;
    }
    return unused;
}

static void test_traps_see_an_overflow_of_what_is_aligned_to_more_than_a_page(void **state)
{
    (void)state;
    assert_faults(overflow_what_is_aligned);
}

/* More than the kernel has mappings for. */
static void test_more_pieces_than_can_be_trapped(void **state)
{
    struct loam_region *region = *state;
    struct loam_region_mark mark = loam_region_begin(region);

    for (int i = 0; i < 100000; i++) {
        char *piece = i % 2 ? loam_region_alloc(region, 100) : loam_region_aligned(region, 64, 100);
        assert_non_null(piece);
        memset(piece, i, 100);
    }
    loam_region_end(region, &mark);
    char *first = loam_region_alloc(region, 1), *second = loam_region_alloc(region, 1);
    assert_true(first && second && (uintptr_t)first / 4096 != (uintptr_t)second / 4096);
}

/* More than addresses are kept of. */
static void test_traps_give_memory_back(void **state)
{
    (void)state;
    loam_region_trap(1);
    for (int i = 0; i < 6000; i++) {
        LOAM_SCRATCH_SCOPE
        {
            memset(loam_scratch(100), 1, 100);
            memset(loam_scratch(MIB), 1, 4096);
        }
    }
    loam_region_trap(0);
}

static int set_up(void **state)
{
    *state = loam_region_create();
    return *state ? 0 : -1;
}

static int set_up_trapped(void **state)
{
    loam_region_trap(1);
    return set_up(state);
}

static int tear_down(void **state)
{
    loam_region_destroy(*state);
    loam_region_trap(0);
    return 0;
}

#define WITH_REGION(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define WITH_TRAPS(test)  cmocka_unit_test_setup_teardown(test, set_up_trapped, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_REGION(test_pieces_are_aligned_and_do_not_overlap),
        WITH_REGION(test_nothing_has_an_address),
        WITH_REGION(test_what_cannot_be_had_is_enomem),
        WITH_REGION(test_calloc_zeroes_what_was_used),
        WITH_REGION(test_alignment),
        WITH_REGION(test_the_last_piece_is_resized_in_place),
        WITH_REGION(test_strings),
        WITH_REGION(test_a_scope_releases_what_was_allocated_in_it),
        WITH_REGION(test_a_scope_ends_however_it_is_left),
        WITH_REGION(test_an_outer_scope_ends_those_that_longjmp_left),
        WITH_REGION(test_what_is_deferred_is_done_in_reverse_when_it_is_released),
        cmocka_unit_test(test_a_scope_that_has_ended_cannot_be_ended),
        WITH_REGION(test_at_random),
        cmocka_unit_test(test_scratch_is_the_callers_scope),
        cmocka_unit_test(test_scratch_of_any_size),
        cmocka_unit_test(test_each_thread_has_a_scratch),
        cmocka_unit_test(test_traps_see_a_use_after_the_scope),
        cmocka_unit_test(test_traps_see_an_overflow),
        cmocka_unit_test(test_traps_see_an_overflow_after_a_resize),
        cmocka_unit_test(test_traps_see_an_overflow_of_what_is_aligned_to_more_than_a_page),
        cmocka_unit_test(test_traps_give_memory_back),
        WITH_TRAPS(test_a_trapped_piece_is_resized),
        WITH_TRAPS(test_more_pieces_than_can_be_trapped),
        WITH_TRAPS(test_pieces_are_aligned_and_do_not_overlap),
        WITH_TRAPS(test_nothing_has_an_address),
        WITH_TRAPS(test_what_cannot_be_had_is_enomem),
        WITH_TRAPS(test_alignment),
        WITH_TRAPS(test_strings),
        WITH_TRAPS(test_a_scope_ends_however_it_is_left),
        WITH_TRAPS(test_what_is_deferred_is_done_in_reverse_when_it_is_released),
        WITH_TRAPS(test_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
