/*
 * errors.c - the checks that are always on: a misuse stops the process and names the address.
 *
 * Each runs in a child. Other allocators answer misuse in their own ways or not at all, so all of this is for loam.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "child.h"
#include "memory.h"

#include "allocator.h"

enum {
    SMALL = 64,
    LARGE = 3 * MIB,
    MANY = 10000, /* more objects of one class than any thread's cache holds */
};

/* Where the misused address is told to the parent: shared, since the child is to die. */
static void **told;

static int share_memory(void **state)
{
    (void)state;
    told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return told == MAP_FAILED ? -1 : 0;
}

/* `pointer`, which is about to be misused. */
static void *tell(const void *pointer)
{
    *told = opaque(pointer);
    return *told;
}

static void assert_stops(void (*misuse)(void *unused))
{
    struct outcome outcome;
    char address[32];

    if (!on_loam())
        skip();
    *told = NULL;
    child_run(misuse, NULL, &outcome);
    snprintf(address, sizeof(address), "0x%lx", (unsigned long)*told);
    if (!WIFSIGNALED(outcome.status) || WTERMSIG(outcome.status) != SIGABRT)
        fail_msg("ended with status 0x%x and not by SIGABRT, saying: %s", (unsigned)outcome.status, outcome.text);
    if (!strstr(outcome.text, address))
        fail_msg("%s is not named in: %s", address, outcome.text);
}

/* Allocate many of one class and free them, twice: whatever a thread's cache holds passes through the heap. */
static void churn(size_t size)
{
    static void *objects[MANY];

    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < MANY; i++)
            objects[i] = malloc(size);
        for (size_t i = 0; i < MANY; i++)
            free(objects[i]);
    }
}

static void free_stack_memory(void *unused)
{
    char memory[64] __attribute__((aligned(16))) = "";

    (void)unused;
    free(tell(memory));
}

static void free_static_memory(void *unused)
{
    static char memory[64] __attribute__((aligned(16)));

    (void)unused;
    free(tell(memory));
}

static void free_code(void *unused)
{
    (void)unused;
    free(tell((const void *)(uintptr_t)free_code));
}

