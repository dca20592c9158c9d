/*
 * process.c - the heap through the life of a process: its start, its threads, its forks and its end.
 *
 * Source: fork(2), exit(3), pthread_key_create(3), loam/brk.h.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#include <cmocka.h>

#include "child.h"
#include "memory.h"

#include "allocator.h"

extern char **environ;

enum {
    EARLY_SIZES = 12,
    EARLY_KEY = 3,
};

struct early {
    void *objects[EARLY_SIZES];
};

static size_t early_size(size_t i)
{
    return (size_t)20 << i;
}

static void allocate_early(struct early *early)
{
    for (size_t i = 0; i < EARLY_SIZES; i++) {
        early->objects[i] = malloc(early_size(i));
        pattern_write(early->objects[i], early_size(i), EARLY_KEY);
        free(malloc(early_size(i)));
    }
}

/* Use what was allocated early as any other object. */
static void assert_usable(struct early *early)
{
    for (size_t i = 0; i < EARLY_SIZES; i++) {
        assert_non_null(early->objects[i]);
        assert_int_equal(pattern_compare(early->objects[i], early_size(i), EARLY_KEY), early_size(i));
        early->objects[i] = realloc(early->objects[i], 3 * early_size(i));
        assert_int_equal(pattern_compare(early->objects[i], early_size(i), EARLY_KEY), early_size(i));
        free(early->objects[i]);
    }
}

static struct early of_constructor;

__attribute__((constructor(101))) static void construct(void)
{
    allocate_early(&of_constructor);
}

/* Runs before the constructors of all libraries. A sanitizer does not: it starts in the same place. */
static struct early of_preinit;

#ifndef LOAM_TEST_OWN_NAMES
static void initialize_first(void)
{
    allocate_early(&of_preinit);
}

__attribute__((section(".preinit_array"), used)) static void (*const initialize_first_entry)(void) = initialize_first;
#endif

static void constructors_can_allocate(void **state)
{
    (void)state;
    assert_usable(&of_constructor);
}

static void the_very_first_code_can_allocate(void **state)
{
    (void)state;
    if (!of_preinit.objects[0])
        skip();
    assert_usable(&of_preinit);
}

/* Where what runs at the very end tells that it did. */
static int exit_report = -1;

static void tell_exit(char what)
{
    if (exit_report >= 0)
        (void)!write(exit_report, &what, 1);
}

static void *allocate_and_use(size_t size)
{
    void *object = malloc(size);

    REQUIRE(object != NULL);
    pattern_write(object, size, size);
    return object;
}

static void use_and_free(void *object, size_t size)
{
    REQUIRE(pattern_compare(object, size, size) == size);
    free(object);
}

static void use_heap(void)
{
    for (size_t size = 1; size < 8 * MIB; size = size * 3 + 1) {
        void *one = allocate_and_use(size);
        void *other = allocate_and_use(size);
        use_and_free(one, size);
        use_and_free(other, size);
    }
}

static void use_heap_at_exit(void)
{
    use_heap();
    tell_exit('a');
}

__attribute__((destructor(101))) static void use_heap_in_destructor(void)
{
    if (exit_report < 0)
        return;
    use_heap();
    tell_exit('d');
}

static void exit_normally(void *report)
{
    exit_report = *(int *)report;
    atexit(use_heap_at_exit);
}

static void atexit_handlers_and_destructors_can_allocate(void **state)
{
    int ends[2];
    char told[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_child_succeeds(exit_normally, &ends[1]);
    assert_int_equal(read(ends[0], told, 2), 2);
    assert_memory_equal(told, "ad", 2);
    close(ends[0]);
    close(ends[1]);
}

static void use_heap_in_child(void *unused)
{
    (void)unused;
    use_heap();
    REQUIRE(heap_validate() == 0);
}

static void a_forked_child_can_allocate(void **state)
{
    (void)state;
    assert_child_succeeds(use_heap_in_child, NULL);
}

static void free_inherited(void *objects)
{
    void **inherited = objects;

    for (size_t size = 1, i = 0; size < 4 * MIB; size *= 4, i++)
        use_and_free(inherited[i], size);
    use_heap();
}

static void a_forked_child_can_free_what_it_inherited(void **state)
{
    void *objects[12];
    size_t i = 0;

    (void)state;
    for (size_t size = 1; size < 4 * MIB; size *= 4)
        objects[i++] = allocate_and_use(size);
    assert_child_succeeds(free_inherited, objects);
    free_inherited(objects); /* the parent's own are as they were */
}

static void fork_a_grandchild(void *unused)
{
    int status;
    pid_t pid;

    (void)unused;
    use_heap();
    pid = fork();
    if (pid == 0) {
        use_heap();
        _exit(0);
    }
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
    use_heap();
}

static void a_forked_child_can_fork(void **state)
{
    (void)state;
    assert_child_succeeds(fork_a_grandchild, NULL);
}

static void *use_heap_in_thread(void *unused)
{
    (void)unused;
    use_heap();
    return NULL;
}

static void *test_child_from_thread(void *unused)
{
    assert_child_succeeds(use_heap_in_child, unused);
    return unused;
}

static void a_thread_can_fork(void **state)
{
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, test_child_from_thread, NULL), 0);
    pthread_join(thread, NULL);
}

