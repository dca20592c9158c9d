/*
 * inject.c - every system call that the heap makes fails: each alone, all from one on, and some at random.
 *
 * The program starts itself once for each failure, since the first calls are made before main(). What it then does
 * reaches every path that calls the kernel. Whatever fails, a function returns what it says for that, objects that
 * exist keep every byte, the heap is valid; and once calls succeed again, so do allocations.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/sys.h"

#include <loam/layout.h>

#include "../unit/allocator.h"

#define VARIABLE "LOAM_TEST_INJECT"

enum {
    OBJECTS = 600,
    RANDOM_RUNS = 100,
    ONE_IN = 5, /* calls that fail at random */
    MESSAGE = 256,
};

/* --- the calls that fail --- */

static struct {
    char mode; /* 'c': none, calls are counted; 'o': one; 'f': all from one on; 'r': some at random; 'i': see use_idle()
                */
    unsigned long number;
    _Atomic unsigned long calls;
    const char *_Atomic failed; /* the last */
} injection;

static long error_of(const char *name)
{
    if (strcmp(name, "openat") == 0)
        return -EMFILE;
    if (strcmp(name, "read") == 0 || strcmp(name, "write") == 0 || strcmp(name, "close") == 0)
        return -EIO;
    return -ENOMEM;
}

/* splitmix64 of G. Steele and others, of the number of the call: threads may make it in any order. */
static bool by_chance(unsigned long call)
{
    uint64_t z = injection.number * 1000003 + call * 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) % ONE_IN == 0;
}

static long inject(const char *name)
{
    unsigned long call = injection.calls++;
    bool fails = (injection.mode == 'o' && call == injection.number) ||
                 (injection.mode == 'f' && call >= injection.number) || (injection.mode == 'r' && by_chance(call));

    if (!fails)
        return 0;
    injection.failed = name;
    return error_of(name);
}

/* Before the heap's own constructor. */
__attribute__((constructor(101))) static void begin(void)
{
    const char *value = getenv(VARIABLE);

    if (value && sscanf(value, "%c %lu", &injection.mode, &injection.number) == 2)
        sys_inject = inject;
}

/* --- what the program does meanwhile --- */

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fail_run(#condition, __LINE__);                                                                            \
    } while (0)

static _Noreturn void fail_run(const char *condition, int line)
{
    const char *name = injection.failed;

    sys_inject = NULL;
    fprintf(stderr, "inject.c:%d: not so: %s; the last call that failed: %s, of %lu calls\n", line, condition,
            name ? name : "none", (unsigned long)injection.calls);
    _exit(1);
}

struct object {
    unsigned char *data; /* NULL: none */
    size_t size;
};

static unsigned char mark_of(const struct object *object)
{
    return (unsigned char)(object->size * 7 + 1);
}

/* A byte of each page is enough: neighbours would write over a mark at an end. */
static void mark(struct object *object)
{
    for (size_t i = 0; i < object->size; i += 4 * KIB)
        object->data[i] = mark_of(object);
    object->data[object->size - 1] = mark_of(object);
}

static void check_first(const struct object *object, size_t size)
{
    for (size_t i = 0; i < size; i += 4 * KIB)
        REQUIRE(object->data[i] == mark_of(object));
}

static struct object take(void *data, size_t size)
{
    struct object object = {data, size};

    REQUIRE(data || errno == ENOMEM);
    if (data)
        mark(&object);
    return object;
}

static void give(struct object *object)
{
    if (object->data) {
        check_first(object, object->size);
        REQUIRE(object->data[object->size - 1] == mark_of(object));
    }
    errno = 0;
    free(object->data);
    REQUIRE(errno == 0);
    object->data = NULL;
}

static size_t size_of(size_t i)
{
    return i % 50 == 49 ? 100 * KIB + i * 300 : i % 7 == 6 ? 10 * i + 1 : 8 + i % 2000;
}

static void make_many(struct object *objects)
{
    for (size_t i = 0; i < OBJECTS; i++)
        objects[i] = take(malloc(size_of(i)), size_of(i));
}

static void free_many(struct object *objects, size_t step)
{
    for (size_t i = 0; i < OBJECTS; i += step)
        give(&objects[i]);
}

static void zeroed(size_t size)
{
    struct object object = {calloc(1, size), size};

    REQUIRE(object.data || errno == ENOMEM);
    for (size_t i = 0; object.data && i < size; i += KIB)
        REQUIRE(object.data[i] == 0);
    if (object.data)
        mark(&object);
    give(&object);
}

