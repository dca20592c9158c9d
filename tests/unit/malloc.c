/*
 * malloc.c - the contract of malloc, calloc, realloc, reallocarray and free.
 *
 * Source: malloc(3), malloc_usable_size(3), C17 7.22.3, loam/malloc.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory.h"

#include "allocator.h"

enum {
    ERRNO_OF_NOBODY = 12345, /* no function sets it */
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* From one byte to far above what any allocator calls small; around each power of two, where size classes end. */
static size_t next_size(size_t size)
{
    size_t above = (size_t)1 << (63 - __builtin_clzl(size | 1));

    if (size < 130)
        return size + 1;
    if (size == above)
        return above + 1;
    return size < above + above / 2 ? above + above / 2 : size < 2 * above - 1 ? 2 * above - 1 : 2 * above;
}

#define FOR_EACH_SIZE(size, limit) for (size_t size = 1; size <= (limit); size = next_size(size))

static void assert_pattern(const void *memory, size_t size, uint64_t key)
{
    assert_int_equal(pattern_compare(memory, size, key), size);
}

static void malloc_of_zero_is_an_object_of_its_own(void **state)
{
    void *one = malloc(0);
    void *other = malloc(0);

    (void)state;
    assert_non_null(one);
    assert_non_null(other);
    assert_ptr_not_equal(one, other);
    free(one);
    free(other);
}

static void calloc_of_zero_is_an_object_of_its_own(void **state)
{
    void *objects[3] = {calloc(0, 0), calloc(0, 8), calloc(8, 0)};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(objects); i++)
        assert_non_null(objects[i]);
    assert_ptr_not_equal(objects[0], objects[1]);
    assert_ptr_not_equal(objects[1], objects[2]);
    for (size_t i = 0; i < COUNT_OF(objects); i++)
        free(objects[i]);
}

static void free_of_null_does_nothing(void **state)
{
    (void)state;
    free(NULL);
}

static void objects_are_aligned_for_any_type(void **state)
{
    (void)state;
    FOR_EACH_SIZE(size, 16 * MIB)
    {
        void *several[3] = {malloc(size), calloc(1, size), realloc(NULL, size)};
        for (size_t i = 0; i < COUNT_OF(several); i++) {
            assert_non_null(several[i]);
            assert_int_equal((uintptr_t)several[i] % (size > 8 ? 16 : 8), 0);
        }
        for (size_t i = 0; i < COUNT_OF(several); i++)
            free(several[i]);
    }
}

static void usable_size_of_null_is_zero(void **state)
{
    (void)state;
    assert_int_equal(malloc_usable_size(NULL), 0);
}

static void usable_size_is_at_least_what_was_asked_for(void **state)
{
    (void)state;
    FOR_EACH_SIZE(size, 16 * MIB)
    {
        void *object = malloc(size);
        assert_true(malloc_usable_size(object) >= size);
        free(object);
    }
}

static void every_usable_byte_belongs_to_one_object_alone(void **state)
{
    (void)state;
    FOR_EACH_SIZE(size, 256 * KIB)
    {
        void *neighbours[40];
        for (size_t i = 0; i < COUNT_OF(neighbours); i++) {
            neighbours[i] = malloc(size);
            assert_non_null(neighbours[i]);
            pattern_write(neighbours[i], malloc_usable_size(neighbours[i]), i);
        }
        for (size_t i = 0; i < COUNT_OF(neighbours); i++) {
            assert_pattern(neighbours[i], malloc_usable_size(neighbours[i]), i);
            free(neighbours[i]);
        }
    }
}

static void large_objects_are_usable_to_the_last_byte(void **state)
{
    (void)state;
    for (size_t size = 512 * KIB - 1; size <= 64 * MIB; size = size * 2 + 1) {
        void *object = malloc(size);
        assert_non_null(object);
        pattern_write(object, malloc_usable_size(object), size);
        assert_pattern(object, malloc_usable_size(object), size);
        free(object);
    }
}

static void *by_malloc(size_t size)
{
    return malloc(size);
}

static void *by_calloc(size_t size)
{
    return calloc(1, size);
}

static void *by_calloc_of_bytes(size_t size)
{
    return calloc(size, 1);
}

static void *by_realloc(size_t size)
{
    return realloc(NULL, size);
}