static void start_thread_in_child(void *unused)
{
    pthread_t thread;

    (void)unused;
    REQUIRE(pthread_create(&thread, NULL, use_heap_in_thread, NULL) == 0);
    use_heap();
    pthread_join(thread, NULL);
}

static void a_forked_child_can_start_threads(void **state)
{
    (void)state;
    assert_child_succeeds(start_thread_in_child, NULL);
}

static void programs_can_be_spawned(void **state)
{
    char *const arguments[] = {"true", NULL};
    pid_t pid;
    int status;

    (void)state;
    assert_int_equal(posix_spawnp(&pid, "true", NULL, NULL, arguments, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static pthread_key_t key;
static atomic_int key_destructions;

/* Sets the key again: it then runs once more, after the destructors of others - an allocator's, maybe. */
static void destroy_key_value(void *value)
{
    use_and_free(value, 1000);
    use_heap();
    if (atomic_fetch_add(&key_destructions, 1) % PTHREAD_DESTRUCTOR_ITERATIONS < PTHREAD_DESTRUCTOR_ITERATIONS - 1)
        pthread_setspecific(key, allocate_and_use(1000));
}

static void *set_key(void *unused)
{
    pthread_setspecific(key, allocate_and_use(1000));
    return unused;
}

static void destructors_of_pthread_keys_can_allocate(void **state)
{
    (void)state;
    assert_int_equal(pthread_key_create(&key, destroy_key_value), 0);
    for (int i = 1; i <= 20; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, set_key, NULL), 0);
        pthread_join(thread, NULL);
        assert_int_equal(key_destructions, i * PTHREAD_DESTRUCTOR_ITERATIONS);
    }
    pthread_key_delete(key);
    assert_int_equal(heap_validate(), 0);
}

static tss_t specific;
static atomic_int specific_destructions;

static void destroy_specific(void *value)
{
    use_and_free(value, 1000);
    use_heap();
    specific_destructions++;
}

static int set_specific(void *unused)
{
    (void)unused;
    return tss_set(specific, allocate_and_use(1000));
}

static void destructors_of_c11_specifics_can_allocate(void **state)
{
    (void)state;
    assert_int_equal(tss_create(&specific, destroy_specific), thrd_success);
    for (int i = 1; i <= 20; i++) {
        thrd_t thread;
        assert_int_equal(thrd_create(&thread, set_specific, NULL), thrd_success);
        thrd_join(thread, NULL);
        assert_int_equal(specific_destructions, i);
    }
    tss_delete(specific);
}

static void *allocate_and_exit(void *objects)
{
    void **left = objects;

    for (size_t size = 1, i = 0; size < 4 * MIB; size *= 4, i++)
        left[i] = allocate_and_use(size);
    return NULL;
}

static void *free_left(void *objects)
{
    void **left = objects;

    for (size_t size = 1, i = 0; size < 4 * MIB; size *= 4, i++)
        use_and_free(left[i], size);
    return NULL;
}

static void objects_outlive_their_thread(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        void *objects[12];
        pthread_t thread;
        pthread_create(&thread, NULL, allocate_and_exit, objects);
        pthread_join(thread, NULL);
        free_left(objects);
    }
    assert_int_equal(heap_validate(), 0);
}

static void objects_of_a_gone_thread_are_freed_by_another(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        void *objects[12];
        pthread_t thread;
        pthread_create(&thread, NULL, allocate_and_exit, objects);
        pthread_join(thread, NULL);
        pthread_create(&thread, NULL, free_left, objects);
        pthread_join(thread, NULL);
    }
    assert_int_equal(heap_validate(), 0);
}

static void objects_of_a_gone_thread_can_be_resized(void **state)
{
    void *objects[12];
    pthread_t thread;
    size_t i = 0;

    (void)state;
    pthread_create(&thread, NULL, allocate_and_exit, objects);
    pthread_join(thread, NULL);
    for (size_t size = 1; size < 4 * MIB; size *= 4, i++) {
        objects[i] = realloc(objects[i], 2 * size + 20);
        assert_int_equal(pattern_compare(objects[i], size, size), size);
        free(objects[i]);
    }
}

/* More than a map of slabs can tell apart at a glance. */
enum { CROWD = 300, CROWD_OBJECTS = 400, CROWD_ROUNDS = 3 };

static struct {
    pthread_barrier_t barrier;
    void *objects[CROWD][CROWD_OBJECTS];
} crowd;