static void zeroed_after_a_part_was_touched(size_t size)
{
    unsigned char *data = malloc(size);

    REQUIRE(data || errno == ENOMEM);
    if (data)
        data[0] = data[size / 2] = 1;
    free(data);
    zeroed(size);
}

static void grow(size_t from, size_t to)
{
    struct object object = take(malloc(from), from);

    for (size_t size = from; object.data && size <= to; size += size / 2) {
        unsigned char *data = realloc(object.data, size);
        REQUIRE(data || errno == ENOMEM);
        if (!data) {
            check_first(&object, object.size);
            continue;
        }
        object.data = data;
        check_first(&object, object.size);
        object.size = size;
        mark(&object);
    }
    give(&object);
}

static void align(size_t alignment, size_t size)
{
    struct object object = take(aligned_alloc(alignment, size), size);
    void *untouched = &object, *out = untouched;

    REQUIRE((uintptr_t)object.data % alignment == 0);
    give(&object);
    int error = posix_memalign(&out, alignment, size);
    REQUIRE(error == 0 || (error == ENOMEM && out == untouched));
    if (error == 0)
        free(out);
}

/* A thread gives back what another made, and leaves something behind. */
static void *live(void *argument)
{
    struct object *objects = argument;

    for (size_t i = 0; i < OBJECTS; i += 3)
        give(&objects[i]);
    for (size_t i = 0; i < OBJECTS; i += 3)
        objects[i] = take(malloc(size_of(i)), size_of(i));
    return NULL;
}

static void run_thread(struct object *objects)
{
    pthread_t thread;

    REQUIRE(pthread_create(&thread, NULL, live, objects) == 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
}

static void run_child(struct object *objects)
{
    int status;
    pid_t pid = fork();

    REQUIRE(pid >= 0);
    if (pid == 0) {
        free_many(objects, 2);
        grow(KIB, 2 * MIB);
        REQUIRE(loam_heap_validate() == 0);
        _exit(0);
    }
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
}

/* A heap of more than 16 MiB of slabs, even untouched ones, has the pages of each further one made at once. */
static void fill(void)
{
    enum { UNTOUCHED = 32 * KIB, COUNT = 16 * MIB / UNTOUCHED, SIZE = 8 * KIB, MORE = 20 };
    void *untouched[COUNT];
    struct object objects[MORE];

    for (size_t i = 0; i < COUNT; i++)
        untouched[i] = malloc(UNTOUCHED);
    for (size_t i = 0; i < MORE; i++)
        objects[i] = take(malloc(SIZE), SIZE);
    for (size_t i = 0; i < MORE; i++)
        give(&objects[i]);
    for (size_t i = 0; i < COUNT; i++)
        free(untouched[i]);
}

static void work(void)
{
    static struct object objects[OBJECTS];

    make_many(objects);
    free_many(objects, 2);
    run_thread(objects);
    grow(20 * KIB, 5 * MIB);
    zeroed(50 * KIB);
    zeroed(3 * MIB);
    malloc_trim(0);
    zeroed_after_a_part_was_touched(3 * MIB);
    align(64 * KIB, 10 * KIB);
    align(4 * MIB, 100);
    align((size_t)1 << 30, 100);
    run_child(objects);
    free_many(objects, 1);
    malloc_trim(0);
    make_many(objects);
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL); /* a coarse clock's step: idle memory becomes due */
    free_many(objects, 1);
    grow(KIB, 3 * MIB);
    REQUIRE(loam_heap_validate() == 0);
}

/* With calls that succeed, everything does: whatever failed before has broken nothing. */
static void work_undisturbed(void)
{
    struct object object;

    sys_inject = NULL;
    for (size_t size = 1; size <= 4 * MIB; size *= 4) {
        object = take(malloc(size), size);
        REQUIRE(object.data);
        give(&object);
    }
    work();
}

static void *allocate(void *object)
{
    *(struct object *)object = take(malloc(KIB), KIB);
    return NULL;
}