static void *by_reallocarray(size_t size)
{
    return reallocarray(NULL, size, 1);
}

static void *by_aligned_alloc(size_t size)
{
    return aligned_alloc(64, size);
}

static void *by_memalign(size_t size)
{
    return memalign(64 * KIB, size);
}

static void *by_posix_memalign(size_t size)
{
    void *before = &before;
    void *out = before;
    int error = posix_memalign(&out, 64, size);

    if (error == 0)
        return out;
    assert_ptr_equal(out, before);
    errno = error;
    return NULL;
}

static void *by_valloc(size_t size)
{
    return valloc(size);
}

static void *by_pvalloc(size_t size)
{
    return pvalloc(size);
}

static const struct way {
    const char *name;
    void *(*allocate)(size_t size);
} ways[] = {
    {"malloc", by_malloc},     {"calloc(1, n)", by_calloc},           {"calloc(n, 1)", by_calloc_of_bytes},
    {"realloc", by_realloc},   {"reallocarray", by_reallocarray},     {"aligned_alloc", by_aligned_alloc},
    {"memalign", by_memalign}, {"posix_memalign", by_posix_memalign}, {"valloc", by_valloc},
    {"pvalloc", by_pvalloc},
};

/* Sizes that no object can have. */
static const size_t impossible_sizes[] = {
    PTRDIFF_MAX,
    (size_t)PTRDIFF_MAX + 1,
    (size_t)PTRDIFF_MAX + 4096,
    SIZE_MAX / 2 + SIZE_MAX / 4,
    SIZE_MAX - 4096,
    SIZE_MAX - 4095,
    SIZE_MAX - 64,
    SIZE_MAX - 15,
    SIZE_MAX - 1,
    SIZE_MAX,
};

static void impossible_sizes_give_enomem(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ways) * COUNT_OF(impossible_sizes); i++) {
        const struct way *way = &ways[i / COUNT_OF(impossible_sizes)];
        size_t size = impossible_sizes[i % COUNT_OF(impossible_sizes)];
        errno = 0;
        if (way->allocate(opaque_size(size)) != NULL || errno != ENOMEM)
            fail_msg("%s of 0x%zx: not NULL with ENOMEM (errno %d)", way->name, size, errno);
    }
}

static void allocation_works_after_impossible_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        void *object = ways[i].allocate(100);
        assert_non_null(object);
        memset(object, 1, 100);
        free(object);
    }
    assert_int_equal(heap_validate(), 0);
}

/* Each product is too large for a size_t; as one, it would be a small number. */
static const struct product {
    size_t count;
    size_t size;
} overflows[] = {
    {SIZE_MAX, 2},
    {2, SIZE_MAX},
    {SIZE_MAX, SIZE_MAX},
    {(size_t)1 << 32, (size_t)1 << 32},
    {((size_t)1 << 63) + 8, 2},
    {SIZE_MAX / 16 + 2, 16},
    {24, SIZE_MAX / 24 + 1},
};

static void calloc_with_an_overflowing_product_gives_enomem(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(overflows); i++) {
        errno = 0;
        assert_null(calloc(opaque_size(overflows[i].count), opaque_size(overflows[i].size)));
        assert_int_equal(errno, ENOMEM);
    }
}

static void reallocarray_with_an_overflowing_product_keeps_the_object(void **state)
{
    char *object = malloc(1000);

    (void)state;
    pattern_write(object, 1000, 7);
    for (size_t i = 0; i < COUNT_OF(overflows); i++) {
        errno = 0;
        assert_null(reallocarray(opaque(object), opaque_size(overflows[i].count), opaque_size(overflows[i].size)));
        assert_int_equal(errno, ENOMEM);
        assert_pattern(object, 1000, 7);
    }
    free(object);
}

static void reallocarray_resizes_by_the_product(void **state)
{
    char *object = reallocarray(NULL, 10, 30);

    (void)state;
    pattern_write(object, 300, 8);
    object = reallocarray(object, 1000, 300);
    assert_non_null(object);
    assert_true(malloc_usable_size(object) >= 300 * 1000);
    assert_pattern(object, 300, 8);
    free(object);
}