static size_t crowd_size(size_t i)
{
    static const size_t sizes[] = {1, 9, 16, 40, 200, 3000};

    return sizes[i % (sizeof(sizes) / sizeof(sizes[0]))];
}

/* All make objects, then each frees those of the next. */
static void *exchange_in_crowd(void *own)
{
    size_t me = (size_t)((void *(*)[CROWD_OBJECTS])own - crowd.objects);

    for (int round = 0; round < CROWD_ROUNDS; round++) {
        for (size_t i = 0; i < CROWD_OBJECTS; i++)
            crowd.objects[me][i] = allocate_and_use(crowd_size(i));
        pthread_barrier_wait(&crowd.barrier);
        for (size_t i = 0; i < CROWD_OBJECTS; i++)
            use_and_free(crowd.objects[(me + 1) % CROWD][i], crowd_size(i));
        pthread_barrier_wait(&crowd.barrier);
    }
    return NULL;
}

static void hundreds_of_threads_can_free_each_others_objects(void **state)
{
    static pthread_t threads[CROWD];

    (void)state;
    pthread_barrier_init(&crowd.barrier, NULL, CROWD);
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, exchange_in_crowd, &crowd.objects[i]), 0);
    for (size_t i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&crowd.barrier);
    assert_int_equal(heap_validate(), 0);
}

static void *use_heap_forever(void *started)
{
    atomic_fetch_add((atomic_int *)started, 1);
    for (;;)
        use_heap();
    return NULL;
}

static void start_busy_threads(int count)
{
    static atomic_int started;

    for (int i = 0; i < count; i++) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, use_heap_forever, &started) == 0);
        pthread_detach(thread);
    }
    while (started < count)
        sched_yield();
}

static void exit_with_busy_threads(void *unused)
{
    (void)unused;
    start_busy_threads(3);
    atexit(use_heap);
}

static void a_process_can_exit_while_threads_allocate(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_child_succeeds(exit_with_busy_threads, NULL);
}

static void *outlive_main_thread(void *main_thread)
{
    pthread_join(*(pthread_t *)main_thread, NULL);
    use_heap();
    exit(heap_validate() != 0);
}

static void exit_main_thread(void *unused)
{
    static pthread_t self;
    pthread_t thread;

    use_heap();
    self = pthread_self();
    REQUIRE(pthread_create(&thread, NULL, outlive_main_thread, &self) == 0);
    pthread_exit(unused);
}

static void the_heap_outlives_the_main_thread(void **state)
{
    (void)state;
    assert_child_succeeds(exit_main_thread, NULL);
}

#ifdef LOAM_TEST_PLUGIN
static void load_and_unload_plugin(void)
{
    void *plugin = dlopen(LOAM_TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    int (*use)(void);
    int *unloaded;

    assert_non_null(plugin);
    use = (int (*)(void))dlsym(plugin, "plugin_use");
    unloaded = *(int **)dlsym(plugin, "plugin_unloaded");
    assert_int_equal(*unloaded, 0);
    assert_int_equal(use(), 0);
    dlclose(plugin);
    assert_int_equal(*unloaded, 1);
    free(unloaded);
}

static void libraries_can_allocate_as_they_come_and_go(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++)
        load_and_unload_plugin();
    assert_int_equal(heap_validate(), 0);
}

/* Linked with a library that knows of no allocator, and may be initialized before it. */
int library_use(void);

static void a_linked_library_can_allocate_in_its_constructor(void **state)
{
    (void)state;
    assert_int_equal(library_use(), 0);
}
#else
static void libraries_can_allocate_as_they_come_and_go(void **state)
{
    (void)state;
    skip();
}

static void a_linked_library_can_allocate_in_its_constructor(void **state)
{
    (void)state;
    skip();
}
#endif

enum {
    BREAK_STEP = 64 * KIB,
};

static void sbrk_of_zero_tells_the_break(void **state)
{
    void *end;

    (void)state;
    if (!optional.sbrk)
        skip();
    end = optional.sbrk(0);
    assert_ptr_not_equal(end, (void *)-1);
    assert_ptr_equal(optional.sbrk(0), end);
}

static void sbrk_grows_by_zeroed_memory_and_shrinks(void **state)
{
    char *start;

    (void)state;
    if (!optional.sbrk)
        skip();
    start = optional.sbrk(BREAK_STEP);
    assert_ptr_not_equal(start, (void *)-1);
    assert_ptr_equal(optional.sbrk(0), start + BREAK_STEP);
    assert_true(all_zero(start, BREAK_STEP));
    pattern_write(start, BREAK_STEP, 1);
    assert_ptr_equal(optional.sbrk(-BREAK_STEP), start + BREAK_STEP);
    assert_ptr_equal(optional.sbrk(0), start);
}

