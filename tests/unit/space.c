/*
 * space.c - what the heap takes beside the objects that are alive, when sizes shift and threads come and go.
 *
 * mallinfo2().arena is the memory of slabs and what is idle. Where another allocator answers, the tests say so and
 * pass.
 */
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
    SIZE = 1024,
    MANY = 8192,     /* objects: 8 MiB */
    KEEP_ONE_IN = 8, /* of them, at random places */
    TURNOVERS = 12,
    THREADS = 40,
};

static void *objects[MANY];
static void *others[MANY];

static size_t random_below(size_t bound)
{
    static uint64_t state = 20;
    return mix(state++, 0) % bound;
}

/* Bytes of memory that the heap has, after what is idle has been given back. */
static size_t span(void)
{
    malloc_trim(0);
    return mallinfo2().arena;
}

static void free_all(void **list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(list[i]);
        list[i] = NULL;
    }
}

/* Make many objects and free most, here and there, so that those left lie alone in their slabs. Returns how many. */
static size_t thin_out(void)
{
    size_t left = 0;

    for (size_t i = 0; i < MANY; i++) {
        assert_non_null(objects[i] = malloc(SIZE));
        pattern_write(objects[i], SIZE, (uintptr_t)objects[i]);
    }
    for (size_t i = 0; i < MANY; i++) {
        if (random_below(KEEP_ONE_IN) == 0)
            objects[left++] = objects[i];
        else
            free(objects[i]);
    }
    return left;
}

/* Have the heap need fresh memory for objects of another size. */
static void grow_elsewhere(void)
{
    for (size_t i = 0; i < MANY; i++)
        assert_non_null(others[i] = malloc(3 * SIZE));
}

static void replace_at_random(size_t count)
{
    for (size_t i = 0; i < count * TURNOVERS; i++) {
        void **object = &objects[random_below(count)];
        free(*object);
        assert_non_null(*object = malloc(SIZE));
    }
}

struct every_other {
    size_t first, end; /* of the objects */
};

static void *free_every_other(void *argument)
{
    const struct every_other *part = argument;

    for (size_t i = part->first; i < part->end; i += 2)
        free_all(&objects[i], 1);
    return NULL;
}

static void free_in_a_thread(size_t first, size_t end)
{
    struct every_other part = {first, end};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, free_every_other, &part), 0);
    pthread_join(thread, NULL);
}

/* Half of the objects, and when that has been seen the other half: to have been looked at once is not enough. */
static void free_in_two_threads(size_t count)
{
    size_t before = span();

    free_in_a_thread(0, count);
    assert_in_range(span(), before * 3 / 5, before + MIB);
    free_in_a_thread(1, count);
}

/* The objects that are left move together as they are replaced: slabs with few of them are not allocated from. */
static void draining_slabs_empty_as_their_objects_are_replaced(void **state)
{
    size_t left = thin_out();
    size_t before = span();

    (void)state;
    assert_in_range(before, MANY * SIZE * 9 / 10, MANY * SIZE * 2); /* nearly all slabs still hold an object */
    grow_elsewhere();
    replace_at_random(left);
    free_all(others, MANY);
    assert_in_range(span(), left * SIZE, left * SIZE * 3);
    assert_int_equal(heap_validate(), 0);
    free_all(objects, left);
}

static void assert_slabs_empty_by_the_frees_of_others(bool draining)
{
    size_t before = span();
    size_t left = thin_out();

    if (draining)
        grow_elsewhere();
    free_in_two_threads(left);
    free_all(others, MANY);
    assert_in_range(span(), 0, before + MIB);
    assert_int_equal(heap_validate(), 0);
}

static void slabs_empty_by_the_frees_of_other_threads(void **state)
{
    (void)state;
    assert_slabs_empty_by_the_frees_of_others(false);
}

static void draining_slabs_empty_by_the_frees_of_other_threads(void **state)
{
    (void)state;
    assert_slabs_empty_by_the_frees_of_others(true);
}

static void *allocate_the_rest(void *left)
{
    for (size_t i = *(size_t *)left; i < MANY; i++)
        assert_non_null(objects[i] = malloc(SIZE));
    return NULL;
}