/* Where the kernel has no more for anyone, a new thread still finds what others have given back. */
static void use_idle(void)
{
    struct object object = take(malloc(4 * MIB), 4 * MIB);
    pthread_t thread;
    const char *options = getenv("LOAM_OPTIONS");

    if (options && !strstr(options, "sample=0")) { /* then it lay elsewhere */
        give(&object);
        return;
    }

    give(&object);
    malloc_trim(0);
    injection.number = injection.calls;
    injection.mode = 'f';
    REQUIRE(pthread_create(&thread, NULL, allocate, &object) == 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
    REQUIRE(object.data);
    give(&object);
    REQUIRE(loam_heap_validate() == 0);
}

static int run(void)
{
    if (injection.mode == 'i')
        use_idle();
    else {
        fill();
        work();
    }
    unsigned long calls = injection.calls;
    work_undisturbed();
    printf("%lu\n", calls);
    return 0;
}

/* --- the tests --- */

/* Start this program with the injection. Returns what it printed: the number of calls it made. */
static unsigned long start(char mode, unsigned long number)
{
    char value[64], line[MESSAGE] = "";
    unsigned long calls = 0;

    snprintf(value, sizeof(value), "%c %lu", mode, number);
    assert_int_equal(setenv(VARIABLE, value, 1), 0);
    FILE *output = popen("exec /proc/$PPID/exe", "r");
    assert_non_null(output);
    bool told = fgets(line, sizeof(line), output) && sscanf(line, "%lu", &calls) == 1;
    int status = pclose(output);
    if (status != 0 || !told)
        fail_msg("%s=\"%s\": it ended with status 0x%x", VARIABLE, value, (unsigned)status);
    return calls;
}

static void each_call_fails_alone(void **state)
{
    unsigned long calls = start('c', 0);

    (void)state;
    print_message("%lu calls\n", calls);
    assert_true(calls > 20);
    for (unsigned long i = 0; i < calls; i++)
        start('o', i);
}

static void all_calls_fail_from_one_on(void **state)
{
    unsigned long calls = start('c', 0);

    (void)state;
    for (unsigned long i = 0; i <= calls; i++)
        start('f', i);
}

static void calls_fail_at_random(void **state)
{
    const char *given = getenv("LOAM_TEST_SEED");
    unsigned long seed = given ? strtoul(given, NULL, 0) : (unsigned long)time(NULL);

    (void)state;
    print_message("LOAM_TEST_SEED=%lu\n", seed);
    for (unsigned long i = 0; i < RANDOM_RUNS; i++)
        start('r', seed + i);
}

/* --- reading one's own segments: nothing is changed by it, so it is tried in this process --- */

static unsigned long reading_calls, failing_call;

static long fail_one(const char *call)
{
    (void)call;
    return reading_calls++ == failing_call ? -EIO : 0;
}

static int count_segments(void *context, const struct loam_segment *segment)
{
    (*(int *)context)++;
    return segment->start < segment->end ? 0 : 1;
}

/* What is read with a failure is less, and never nonsense. */
static void read_with_failure(unsigned long which, int whole)
{
    char text[256];
    int local = 0, segments = 0;

    reading_calls = 0;
    failing_call = which;
    sys_inject = fail_one;
    int result = loam_layout_walk(count_segments, &segments);
    size_t length = loam_explain(&local, text, sizeof(text));
    sys_inject = NULL;
    assert_true(result == 0 || result == -EIO);
    assert_true(segments <= whole);
    assert_int_equal(length, strlen(text));
    assert_true(length > 0);
}

static void each_call_of_reading_segments_fails_alone(void **state)
{
    int whole = 0;

    (void)state;
    assert_int_equal(loam_layout_walk(count_segments, &whole), 0);
    read_with_failure(ULONG_MAX, whole);
    unsigned long calls = reading_calls;
    print_message("%lu calls\n", calls);
    assert_true(calls > 20);
    for (unsigned long i = 0; i < calls; i++)
        read_with_failure(i, whole);
    int again = 0;
    assert_int_equal(loam_layout_walk(count_segments, &again), 0);
    assert_int_equal(again, whole);
}

static void a_new_thread_finds_idle_memory(void **state)
{
    (void)state;
    start('i', 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_fails_alone),
        cmocka_unit_test(all_calls_fail_from_one_on),
        cmocka_unit_test(calls_fail_at_random),
        cmocka_unit_test(a_new_thread_finds_idle_memory),
        cmocka_unit_test(each_call_of_reading_segments_fails_alone),
    };

    if (injection.mode)
        return run();
    const char *filter = getenv("LOAM_TEST_FILTER");
    if (filter && *filter)
        cmocka_set_test_filter(filter);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