static void brk_sets_the_break(void **state)
{
    char *start;

    (void)state;
    if (!optional.brk)
        skip();
    start = optional.sbrk(0);
    assert_int_equal(optional.brk(start + BREAK_STEP), 0);
    assert_ptr_equal(optional.sbrk(0), start + BREAK_STEP);
    pattern_write(start, BREAK_STEP, 2);
    assert_int_equal(optional.brk(start), 0);
    assert_ptr_equal(optional.sbrk(0), start);
}

static void an_impossible_break_gives_enomem(void **state)
{
    void *start;

    (void)state;
    if (!optional.brk)
        skip();
    start = optional.sbrk(0);
    errno = 0;
    assert_int_equal(optional.brk((void *)4096), -1);
    assert_int_equal(errno, ENOMEM);
    errno = 0;
    assert_int_equal(optional.brk((void *)((uintptr_t)1 << 50)), -1);
    assert_int_equal(errno, ENOMEM);
    errno = 0;
    assert_ptr_equal(optional.sbrk(INTPTR_MAX), (void *)-1);
    assert_int_equal(errno, ENOMEM);
    errno = 0;
    assert_ptr_equal(optional.sbrk(INTPTR_MIN), (void *)-1);
    assert_int_equal(errno, ENOMEM);
    assert_ptr_equal(optional.sbrk(0), start);
}

/* With source=brk both use the break; with any other, neither knows of the other. */
static void the_break_is_shared_with_the_heap(void **state)
{
    enum { ROUNDS = 20, PER_ROUND = 60, SIZE = 100 * KIB };
    static void *objects[ROUNDS][PER_ROUND];
    char *parts[ROUNDS];

    (void)state;
    if (!optional.sbrk)
        skip();
    for (size_t i = 0; i < ROUNDS; i++) {
        for (size_t j = 0; j < PER_ROUND; j++)
            objects[i][j] = allocate_and_use(SIZE);
        parts[i] = optional.sbrk(BREAK_STEP);
        assert_ptr_not_equal(parts[i], (void *)-1);
        pattern_write(parts[i], BREAK_STEP, i);
    }
    for (size_t i = 0; i < ROUNDS; i++) {
        for (size_t j = 0; j < PER_ROUND; j++)
            use_and_free(objects[i][j], SIZE);
    }
    malloc_trim(0);
    for (size_t i = 0; i < ROUNDS; i++)
        assert_int_equal(pattern_compare(parts[i], BREAK_STEP, i), BREAK_STEP);
    assert_int_equal(heap_validate(), 0);
}

static void the_break_is_never_cut_below_the_heap(void **state)
{
    void *object;

    (void)state;
    if (!loam_has_option("source=brk"))
        skip();
    object = allocate_and_use(1000);
    errno = 0;
    assert_int_equal(optional.brk(object), -1);
    assert_int_equal(errno, ENOMEM);
    errno = 0;
    assert_ptr_equal(optional.sbrk((char *)object - (char *)optional.sbrk(0)), (void *)-1);
    assert_int_equal(errno, ENOMEM);
    use_and_free(object, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constructors_can_allocate),
        cmocka_unit_test(the_very_first_code_can_allocate),
        cmocka_unit_test(a_linked_library_can_allocate_in_its_constructor),
        cmocka_unit_test(libraries_can_allocate_as_they_come_and_go),
        cmocka_unit_test(atexit_handlers_and_destructors_can_allocate),
        cmocka_unit_test(a_forked_child_can_allocate),
        cmocka_unit_test(a_forked_child_can_free_what_it_inherited),
        cmocka_unit_test(a_forked_child_can_fork),
        cmocka_unit_test(a_thread_can_fork),
        cmocka_unit_test(a_forked_child_can_start_threads),
        cmocka_unit_test(programs_can_be_spawned),
        cmocka_unit_test(destructors_of_pthread_keys_can_allocate),
        cmocka_unit_test(destructors_of_c11_specifics_can_allocate),
        cmocka_unit_test(objects_outlive_their_thread),
        cmocka_unit_test(objects_of_a_gone_thread_are_freed_by_another),
        cmocka_unit_test(objects_of_a_gone_thread_can_be_resized),
        cmocka_unit_test(hundreds_of_threads_can_free_each_others_objects),
        cmocka_unit_test(a_process_can_exit_while_threads_allocate),
        cmocka_unit_test(the_heap_outlives_the_main_thread),
        cmocka_unit_test(sbrk_of_zero_tells_the_break),
        cmocka_unit_test(sbrk_grows_by_zeroed_memory_and_shrinks),
        cmocka_unit_test(brk_sets_the_break),
        cmocka_unit_test(an_impossible_break_gives_enomem),
        cmocka_unit_test(the_break_is_shared_with_the_heap),
        cmocka_unit_test(the_break_is_never_cut_below_the_heap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
