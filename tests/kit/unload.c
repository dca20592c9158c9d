/* unload.c - the shared library of the facilities is loaded, used and unloaded while the program runs. */
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char *library;
static pthread_barrier_t both;

/* As the inline functions of loam/region.h do it, which would need the library linked. */
static void *use_scratch(void *handle)
{
    void *(*extend)(void *region, size_t size) = NULL;
    void *region = dlsym(handle, "loam_scratch_region");

    *(void **)&extend = dlsym(handle, "loam_region_extend");
    void *piece = extend && region ? extend(region, 100) : NULL;
    pthread_barrier_wait(&both); /* used */
    pthread_barrier_wait(&both); /* unloaded */
    return piece;
}

static void test_a_thread_ends_after_the_library_was_unloaded(void **state)
{
    void *handle = dlopen(library, RTLD_NOW), *piece;
    pthread_t thread;

    (void)state;
    assert_non_null(handle);
    assert_int_equal(pthread_barrier_init(&both, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, use_scratch, handle), 0);
    pthread_barrier_wait(&both);
    assert_int_equal(dlclose(handle), 0);
    pthread_barrier_wait(&both);
    pthread_join(thread, &piece);
    assert_non_null(piece);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_thread_ends_after_the_library_was_unloaded)};

    if (count != 2) {
        fprintf(stderr, "usage: kit_unload LIBRARY\n");
        return 2;
    }
    library = arguments[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
