/*
 * aligned.c - the contract of the functions that take an alignment, and of C23's sized frees.
 *
 * Source: posix_memalign(3), C23 7.24.3, loam/malloc.h. POSIX and C leave open what an alignment that is not a
 * power of two does to the older functions; where allocators differ, each test says what it accepts.
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

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void *by_posix_memalign(size_t alignment, size_t size)
{
    void *object;

    return posix_memalign(&object, alignment, size) == 0 ? object : NULL;
}

static void *by_aligned_alloc(size_t alignment, size_t size)
{
    return aligned_alloc(alignment, size);
}

static void *by_memalign(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

static const struct way {
    const char *name;
    void *(*allocate)(size_t alignment, size_t size);
} ways[] = {
    {"posix_memalign", by_posix_memalign},
    {"aligned_alloc", by_aligned_alloc},
    {"memalign", by_memalign},
};

/* Fill what is cheap to fill; of the rest, the ends. */
static void use(char *object, size_t size, uint64_t key)
{
    size_t part = size <= MIB ? size : 4096;

    pattern_write(object, part, key);
    pattern_write(object + size - part, part, key);
    assert_int_equal(pattern_compare(object + size - part, part, key), part);
}

static void allocate_one(const struct way *way, size_t alignment, size_t size)
{
    char *object = way->allocate(alignment, size);

    if (!object || (uintptr_t)object % alignment != 0 || malloc_usable_size(object) < size)
        fail_msg("%s(0x%zx, 0x%zx) gives %p", way->name, alignment, size, (void *)object);
    use(object, malloc_usable_size(object), alignment ^ size);
    free(object);
}

static void every_power_of_two_is_an_alignment(void **state)
{
    (void)state;
    for (size_t alignment = 8; alignment <= 256 * MIB; alignment *= 2) {
        const size_t sizes[] = {0, 1, alignment - 1, alignment, alignment + 1, 2 * alignment + alignment / 2};
        for (size_t i = 0; i < COUNT_OF(ways) * COUNT_OF(sizes); i++)
            allocate_one(&ways[i / COUNT_OF(sizes)], alignment, sizes[i % COUNT_OF(sizes)]);
    }
}

static void a_gibibyte_is_an_alignment(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        allocate_one(&ways[i], GIB, 1);
        allocate_one(&ways[i], GIB, 5 * MIB);
    }
    allocate_one(&ways[0], GIB, GIB);
}

static void small_sizes_have_large_alignments(void **state)
{
    (void)state;
    for (size_t alignment = 8; alignment <= 4 * MIB; alignment *= 2) {
        for (size_t size = 1; size <= 70 * KIB; size = size * 2 + 3)
            allocate_one(&ways[size % COUNT_OF(ways)], alignment, size);
    }
}

static void large_sizes_have_small_alignments(void **state)
{
    (void)state;
    for (size_t alignment = 8; alignment <= 64 * KIB; alignment *= 2) {
        for (size_t size = 100 * KIB; size <= 64 * MIB; size = size * 5 / 2 + 1)
            allocate_one(&ways[alignment % COUNT_OF(ways)], alignment, size);
    }
}

static void aligned_objects_do_not_overlap(void **state)
{
    char *objects[600];
    size_t sizes[COUNT_OF(objects)];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(objects); i++) {
        uint64_t random = mix(i, 1);
        size_t alignment = (size_t)8 << random % 14;
        objects[i] = ways[i % COUNT_OF(ways)].allocate(alignment, random / 64 % (3 * alignment));
        assert_non_null(objects[i]);
        assert_int_equal((uintptr_t)objects[i] % alignment, 0);
        sizes[i] = malloc_usable_size(objects[i]);
        pattern_write(objects[i], sizes[i], i);
    }
    for (size_t i = 0; i < COUNT_OF(objects); i++) {
        assert_int_equal(pattern_compare(objects[i], sizes[i], i), sizes[i]);
        free(objects[i]);
    }
}

static void aligned_objects_of_size_zero_are_objects(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        void *one = ways[i].allocate(64, 0);
        void *other = ways[i].allocate(64, 0);
        assert_non_null(one);
        assert_non_null(other);
        assert_ptr_not_equal(one, other);
        free(one);
        free(other);
    }
}

static void posix_memalign_refuses_bad_alignments(void **state)
{
    const size_t bad[] = {0, 1, 2, 3, 4, 5, 12, 24, 63, 4095, 4097, SIZE_MAX};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        void *out = &out;
        assert_int_equal(posix_memalign(&out, opaque_size(bad[i]), 100), EINVAL);
        assert_ptr_equal(out, &out);
    }
}

static void aligned_alloc_accepts_small_powers_of_two(void **state)
{
    (void)state;
    for (size_t alignment = 1; alignment < 8; alignment *= 2) {
        allocate_one(&ways[1], alignment, 100);
        allocate_one(&ways[2], alignment, 100);
    }
}

/* glibc rounded up before 2.38. */
static void aligned_alloc_refuses_what_is_no_power_of_two(void **state)
{
    const size_t bad[] = {3, 5, 12, 24, 63, 4095, 4097, SIZE_MAX};

    (void)state;
    if (!on_loam())
        skip();
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        errno = 0;
        assert_null(aligned_alloc(opaque_size(bad[i]), 100));
        assert_int_equal(errno, EINVAL);
    }
}