/* Many at once, so that those allocated next are where these were, however the allocator holds them back. */
static void calloc_zeroes_memory_used_before(void **state)
{
    (void)state;
    FOR_EACH_SIZE(size, 8 * MIB)
    {
        void *objects[64];
        size_t count = size < 64 * KIB ? COUNT_OF(objects) : 3;
        for (size_t i = 0; i < count; i++)
            memset(objects[i] = malloc(size), 0xff, size);
        for (size_t i = 0; i < count; i++)
            free(objects[i]);
        for (size_t i = 0; i < count; i++) {
            objects[i] = calloc(1, size);
            assert_true(all_zero(objects[i], size));
        }
        for (size_t i = 0; i < count; i++)
            free(objects[i]);
    }
}

/* A large object's memory can come back in pieces, or joined with what lay beside it. */
static void calloc_zeroes_pieces_of_larger_objects(void **state)
{
    const size_t sizes[] = {100, 3000, 20 * KIB, 100 * KIB, 300 * KIB, MIB, 5 * MIB};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        void *objects[16];
        for (size_t j = 0; j < 4; j++)
            memset(objects[j] = malloc(4 * MIB), 0xff, 4 * MIB);
        for (size_t j = 0; j < 4; j++)
            free(objects[j]);
        for (size_t j = 0; j < COUNT_OF(objects); j++) {
            objects[j] = calloc(sizes[i], 1);
            assert_true(all_zero(objects[j], sizes[i]));
        }
        for (size_t j = 0; j < COUNT_OF(objects); j++)
            free(objects[j]);
    }
}

static void realloc_of_null_allocates(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 10 * MIB; size = size * 3 + 1) {
        char *object = realloc(NULL, size);
        assert_non_null(object);
        memset(object, 1, size);
        free(object);
    }
}

static void realloc_to_zero_returns_null(void **state)
{
    void *object = malloc(100);

    (void)state;
    assert_null(realloc(object, 0));
}

/* Resident memory would show 2 GiB that were kept. */
static void realloc_to_zero_frees(void **state)
{
    size_t before;

    (void)state;
    if (!resident_is_the_heaps)
        skip();
    before = resident_bytes();
    for (int i = 0; i < 20000; i++) {
        void *object = malloc(100 * KIB);
        memset(object, 1, 100);
        memset((char *)object + 50 * KIB, 1, 100);
        assert_null(realloc(object, 0));
    }
    assert_true(resident_bytes() < before + 16 * MIB);
}

static void realloc_keeps_the_content_as_objects_grow(void **state)
{
    char *object = malloc(1);
    size_t size = 1;

    (void)state;
    pattern_write(object, size, 9);
    while (size < 64 * MIB) {
        size_t larger = next_size(size);
        object = realloc(object, larger);
        assert_non_null(object);
        assert_pattern(object, size, 9);
        pattern_write(object, larger, 9);
        size = larger;
    }
    free(object);
}

static void realloc_keeps_the_content_as_objects_shrink(void **state)
{
    size_t size = 64 * MIB;
    char *object = malloc(size);

    (void)state;
    pattern_write(object, size, 10);
    while (size > 1) {
        size = size * 3 / 4;
        object = realloc(object, size);
        assert_non_null(object);
        assert_true(malloc_usable_size(object) >= size);
        assert_pattern(object, size, 10);
    }
    free(object);
}

static void realloc_keeps_the_content_from_any_size_to_any(void **state)
{
    const size_t sizes[] = {1,    7,    8,     16,    17,     100,    1000,   4096,    4097,
                            8192, 5000, 20000, 65536, 100000, 300000, 524289, 1500000, 5000000};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes) * COUNT_OF(sizes); i++) {
        size_t from = sizes[i / COUNT_OF(sizes)];
        size_t to = sizes[i % COUNT_OF(sizes)];
        char *object = malloc(from);
        pattern_write(object, from, i);
        object = realloc(object, to);
        assert_non_null(object);
        assert_pattern(object, from < to ? from : to, i);
        pattern_write(object, malloc_usable_size(object), i);
        free(object);
    }
}

/* Two that grow in turns stand in each other's way, in place or not. */
static void realloc_of_two_in_turns_keeps_both(void **state)
{
    char *objects[2] = {malloc(10), malloc(10)};
    size_t sizes[2] = {10, 10};

    (void)state;
    pattern_write(objects[0], 10, 0);
    pattern_write(objects[1], 10, 1);
    for (size_t turn = 0; turn < 120; turn++) {
        size_t i = turn % 2;
        size_t larger = sizes[i] + sizes[i] / 4 + 3;
        objects[i] = realloc(objects[i], larger);
        assert_pattern(objects[i], sizes[i], i);
        pattern_write(objects[i], larger, i);
        assert_pattern(objects[1 - i], sizes[1 - i], 1 - i);
        sizes[i] = larger;
    }
    free(objects[0]);
    free(objects[1]);
}