static void free_mapped_memory(void *unused)
{
    (void)unused;
    free(tell(mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
}

static void free_the_lowest_page(void *unused)
{
    (void)unused;
    free(tell((void *)0x1000));
}

static void free_the_highest_page(void *unused)
{
    (void)unused;
    free(tell((void *)-4096));
}

static void free_the_middle_of_a_small_object(void *unused)
{
    (void)unused;
    free(tell((char *)malloc(SMALL) + 16));
}

static void free_an_odd_address(void *unused)
{
    (void)unused;
    free(tell((char *)malloc(SMALL) + 1));
}

static void free_the_middle_of_an_object_of_a_page(void *unused)
{
    (void)unused;
    free(tell((char *)malloc(5000) + 1024));
}

static void free_the_middle_of_a_large_object(void *unused)
{
    (void)unused;
    free(tell((char *)malloc(LARGE) + 4096));
}

static void free_deep_inside_a_large_object(void *unused)
{
    (void)unused;
    free(tell((char *)malloc(LARGE) + 2 * MIB));
}

static void free_before_an_object(void *unused)
{
    (void)unused;
    free(tell((char *)malloc(LARGE) - 8));
}

static void free_far_above_the_heap(void *unused)
{
    (void)unused;
    free(tell((char *)malloc(SMALL) + ((size_t)1 << 30)));
}

static void realloc_stack_memory(void *unused)
{
    char memory[64] __attribute__((aligned(16))) = "";

    (void)unused;
    (void)!realloc(tell(memory), 100);
}

static void realloc_the_middle_of_an_object(void *unused)
{
    (void)unused;
    (void)!realloc(tell((char *)malloc(SMALL) + 16), 1000);
}

static void free_twice(void *unused)
{
    void *object = tell(malloc(SMALL));

    (void)unused;
    free(object);
    free(tell(object));
}

static void free_twice_an_object_of_a_page(void *unused)
{
    void *object = tell(malloc(5000));

    (void)unused;
    free(object);
    free(tell(object));
}

static void free_twice_a_large_object(void *unused)
{
    void *object = tell(malloc(LARGE));

    (void)unused;
    free(object);
    free(tell(object));
}

static void free_twice_a_huge_object(void *unused)
{
    void *object = tell(malloc(200 * MIB));

    (void)unused;
    free(object);
    free(tell(object));
}

static void realloc_what_is_free(void *unused)
{
    void *object = tell(malloc(LARGE));

    (void)unused;
    free(object);
    (void)!realloc(tell(object), 2 * (size_t)LARGE);
}

static void free_twice_with_another_between(void *unused)
{
    void *one = tell(malloc(SMALL));
    void *other = malloc(SMALL);

    (void)unused;
    free(one);
    free(other);
    free(tell(one));
    churn(SMALL);
}

static void free_twice_with_many_between(void *unused)
{
    void *object = tell(malloc(SMALL));
    void *others[MANY];

    (void)unused;
    for (size_t i = 0; i < MANY; i++)
        others[i] = malloc(SMALL);
    free(object);
    for (size_t i = 0; i < MANY; i++)
        free(others[i]);
    free(tell(object));
    churn(SMALL);
}

static void free_twice_with_another_large_one_between(void *unused)
{
    void *one = tell(malloc(LARGE));
    void *other = malloc(LARGE);

    (void)unused;
    free(one);
    free(other);
    free(tell(one));
}

static void *free_and_churn(void *object)
{
    free(tell(object));
    churn(SMALL);
    return NULL;
}

/* Its neighbour lives on: memory where nothing does may be given to other sizes meanwhile, and then nobody can tell. */
static void free_in_two_threads(void *unused)
{
    void *object = tell(malloc(SMALL));
    void *neighbour = malloc(SMALL);
    pthread_t thread;

    (void)unused;
    free(object);
    pthread_create(&thread, NULL, free_and_churn, object);
    pthread_join(thread, NULL);
    churn(SMALL);
    free(neighbour);
}

static void memory_of_others_cannot_be_freed(void **state)
{
    (void)state;
    assert_stops(free_stack_memory);
    assert_stops(free_static_memory);
    assert_stops(free_code);
    assert_stops(free_mapped_memory);
}

static void wild_pointers_cannot_be_freed(void **state)
{
    (void)state;
    assert_stops(free_the_lowest_page);
    assert_stops(free_the_highest_page);
    assert_stops(free_far_above_the_heap);
}

static void the_middle_of_a_small_object_cannot_be_freed(void **state)
{
    (void)state;
    assert_stops(free_the_middle_of_a_small_object);
    assert_stops(free_an_odd_address);
    assert_stops(free_the_middle_of_an_object_of_a_page);
}

static void the_middle_of_a_large_object_cannot_be_freed(void **state)
{
    (void)state;
    assert_stops(free_the_middle_of_a_large_object);
    assert_stops(free_deep_inside_a_large_object);
    assert_stops(free_before_an_object);
}

static void what_cannot_be_freed_cannot_be_resized(void **state)
{
    (void)state;
    assert_stops(realloc_stack_memory);
    assert_stops(realloc_the_middle_of_an_object);
}

static void a_double_free_is_found_at_once(void **state)
{
    (void)state;
    assert_stops(free_twice);
    assert_stops(free_twice_an_object_of_a_page);
}

static void a_double_free_of_a_large_object_is_found_at_once(void **state)
{
    (void)state;
    assert_stops(free_twice_a_large_object);
    assert_stops(free_twice_a_huge_object);
    assert_stops(free_twice_with_another_large_one_between);
}

static void a_freed_object_cannot_be_resized(void **state)
{
    (void)state;
    assert_stops(realloc_what_is_free);
}

static void a_double_free_with_others_between_is_found_in_the_end(void **state)
{
    (void)state;
    assert_stops(free_twice_with_another_between);
    assert_stops(free_twice_with_many_between);
}

static void a_double_free_by_two_threads_is_found_in_the_end(void **state)
{
    (void)state;
    assert_stops(free_in_two_threads);
}

static void allocate_and_exit(int signal)
{
    (void)signal;
    churn(SMALL);
    churn(MIB / 4);
    _exit(7);
}

/* The slab stays in use, so that only the flush of a magazine, half-way through, finds the second free. */
static void free_twice_under_a_handler(void *unused)
{
    static void *objects[MANY];

    (void)unused;
    signal(SIGABRT, allocate_and_exit);
    for (size_t i = 0; i < MANY; i++)
        objects[i] = malloc(SMALL);
    for (size_t i = 0; i < MANY / 2; i += 2)
        free(objects[i]);
    free(opaque(objects[0]));
    for (size_t i = MANY / 2; i < MANY; i += 2)
        free(objects[i]);
}

/* As crash reporters do. */
static void a_handler_of_the_stop_can_allocate(void **state)
{
    struct outcome outcome;

    (void)state;
    if (!on_loam())
        skip();
    child_run(free_twice_under_a_handler, NULL, &outcome);
    if (!WIFEXITED(outcome.status) || WEXITSTATUS(outcome.status) != 7)
        fail_msg("ended with status 0x%x, saying: %s", (unsigned)outcome.status, outcome.text);
}

static void free_others_then_tell_and_free_again(void *unused)
{
    void *one = malloc(SMALL);
    void *other = malloc(SMALL);

    (void)unused;
    free(one);
    free(other);
    free(tell(one));
}

static void free_sized_wrongly(void *unused)
{
    (void)unused;
    optional.free_sized(tell(malloc(SMALL)), 20 * SMALL);
}

static void free_a_large_object_sized_wrongly(void *unused)
{
    (void)unused;
    optional.free_sized(tell(malloc(LARGE)), 16);
}

static void free_aligned_wrongly(void *unused)
{
    void *object = aligned_alloc(64, SMALL);

    (void)unused;
    optional.free_aligned_sized(tell(object), 64, 50 * SMALL);
}

static void hardened_finds_every_double_free_at_the_call(void **state)
{
    (void)state;
    if (!loam_has_option("hardened"))
        skip();
    assert_stops(free_others_then_tell_and_free_again);
}

static void hardened_checks_the_sizes_of_sized_frees(void **state)
{
    (void)state;
    if (!loam_has_option("hardened"))
        skip();
    assert_stops(free_sized_wrongly);
    assert_stops(free_a_large_object_sized_wrongly);
    assert_stops(free_aligned_wrongly);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_of_others_cannot_be_freed),
        cmocka_unit_test(wild_pointers_cannot_be_freed),
        cmocka_unit_test(the_middle_of_a_small_object_cannot_be_freed),
        cmocka_unit_test(the_middle_of_a_large_object_cannot_be_freed),
        cmocka_unit_test(what_cannot_be_freed_cannot_be_resized),
        cmocka_unit_test(a_double_free_is_found_at_once),
        cmocka_unit_test(a_double_free_of_a_large_object_is_found_at_once),
        cmocka_unit_test(a_freed_object_cannot_be_resized),
        cmocka_unit_test(a_double_free_with_others_between_is_found_in_the_end),
        cmocka_unit_test(a_double_free_by_two_threads_is_found_in_the_end),
        cmocka_unit_test(a_handler_of_the_stop_can_allocate),
        cmocka_unit_test(hardened_finds_every_double_free_at_the_call),
        cmocka_unit_test(hardened_checks_the_sizes_of_sized_frees),
    };

    return cmocka_run_group_tests(tests, share_memory, NULL);
}
