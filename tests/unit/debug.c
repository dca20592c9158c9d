/*
 * debug.c - the contract of what tells about the heap and tunes it.
 *
 * Source: mallinfo(3), mallopt(3), malloc_trim(3), malloc_stats(3), malloc_info(3), loam/malloc.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory.h"

#include "allocator.h"

enum {
    SMALL = 100,
    SMALL_COUNT = 160000, /* 16 MB of them */
    LARGE = 16 * MIB,
    CACHED = MIB, /* what an allocator may hold back in its threads' caches, and count as in use */
};

/* glibc counts objects with mappings of their own apart. */
static size_t in_use(void)
{
    struct mallinfo2 figures = mallinfo2();

    return figures.uordblks + figures.hblkhd;
}

static void **allocate_many(size_t count, size_t size)
{
    void **objects = calloc(count, sizeof(*objects));

    assert_non_null(objects);
    for (size_t i = 0; i < count; i++) {
        objects[i] = malloc(size);
        assert_non_null(objects[i]);
        memset(objects[i], 1, size);
    }
    return objects;
}

static void free_many(void **objects, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(objects[i]);
    free(objects);
}

static void mallinfo2_counts_small_objects(void **state)
{
    size_t before = in_use();
    void **objects = allocate_many(SMALL_COUNT, SMALL);
    size_t during = in_use();

    (void)state;
    free_many(objects, SMALL_COUNT);
    assert_in_range(during, before + SMALL_COUNT * SMALL, before + 2 * SMALL_COUNT * SMALL);
    assert_in_range(in_use(), 0, before + CACHED);
}

static void mallinfo2_counts_a_large_object(void **state)
{
    size_t before = in_use();
    void *object = malloc(LARGE);
    size_t during = in_use();

    (void)state;
    free(object);
    assert_in_range(during, before + LARGE, before + LARGE + CACHED);
    assert_in_range(in_use(), 0, before + CACHED);
}

static void *allocate_in_a_thread(void *count)
{
    return allocate_many(*(size_t *)count, SMALL);
}

/* glibc's figures for arenas other than the first are right, too. */
static void mallinfo2_counts_objects_of_other_threads(void **state)
{
    size_t count = SMALL_COUNT;
    size_t before = in_use();
    pthread_t thread;
    void *objects;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, allocate_in_a_thread, &count), 0);
    pthread_join(thread, &objects);
    assert_true(in_use() >= before + SMALL_COUNT * SMALL);
    free_many(objects, count);
    assert_true(in_use() <= before + CACHED);
}

static void mallinfo2_knows_what_the_kernel_gave(void **state)
{
    void *object = malloc(100);
    struct mallinfo2 figures = mallinfo2();

    (void)state;
    assert_true(figures.arena + figures.hblkhd > 0);
    assert_true(figures.arena + figures.hblkhd >= figures.uordblks);
    free(object);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void mallinfo_agrees_with_mallinfo2(void **state)
{
    void *object = malloc(100 * KIB);
    struct mallinfo2 figures = mallinfo2();
    struct mallinfo old = mallinfo();

    (void)state;
    assert_int_equal(old.uordblks, (int)figures.uordblks);
    assert_int_equal(old.arena, (int)figures.arena);
    assert_int_equal(old.hblkhd, (int)figures.hblkhd);
    free(object);
}
#pragma GCC diagnostic pop

/* What `print` writes to stderr, up to `size` - 1 bytes of it. */
static void capture_stderr(void (*print)(void), char *text, size_t size)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    ssize_t length;

    assert_non_null(file);
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    print();
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    length = pread(fileno(file), text, size - 1, 0);
    fclose(file);
    assert_true(length >= 0);
    text[length] = '\0';
}

static void print_stats(void)
{
    malloc_stats();
}

static void malloc_stats_prints_figures_to_stderr(void **state)
{
    char text[8192];

    (void)state;
    capture_stderr(print_stats, text, sizeof(text));
    assert_non_null(strpbrk(text, "123456789"));
    assert_non_null(strchr(text, '\n'));
}

static bool has_python(void)
{
    return system("python3 -c 'import xml.dom.minidom' >/dev/null 2>&1") == 0;
}

static void malloc_info_writes_xml(void **state)
{
    char name[] = "/tmp/loam-test-XXXXXX";
    char command[200];
    FILE *file;
    int parsed;

    (void)state;
    unsetenv("LD_PRELOAD"); /* the parser is not what is tested */
    if (!has_python())
        skip();
    file = fdopen(mkstemp(name), "w");
    assert_non_null(file);
    assert_int_equal(malloc_info(0, file), 0);
    assert_int_equal(fclose(file), 0);
    snprintf(command, sizeof(command),
             "python3 -c 'import sys, xml.dom.minidom as x; "
             "sys.exit(x.parse(sys.argv[1]).documentElement.tagName != \"malloc\")' %s",
             name);
    parsed = system(command);
    unlink(name);
    assert_int_equal(parsed, 0);
}