/* As many objects as there once were find room in the slabs that there are. */
static void assert_the_rest_fits(size_t left)
{
    size_t before = span();

    allocate_the_rest(&left);
    assert_in_range(span(), before, before + 2 * MIB);
    assert_int_equal(heap_validate(), 0);
    free_all(objects, MANY);
}

static void draining_slabs_serve_again_when_they_are_needed(void **state)
{
    size_t left = thin_out();

    (void)state;
    grow_elsewhere();
    free_all(others, MANY);
    assert_the_rest_fits(left);
}

static size_t at_the_end; /* bytes that the heap still had when a thread ended */

static void *free_and_trim(void *unused)
{
    (void)unused;
    free_all(objects, MANY);
    at_the_end = span();
    return NULL;
}

static size_t arena(void)
{
    return mallinfo2().arena;
}

/*
 * Go on, with more objects than a magazine holds, until `memory` is below `bound`; 10 s at most. Returns what it is
 * then.
 */
static size_t go_on(size_t (*memory)(void), size_t bound)
{
    for (int i = 0; i < 1000 && memory() >= bound; i++) {
        for (size_t j = 0; j < MANY; j++)
            assert_non_null(others[j] = malloc(48));
        free_all(others, MANY);
        usleep(10000);
    }
    return memory();
}

static void *free_and_go_on(void *unused)
{
    (void)unused;
    free_all(objects, MANY);
    at_the_end = go_on(arena, MANY * SIZE / 4);
    return NULL;
}

/* Have a thread free the objects of this one, which waits. Returns what the heap had at the end. */
static size_t freed_by(void *(*thread_function)(void *))
{
    pthread_t thread;

    for (size_t i = 0; i < MANY; i++)
        assert_non_null(objects[i] = malloc(SIZE));
    assert_int_equal(pthread_create(&thread, NULL, thread_function, NULL), 0);
    pthread_join(thread, NULL);
    return at_the_end;
}

static void slabs_of_a_thread_that_waits_are_given_back_by_malloc_trim(void **state)
{
    (void)state;
    assert_in_range(freed_by(free_and_trim), 0, MANY * SIZE / 4);
}

static void slabs_of_a_thread_that_waits_are_given_back_after_a_while(void **state)
{
    (void)state;
    assert_in_range(freed_by(free_and_go_on), 0, MANY * SIZE / 4);
    assert_int_equal(heap_validate(), 0);
}

/* Whether smaps says `word` in the line `name` of the mapping that an address lies in (proc(5)). */
static bool mapping_says(const void *address, const char *name, const char *word)
{
    FILE *smaps = fopen("/proc/self/smaps", "r");
    char line[512];
    bool here = false, says = false;
    unsigned long from, to;

    assert_non_null(smaps);
    while (fgets(line, sizeof(line), smaps)) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            here = from <= (uintptr_t)address && (uintptr_t)address < to;
        else if (here && strncmp(line, name, strlen(name)) == 0)
            says = strstr(line, word) != NULL;
    }
    fclose(smaps);
    return says;
}

static size_t trim(size_t bound)
{
    (void)bound;
    assert_int_equal(malloc_trim(0), 1);
    return resident_bytes();
}

static size_t wait(size_t bound)
{
    return go_on(resident_bytes, bound);
}

/* Of four objects to a page, one in eight is left: more than half of the pages hold none. */
static void assert_empty_pages_are_given_back(size_t (*give_back)(size_t bound))
{
    if (!resident_is_the_heaps)
        skip();
    free_all(others, MANY); /* the array is resident from here on */
    size_t left = thin_out();
    size_t bound = resident_bytes() - MANY * SIZE * 2 / 5;
    assert_in_range(give_back(bound), 0, bound);
    for (size_t i = 0; i < left; i++)
        assert_int_equal(pattern_compare(objects[i], SIZE, (uintptr_t)objects[i]), SIZE);
    allocate_the_rest(&left);
    assert_int_equal(heap_validate(), 0);
    free_all(objects, MANY);
}

static void empty_pages_between_objects_are_given_back_by_malloc_trim(void **state)
{
    (void)state;
    assert_empty_pages_are_given_back(trim);
}

/* Where the kernel makes huge pages, it may fill the pages again while the test waits (khugepaged). */
static void empty_pages_between_objects_are_given_back_after_a_while(void **state)
{
    (void)state;
    void *object = malloc(SIZE);
    bool may_be_huge = mapping_says(object, "THPeligible:", " 1");
    free(object);
    if (may_be_huge)
        skip();
    assert_empty_pages_are_given_back(wait);
}