static void memalign_rounds_up_or_refuses_what_is_no_power_of_two(void **state)
{
    const size_t bad[] = {3, 5, 12, 24, 63, 4095, 4097};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        size_t rounded = 1;
        errno = 0;
        void *object = memalign(opaque_size(bad[i]), 100);
        while (rounded < bad[i])
            rounded *= 2;
        if (object)
            assert_int_equal((uintptr_t)object % rounded, 0);
        else
            assert_int_equal(errno, EINVAL);
        free(object);
    }
}

static void an_absurd_alignment_gives_an_error(void **state)
{
    (void)state;
    for (size_t alignment = (size_t)1 << 48; alignment != 0; alignment *= 2) {
        void *out = &out;
        int error = posix_memalign(&out, opaque_size(alignment), 100);
        assert_true(error == ENOMEM || error == EINVAL);
        assert_ptr_equal(out, &out);
        errno = 0;
        assert_null(aligned_alloc(opaque_size(alignment), 100));
        assert_true(errno == ENOMEM || errno == EINVAL);
        errno = 0;
        assert_null(memalign(opaque_size(alignment), 100));
        assert_true(errno == ENOMEM || errno == EINVAL);
    }
}

static void valloc_aligns_to_the_page(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    (void)state;
    for (size_t size = 0; size <= 4 * MIB; size = size * 3 + 1) {
        char *object = valloc(size);
        assert_non_null(object);
        assert_int_equal((uintptr_t)object % page, 0);
        use(object, malloc_usable_size(object), size);
        free(object);
    }
}

static void pvalloc_gives_whole_pages(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    (void)state;
    for (size_t size = 1; size <= 4 * MIB; size = size * 3 + 1) {
        char *object = pvalloc(size);
        assert_non_null(object);
        assert_int_equal((uintptr_t)object % page, 0);
        assert_true(malloc_usable_size(object) >= (size + page - 1) / page * page);
        use(object, malloc_usable_size(object), size);
        free(object);
    }
}

static void realloc_of_an_aligned_object_keeps_its_content(void **state)
{
    (void)state;
    for (size_t alignment = 16; alignment <= 4 * MIB; alignment *= 4) {
        for (size_t size = 1; size <= 300 * KIB; size = size * 3 + 1) {
            char *object = ways[size % COUNT_OF(ways)].allocate(alignment, size);
            pattern_write(object, size, alignment);
            object = realloc(object, 2 * size + 100);
            assert_non_null(object);
            assert_int_equal(pattern_compare(object, size, alignment), size);
            pattern_write(object, 2 * size + 100, alignment);
            object = realloc(object, size / 2 + 1);
            assert_non_null(object);
            assert_int_equal(pattern_compare(object, size / 2 + 1, alignment), size / 2 + 1);
            free(object);
        }
    }
}

static void free_sized_frees(void **state)
{
    (void)state;
    if (!optional.free_sized)
        skip();
    optional.free_sized(NULL, 100);
    for (size_t size = 0; size <= 16 * MIB; size = size * 2 + 1) {
        void *object = malloc(size);
        optional.free_sized(object, size);
        object = calloc(1, size);
        optional.free_sized(object, size);
        object = realloc(malloc(size + 100), size + 1);
        optional.free_sized(object, size + 1);
    }
    assert_int_equal(heap_validate(), 0);
}

static void free_aligned_sized_frees(void **state)
{
    (void)state;
    if (!optional.free_aligned_sized)
        skip();
    optional.free_aligned_sized(NULL, 64, 128);
    for (size_t alignment = 1; alignment <= 16 * MIB; alignment *= 2) {
        optional.free_aligned_sized(aligned_alloc(alignment, alignment), alignment, alignment);
        optional.free_aligned_sized(aligned_alloc(alignment, 3 * alignment), alignment, 3 * alignment);
    }
    assert_int_equal(heap_validate(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_power_of_two_is_an_alignment),
        cmocka_unit_test(a_gibibyte_is_an_alignment),
        cmocka_unit_test(small_sizes_have_large_alignments),
        cmocka_unit_test(large_sizes_have_small_alignments),
        cmocka_unit_test(aligned_objects_do_not_overlap),
        cmocka_unit_test(aligned_objects_of_size_zero_are_objects),
        cmocka_unit_test(posix_memalign_refuses_bad_alignments),
        cmocka_unit_test(aligned_alloc_accepts_small_powers_of_two),
        cmocka_unit_test(aligned_alloc_refuses_what_is_no_power_of_two),
        cmocka_unit_test(memalign_rounds_up_or_refuses_what_is_no_power_of_two),
        cmocka_unit_test(an_absurd_alignment_gives_an_error),
        cmocka_unit_test(valloc_aligns_to_the_page),
        cmocka_unit_test(pvalloc_gives_whole_pages),
        cmocka_unit_test(realloc_of_an_aligned_object_keeps_its_content),
        cmocka_unit_test(free_sized_frees),
        cmocka_unit_test(free_aligned_sized_frees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