static void malloc_info_refuses_options(void **state)
{
    FILE *file = tmpfile();

    (void)state;
    assert_non_null(file);
    errno = 0;
    /* glibc returns the error number itself, which malloc_info(3) does not tell of. */
    if (on_loam()) {
        assert_int_equal(malloc_info(1, file), -1);
        assert_int_equal(errno, EINVAL);
    } else {
        assert_int_not_equal(malloc_info(1, file), 0);
    }
    fflush(file);
    assert_int_equal(ftell(file), 0);
    fclose(file);
}

static void mallopt_sets_the_trim_threshold(void **state)
{
    (void)state;
    assert_int_equal(mallopt(M_TRIM_THRESHOLD, 128 * KIB), 1);
}

/* glibc answers 1 to anything. */
static void mallopt_refuses_what_it_does_not_know(void **state)
{
    (void)state;
    if (!on_loam())
        skip();
    assert_int_equal(mallopt(4711, 1), 0);
    assert_int_equal(mallopt(-4711, 1), 0);
}

static bool all_bytes_are(const unsigned char *bytes, size_t size, unsigned char value)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != value)
            return false;
    }
    return true;
}

/* New memory has the complement of the value's lowest byte, but for calloc's. glibc forgets it in its threads' caches.
 */
static void mallopt_perturbs_new_memory(void **state)
{
    (void)state;
    if (!on_loam())
        skip();
    assert_int_equal(mallopt(M_PERTURB, 0xa5), 1);
    for (size_t size = 1; size < 4 * MIB; size = size * 3 + 1) {
        void *object = malloc(size);
        assert_true(all_bytes_are(object, size, 0x5a));
        free(object);
        object = calloc(1, size);
        assert_true(all_zero(object, size));
        free(object);
    }
    assert_int_equal(mallopt(M_PERTURB, 0), 1);
}

static void malloc_trim_gives_freed_memory_back(void **state)
{
    enum { TRIMMED_COUNT = 1600000, TRIMMED_SIZE = 128, SLACK = 8 * MIB };
    size_t before;
    void **objects;

    (void)state;
    if (!resident_is_the_heaps)
        skip();
    malloc_trim(0);
    before = resident_bytes();
    objects = allocate_many(TRIMMED_COUNT, TRIMMED_SIZE);
    assert_true(resident_bytes() > before + (size_t)TRIMMED_COUNT * TRIMMED_SIZE);
    free_many(objects, TRIMMED_COUNT);
    malloc_trim(0);
    if (resident_bytes() > before + SLACK)
        fail_msg("%zu MiB stay resident above the %zu MiB at the start", (resident_bytes() - before) / MIB,
                 before / MIB);
}

static void malloc_trim_keeps_the_living(void **state)
{
    void **objects = allocate_many(20000, 300);

    (void)state;
    for (size_t i = 0; i < 20000; i++)
        pattern_write(objects[i], 300, i);
    for (size_t i = 0; i < 20000; i++) {
        if (i % 100 != 0) {
            free(objects[i]);
            objects[i] = NULL;
        }
    }
    malloc_trim(0);
    for (size_t i = 0; i < 20000; i += 100)
        assert_int_equal(pattern_compare(objects[i], 300, i), 300);
    free_many(objects, 20000);
    assert_int_equal(heap_validate(), 0);
}

static void malloc_trim_finds_nothing_twice(void **state)
{
    (void)state;
    if (!on_loam())
        skip(); /* glibc does not count what it gave back before */
    malloc_trim(0);
    assert_int_equal(malloc_trim(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mallinfo2_counts_small_objects),
        cmocka_unit_test(mallinfo2_counts_a_large_object),
        cmocka_unit_test(mallinfo2_counts_objects_of_other_threads),
        cmocka_unit_test(mallinfo2_knows_what_the_kernel_gave),
        cmocka_unit_test(mallinfo_agrees_with_mallinfo2),
        cmocka_unit_test(malloc_stats_prints_figures_to_stderr),
        cmocka_unit_test(malloc_info_writes_xml),
        cmocka_unit_test(malloc_info_refuses_options),
        cmocka_unit_test(mallopt_sets_the_trim_threshold),
        cmocka_unit_test(mallopt_refuses_what_it_does_not_know),
        cmocka_unit_test(mallopt_perturbs_new_memory),
        cmocka_unit_test(malloc_trim_gives_freed_memory_back),
        cmocka_unit_test(malloc_trim_keeps_the_living),
        cmocka_unit_test(malloc_trim_finds_nothing_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