static void calloc_takes_no_memory_for_what_the_last_user_did_not_touch(void **state)
{
    enum { LARGE = 6 * MIB, APART = 64 * KIB };

    (void)state;
    if (!resident_is_the_heaps)
        skip();
    malloc_trim(0);
    unsigned char *data = malloc(LARGE);
    assert_non_null(data);
    for (size_t i = 0; i < LARGE; i += APART)
        data[i] = 1;
    free(data);
    size_t before = resident_bytes();
    data = calloc(1, LARGE);
    assert_non_null(data);
    assert_in_range(resident_bytes(), 0, before + LARGE / 4);
    for (size_t i = 0; i < LARGE; i++)
        assert_true(data[i] == 0);
    free(data);
}

static void memory_is_in_huge_pages_where_that_is_wanted(void **state)
{
    (void)state;
    if (access("/sys/kernel/mm/transparent_hugepage", F_OK) != 0)
        skip();
    void *object = malloc(SIZE);
    assert_true(mapping_says(object, "VmFlags:", " hg") == loam_has_option("hugepages"));
    free(object);
}

static void *thin_out_in_a_thread(void *left)
{
    *(size_t *)left = thin_out();
    return NULL;
}

/* Who needs slabs takes those that an ended thread left before it carves new ones. */
static void slabs_of_an_ended_thread_serve_others(void **state)
{
    pthread_t thread;
    size_t left;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, thin_out_in_a_thread, &left), 0);
    pthread_join(thread, NULL);
    assert_the_rest_fits(left);
}

/* Nor does it while another thread has slabs that are mostly free. */
static void slabs_that_a_thread_can_spare_serve_others(void **state)
{
    size_t left = thin_out();
    size_t before = span();
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, allocate_the_rest, &left), 0);
    pthread_join(thread, NULL);
    assert_in_range(span(), before, before + MIB);
    assert_int_equal(heap_validate(), 0);
    free_all(objects, MANY);
}

static void *use_many_sizes(void *unused)
{
    void *list[256];

    (void)unused;
    for (size_t i = 0; i < 256; i++)
        assert_non_null(list[i] = malloc(16 + i * 8));
    free_all(list, 256);
    return NULL;
}

/* Each thread finds the slabs that the one before it left. */
static void threads_after_each_other_use_the_same_memory(void **state)
{
    pthread_t thread;
    size_t first = 0;

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&thread, NULL, use_many_sizes, NULL), 0);
        pthread_join(thread, NULL);
        if (i == 1)
            first = mallinfo2().arena;
    }
    assert_in_range(mallinfo2().arena, 0, first + MIB);
}

static void what_an_ended_thread_left_is_given_back(void **state)
{
    size_t before = span();
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, use_many_sizes, NULL), 0);
    pthread_join(thread, NULL);
    assert_in_range(span(), 0, before + 256 * KIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draining_slabs_empty_as_their_objects_are_replaced),
        cmocka_unit_test(slabs_empty_by_the_frees_of_other_threads),
        cmocka_unit_test(draining_slabs_empty_by_the_frees_of_other_threads),
        cmocka_unit_test(draining_slabs_serve_again_when_they_are_needed),
        cmocka_unit_test(slabs_of_a_thread_that_waits_are_given_back_by_malloc_trim),
        cmocka_unit_test(slabs_of_a_thread_that_waits_are_given_back_after_a_while),
        cmocka_unit_test(empty_pages_between_objects_are_given_back_by_malloc_trim),
        cmocka_unit_test(empty_pages_between_objects_are_given_back_after_a_while),
        cmocka_unit_test(calloc_takes_no_memory_for_what_the_last_user_did_not_touch),
        cmocka_unit_test(memory_is_in_huge_pages_where_that_is_wanted),
        cmocka_unit_test(slabs_of_an_ended_thread_serve_others),
        cmocka_unit_test(slabs_that_a_thread_can_spare_serve_others),
        cmocka_unit_test(threads_after_each_other_use_the_same_memory),
        cmocka_unit_test(what_an_ended_thread_left_is_given_back),
    };

    if (!on_loam()) {
        puts("skipped: not on loam");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