static void realloc_that_fails_keeps_the_object(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 10 * MIB; size = size * 4 + 1) {
        char *object = malloc(size);
        pattern_write(object, size, size);
        for (size_t i = 0; i < COUNT_OF(impossible_sizes); i++) {
            errno = 0;
            assert_null(realloc(opaque(object), opaque_size(impossible_sizes[i])));
            assert_int_equal(errno, ENOMEM);
        }
        assert_pattern(object, size, size);
        free(object);
    }
}

/* As POSIX.1-2024 asks for: a program frees on its way out of an error, and then looks at what the error was. */
static void free_leaves_errno_alone(void **state)
{
    (void)state;
    for (size_t size = 0; size <= GIB; size = size * 3 + 1) {
        void *objects[8];
        for (size_t i = 0; i < COUNT_OF(objects); i++)
            assert_non_null(objects[i] = malloc(size));
        for (size_t i = 0; i < COUNT_OF(objects); i++) {
            errno = ERRNO_OF_NOBODY;
            free(objects[i]);
            assert_int_equal(errno, ERRNO_OF_NOBODY);
        }
    }
    free(NULL);
    assert_int_equal(errno, ERRNO_OF_NOBODY);
}

static void freed_memory_is_used_again(void **state)
{
    size_t before;

    (void)state;
    if (!resident_is_the_heaps)
        skip();
    before = resident_bytes();
    for (int i = 0; i < 1000; i++) {
        char *small[100];
        char *large = malloc(3 * MIB);
        for (size_t j = 0; j < COUNT_OF(small); j++)
            memset(small[j] = malloc(1000), 1, 1000);
        for (size_t at = 0; at < 3 * MIB; at += 64 * KIB)
            large[at] = 1;
        for (size_t j = 0; j < COUNT_OF(small); j++)
            free(small[j]);
        free(large);
    }
    assert_true(resident_bytes() < before + 16 * MIB);
}

static void the_heap_is_valid_after_all_this(void **state)
{
    (void)state;
    assert_int_equal(heap_validate(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malloc_of_zero_is_an_object_of_its_own),
        cmocka_unit_test(calloc_of_zero_is_an_object_of_its_own),
        cmocka_unit_test(free_of_null_does_nothing),
        cmocka_unit_test(objects_are_aligned_for_any_type),
        cmocka_unit_test(usable_size_of_null_is_zero),
        cmocka_unit_test(usable_size_is_at_least_what_was_asked_for),
        cmocka_unit_test(every_usable_byte_belongs_to_one_object_alone),
        cmocka_unit_test(large_objects_are_usable_to_the_last_byte),
        cmocka_unit_test(impossible_sizes_give_enomem),
        cmocka_unit_test(allocation_works_after_impossible_sizes),
        cmocka_unit_test(calloc_with_an_overflowing_product_gives_enomem),
        cmocka_unit_test(reallocarray_with_an_overflowing_product_keeps_the_object),
        cmocka_unit_test(reallocarray_resizes_by_the_product),
        cmocka_unit_test(calloc_zeroes_memory_used_before),
        cmocka_unit_test(calloc_zeroes_pieces_of_larger_objects),
        cmocka_unit_test(realloc_of_null_allocates),
        cmocka_unit_test(realloc_to_zero_returns_null),
        cmocka_unit_test(realloc_to_zero_frees),
        cmocka_unit_test(realloc_keeps_the_content_as_objects_grow),
        cmocka_unit_test(realloc_keeps_the_content_as_objects_shrink),
        cmocka_unit_test(realloc_keeps_the_content_from_any_size_to_any),
        cmocka_unit_test(realloc_of_two_in_turns_keeps_both),
        cmocka_unit_test(realloc_that_fails_keeps_the_object),
        cmocka_unit_test(free_leaves_errno_alone),
        cmocka_unit_test(freed_memory_is_used_again),
        cmocka_unit_test(the_heap_is_valid_after_all_this),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
