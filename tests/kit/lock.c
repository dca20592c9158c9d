/* lock.c - the contract of loam/lock.h. */
#include <alloca.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <loam/lock.h>

#include "child.h"
#include "sys/sys.h"

#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

/* The shadow of a sanitizer is terabytes, which mlockall(2) would bring into memory. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

enum { PAGES = 24, ROUNDS = 12 };

static char *map(size_t pages)
{
    char *start = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(start, MAP_FAILED);
    return start;
}

static void unmap(void *start, size_t pages)
{
    assert_int_equal(munmap(start, pages * PAGE), 0);
}

/* --- calls that fail --- */

#ifdef LOAM_INJECT
static struct {
    const char *name;
    long error;
} failing;

static long fail_named(const char *call)
{
    return strcmp(call, failing.name) == 0 ? failing.error : 0;
}

static void fail_always(const char *name, long error)
{
    failing.name = name;
    failing.error = error;
    sys_inject = fail_named;
}

static void fail_no_more(void)
{
    sys_inject = NULL;
}

static int injects(void)
{
    return 1;
}
#else
static void fail_always(const char *name, long error)
{
    (void)name;
    (void)error;
}

static void fail_no_more(void)
{
}

static int injects(void)
{
    return 0;
}
#endif

/* --- what is locked, as the kernel tells it --- */

/* VmLck, in pages. */
static size_t locked_pages(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    size_t kib = 0;

    assert_non_null(file);
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "VmLck: %zu kB", &kib) == 1)
            break;
    fclose(file);
    return kib * KIB / PAGE;
}

struct picture {
    char *start;
    unsigned char locked[PAGES];
};

static int draw(const struct loam_locked *mapping, void *context)
{
    struct picture *picture = context;
    char *from = mapping->start;

    for (size_t i = 0; i < PAGES; i++) {
        char *at = picture->start + i * PAGE;
        if (at >= from && at < from + mapping->size)
            picture->locked[i] = 1;
    }
    return 0;
}

/* --- ranges --- */

static void test_locked_pages_are_in_memory(void **state)
{
    char *start = map(4);
    unsigned char there[4];

    (void)state;
    assert_int_equal(loam_lock(start, 4 * PAGE), 0);
    assert_int_equal(mincore(start, 4 * PAGE, there), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(there[i] & 1, 1);
    assert_int_equal(locked_pages(), 4);
    assert_int_equal(loam_unlock(start, 4 * PAGE), 0);
    assert_int_equal(locked_pages(), 0);
    unmap(start, 4);
}

static void test_a_range_is_the_pages_around_it(void **state)
{
    char *start = map(4);

    (void)state;
    assert_int_equal(loam_lock(start + PAGE - 1, 2), 0);
    assert_int_equal(locked_pages(), 2);
    assert_int_equal(loam_unlock(start + 5, PAGE), 0);
    assert_int_equal(locked_pages(), 0);
    unmap(start, 4);
}

static void test_what_is_no_range_is_einval(void **state)
{
    char *start = map(1);

    (void)state;
    assert_int_equal(loam_lock(start, 0), -EINVAL);
    assert_int_equal(loam_lock(start, SIZE_MAX), -EINVAL);
    assert_int_equal(loam_lock((char *)UINTPTR_MAX - 8, 4), -EINVAL);
    assert_int_equal(loam_unlock(start, 0), -EINVAL);
    assert_int_equal(loam_unlock(start, SIZE_MAX), -EINVAL);
    assert_int_equal(locked_pages(), 0);
    unmap(start, 1);
}

static void test_only_what_was_locked_is_unlocked(void **state)
{
    char *start = map(4);

    (void)state;
    assert_int_equal(loam_unlock(start, PAGE), -EINVAL);
    assert_int_equal(loam_lock(start, 2 * PAGE), 0);
    assert_int_equal(loam_unlock(start, PAGE), -EINVAL);
    assert_int_equal(loam_unlock(start, 3 * PAGE), -EINVAL);
    assert_int_equal(loam_unlock(start + PAGE, PAGE), -EINVAL);
    assert_int_equal(locked_pages(), 2);
    assert_int_equal(loam_unlock(start, 2 * PAGE), 0);
    assert_int_equal(loam_unlock(start, 2 * PAGE), -EINVAL);
    unmap(start, 4);
}

static void test_locks_are_counted(void **state)
{
    char *start = map(1);

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(loam_lock(start, PAGE), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(locked_pages(), 1);
        assert_int_equal(loam_unlock(start, PAGE), 0);
    }
    assert_int_equal(locked_pages(), 0);
    unmap(start, 1);
}

static void test_a_page_of_two_ranges_stays_until_both_end(void **state)
{
    char *start = map(5);

    (void)state;
    assert_int_equal(loam_lock(start, 3 * PAGE), 0);
    assert_int_equal(loam_lock(start + 2 * PAGE, 3 * PAGE), 0);
    assert_int_equal(locked_pages(), 5);
    assert_int_equal(loam_unlock(start, 3 * PAGE), 0);
    assert_int_equal(locked_pages(), 3);
    assert_int_equal(loam_unlock(start + 2 * PAGE, 3 * PAGE), 0);
    assert_int_equal(locked_pages(), 0);
    unmap(start, 5);
}

static void test_what_cannot_be_locked_leaves_the_rest_as_it_was(void **state)
{
    char *start = map(4);

    (void)state;
    unmap(start + 2 * PAGE, 1);
    assert_int_equal(loam_lock(start, 4 * PAGE), -ENOMEM);
    assert_int_equal(locked_pages(), 0);
    assert_int_equal(loam_unlock(start, 4 * PAGE), -EINVAL);
    assert_int_equal(loam_lock(start + PAGE, PAGE), 0);
    assert_int_equal(loam_lock(start, 4 * PAGE), -ENOMEM);
    assert_int_equal(locked_pages(), 1);
    assert_int_equal(loam_unlock(start + PAGE, PAGE), 0);
    unmap(start, 2);
    unmap(start + 3 * PAGE, 1);
}

static void test_memory_that_is_gone_is_told_and_forgotten(void **state)
{
    char *start = map(1);

    (void)state;
    assert_int_equal(loam_lock(start, PAGE), 0);
    unmap(start, 1);
    assert_int_equal(loam_unlock(start, PAGE), -ENOMEM);
    assert_int_equal(loam_unlock(start, PAGE), -EINVAL);
}

/* More than the first page of the list has room for. */
static void test_many_ranges(void **state)
{
    enum { MANY = 1000 };
    char *start = map(MANY);

    (void)state;
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(loam_lock(start + (i * 7 % MANY) * PAGE, PAGE), 0);
    assert_int_equal(locked_pages(), MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(loam_unlock(start + (i * 3 % MANY) * PAGE, PAGE), 0);
    assert_int_equal(locked_pages(), 0);
    unmap(start, MANY);
}

static unsigned choose_seed(void)
{
    const char *given = getenv("LOAM_TEST_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);

    printf("LOAM_TEST_SEED=%u\n", seed);
    return seed;
}

/* Against a count for each page, and for each range. */
static void test_ranges_at_random(void **state)
{
    static int ranges[PAGES][PAGES]; /* locks from page i to page j */
    struct picture picture = {.start = map(PAGES)};
    unsigned seed = choose_seed();

    (void)state;
    for (int step = 0; step < 3000; step++) {
        size_t a = (size_t)rand_r(&seed) % PAGES, b = (size_t)rand_r(&seed) % PAGES;
        size_t i = a < b ? a : b, j = a < b ? b : a, size = (j - i + 1) * PAGE;
        if (rand_r(&seed) % 3) {
            int error = loam_unlock(picture.start + i * PAGE, size);
            assert_int_equal(error, ranges[i][j] ? 0 : -EINVAL);
            ranges[i][j] -= ranges[i][j] > 0;
        } else {
            assert_int_equal(loam_lock(picture.start + i * PAGE, size), 0);
            ranges[i][j]++;
        }
        if (step % 8)
            continue;
        memset(picture.locked, 0, sizeof(picture.locked));
        assert_int_equal(loam_locked_walk(draw, &picture), 0);
        for (size_t page = 0; page < PAGES; page++) {
            int covered = 0;
            for (size_t from = 0; from <= page; from++)
                for (size_t to = page; to < PAGES; to++)
                    covered |= ranges[from][to] > 0;
            assert_int_equal(picture.locked[page], covered);
        }
    }
    for (size_t i = 0; i < PAGES; i++)
        for (size_t j = i; j < PAGES; j++)
            while (ranges[i][j]-- > 0)
                assert_int_equal(loam_unlock(picture.start + i * PAGE, (j - i + 1) * PAGE), 0);
    assert_int_equal(locked_pages(), 0);
    unmap(picture.start, PAGES);
}

static void *lock_and_unlock(void *argument)
{
    char *start = argument;
    unsigned seed = (unsigned)(uintptr_t)&seed;

    for (int i = 0; i < 500; i++) {
        size_t first = (size_t)rand_r(&seed) % (PAGES / 2), size = (1 + (size_t)rand_r(&seed) % (PAGES / 2)) * PAGE;
        if (loam_lock(start + first * PAGE, size) < 0 || loam_unlock(start + first * PAGE, size) < 0)
            return start;
    }
    return NULL;
}

static void test_threads_lock_the_same_pages(void **state)
{
    pthread_t threads[4];
    char *start = map(PAGES);
    void *failed;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, lock_and_unlock, start), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(locked_pages(), 0);
    unmap(start, PAGES);
}

static void be_forked(void *start)
{
    REQUIRE(locked_pages() == 0);
    REQUIRE(loam_unlock(start, PAGE) == -EINVAL);
    REQUIRE(loam_lock(start, PAGE) == 0);
    REQUIRE(locked_pages() == 1);
    REQUIRE(loam_unlock(start, PAGE) == 0);
    REQUIRE(locked_pages() == 0);
}

static void test_a_forked_child_has_no_locks(void **state)
{
    char *start = map(1);

    (void)state;
    assert_int_equal(loam_lock(start, PAGE), 0);
    assert_child_succeeds(be_forked, start);
    assert_int_equal(locked_pages(), 1);
    assert_int_equal(loam_unlock(start, PAGE), 0);
    unmap(start, 1);
}

/* --- what is locked --- */

/* The lowest file descriptor that is free. */
static int free_descriptor(void)
{
    int fd = dup(STDERR_FILENO);

    close(fd);
    return fd;
}

static int pass(const struct loam_locked *mapping, void *context)
{
    (void)mapping;
    (void)context;
    return 0;
}

static void test_no_file_stays_open(void **state)
{
    int before = free_descriptor();
    size_t locked;

    (void)state;
    loam_locked_bytes();
    loam_locked_in(&locked, sizeof(locked), &locked);
    loam_locked_walk(pass, NULL);
    assert_int_equal(free_descriptor(), before);
}

static void test_bytes_are_the_kernels(void **state)
{
    char *start = map(3);

    (void)state;
    assert_int_equal(loam_locked_bytes(), 0);
    assert_int_equal(loam_lock(start, 3 * PAGE), 0);
    assert_int_equal(loam_locked_bytes(), 3 * PAGE);
    assert_int_equal(loam_unlock(start, 3 * PAGE), 0);
    unmap(start, 3);
}

static void test_locked_in_counts_bytes(void **state)
{
    char *start = map(700);
    size_t locked = 7;

    (void)state;
    assert_int_equal(loam_locked_in(start, 700 * PAGE, &locked), 0);
    assert_int_equal(locked, 0);
    assert_int_equal(loam_lock(start + PAGE, 600 * PAGE), 0);
    assert_int_equal(loam_locked_in(start, 700 * PAGE, &locked), 0);
    assert_int_equal(locked, 600 * PAGE);
    assert_int_equal(loam_locked_in(start + PAGE - 10, 30, &locked), 0);
    assert_int_equal(locked, 20);
    assert_int_equal(loam_locked_in(start + 601 * PAGE - 10, 30, &locked), 0);
    assert_int_equal(locked, 10);
    assert_int_equal(loam_locked_in(start + 2 * PAGE + 1, 5000, &locked), 0);
    assert_int_equal(locked, 5000);
    assert_int_equal(loam_locked_in(start, SIZE_MAX, &locked), -EINVAL);
    assert_int_equal(loam_unlock(start + PAGE, 600 * PAGE), 0);
    unmap(start, 700);
}

static void test_locked_pages_that_are_not_there_do_not_count(void **state)
{
    char *start = map(4);
    size_t locked = 7;

    (void)state;
    assert_int_equal(syscall(SYS_mlock2, start, 4 * PAGE, 1 /* MLOCK_ONFAULT */), 0);
    start[PAGE] = 1;
    assert_int_equal(loam_locked_in(start, 4 * PAGE, &locked), 0);
    assert_int_equal(locked, PAGE);
    unmap(start, 4);
}

static int stop_at(const struct loam_locked *mapping, void *start)
{
    return mapping->start == start && mapping->size == PAGE && mapping->resident == PAGE && !mapping->name[0] ? 5 : 0;
}

static void test_a_walk_ends_when_it_is_told_to(void **state)
{
    char *start = map(3);

    (void)state;
    assert_int_equal(loam_locked_walk(stop_at, start + PAGE), 0);
    assert_int_equal(loam_lock(start + PAGE, PAGE), 0);
    assert_int_equal(loam_locked_walk(stop_at, start + PAGE), 5);
    assert_int_equal(loam_unlock(start + PAGE, PAGE), 0);
    unmap(start, 3);
}

/* --- limits --- */

/* As a user with no capability, who may lock so many bytes. */
static void be_limited(size_t bytes)
{
    REQUIRE(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){bytes, bytes}) == 0);
    REQUIRE(geteuid() != 0 || setresuid(65534, 65534, 65534) == 0);
}

static void lock_within_a_limit(void *unused)
{
    char *start = map(20);

    (void)unused;
    be_limited(8 * PAGE);
    REQUIRE(loam_locked_limit() == 8 * PAGE);
    REQUIRE(loam_locked_room() == 8 * PAGE);
    REQUIRE(loam_lock(start, 9 * PAGE) == -ENOMEM);
    REQUIRE(loam_locked_bytes() == 0);
    REQUIRE(loam_lock(start, 5 * PAGE) == 0);
    REQUIRE(loam_locked_room() == 3 * PAGE);
    REQUIRE(loam_lock(start + 10 * PAGE, 4 * PAGE) == -ENOMEM);
    REQUIRE(loam_lock(start + 10 * PAGE, 3 * PAGE) == 0);
    REQUIRE(loam_locked_room() == 0);
    REQUIRE(loam_unlock(start, 5 * PAGE) == 0);
    REQUIRE(loam_locked_room() == 5 * PAGE);
    REQUIRE(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){PAGE, PAGE}) == 0);
    REQUIRE(loam_locked_room() == 0);
}

static void test_no_more_is_locked_than_the_limit_allows(void **state)
{
    (void)state;
    assert_child_succeeds(lock_within_a_limit, NULL);
}

static void lock_without_any(void *unused)
{
    char *start = map(1);

    (void)unused;
    be_limited(0);
    REQUIRE(loam_lock(start, PAGE) == -EPERM);
    REQUIRE(loam_lock_all(LOAM_LOCK_NOW) == -EPERM);
    REQUIRE(loam_locked_limit() == 0 && loam_locked_room() == 0);
}

static void test_nothing_is_locked_where_the_limit_is_zero(void **state)
{
    (void)state;
    assert_child_succeeds(lock_without_any, NULL);
}

static void prepare_within_a_limit(void *unused)
{
    (void)unused;
    be_limited(8 * PAGE);
    REQUIRE(loam_lock_prepare(100, 100) == -ENOMEM);
    REQUIRE(loam_locked_bytes() == 0);
}

static void test_all_is_more_than_a_small_limit(void **state)
{
    (void)state;
    assert_child_succeeds(prepare_within_a_limit, NULL);
}

static void test_a_privileged_process_has_no_limit(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_true(loam_locked_limit() == UINT64_MAX && loam_locked_room() == UINT64_MAX);
}

/* --- the whole process --- */

static int may_lock_all(void)
{
    return !SANITIZED && loam_locked_limit() == UINT64_MAX;
}

static void test_unknown_flags_are_einval(void **state)
{
    (void)state;
    assert_int_equal(loam_lock_all(0), -EINVAL);
    assert_int_equal(loam_lock_all(LOAM_LOCK_ON_FAULT), -EINVAL);
    assert_int_equal(loam_lock_all(LOAM_LOCK_NOW | 8), -EINVAL);
    assert_int_equal(locked_pages(), 0);
}

static int is_locked(void *start)
{
    size_t locked = 0;

    REQUIRE(loam_locked_in(start, PAGE, &locked) == 0);
    return locked == PAGE;
}

static void lock_all_now(void *unused)
{
    char *before = map(1);

    (void)unused;
    REQUIRE(loam_lock_all(LOAM_LOCK_NOW) == 0);
    char *after = map(1);
    REQUIRE(is_locked(before) && !is_locked(after));
    REQUIRE(loam_unlock_all() == 0);
    REQUIRE(locked_pages() == 0);
}

static void lock_the_future(void *unused)
{
    char *before = map(1);

    (void)unused;
    REQUIRE(loam_lock_all(LOAM_LOCK_FUTURE) == 0);
    char *after = map(1);
    REQUIRE(!is_locked(before) && is_locked(after));
    REQUIRE(loam_lock_all(LOAM_LOCK_FUTURE | LOAM_LOCK_ON_FAULT) == 0);
    after = map(1);
    REQUIRE(!is_locked(after));
    *after = 1;
    REQUIRE(is_locked(after));
}

static void lock_all_and_ranges(void *unused)
{
    char *kept = map(1), *ended = map(1);

    (void)unused;
    REQUIRE(loam_lock(kept, PAGE) == 0);
    REQUIRE(loam_lock(ended, PAGE) == 0);
    REQUIRE(loam_lock_all(LOAM_LOCK_NOW) == 0);
    REQUIRE(loam_unlock(ended, PAGE) == 0);
    REQUIRE(is_locked(ended));
    REQUIRE(loam_unlock_all() == 0);
    REQUIRE(locked_pages() == 1 && is_locked(kept));
    REQUIRE(loam_unlock(kept, PAGE) == 0);
    REQUIRE(locked_pages() == 0);
}

static void prepare(void *unused)
{
    char *before = map(1);

    (void)unused;
    REQUIRE(loam_lock_prepare(0, 0) == 0);
    char *after = map(1);
    REQUIRE(is_locked(before) && is_locked(after));
}

static void test_a_prepared_program_is_locked_now_and_in_future(void **state)
{
    (void)state;
    if (!may_lock_all())
        skip();
    assert_child_succeeds(prepare, NULL);
}

static void test_all_that_is_mapped_now(void **state)
{
    (void)state;
    if (!may_lock_all())
        skip();
    assert_child_succeeds(lock_all_now, NULL);
}

static void test_all_that_will_be_mapped(void **state)
{
    (void)state;
    if (!may_lock_all())
        skip();
    assert_child_succeeds(lock_the_future, NULL);
}

static void test_ranges_outlive_the_lock_of_all(void **state)
{
    (void)state;
    if (!may_lock_all())
        skip();
    assert_child_succeeds(lock_all_and_ranges, NULL);
}

/* --- no faults --- */

static void test_a_stack_or_heap_that_cannot_be_had(void **state)
{
    (void)state;
    assert_int_equal(loam_lock_prepare(0, SIZE_MAX / 2), -ERANGE);
    assert_int_equal(loam_lock_prepare(0, (size_t)1 << 40), -ERANGE);
    if (!SANITIZED)
        assert_int_equal(loam_lock_prepare(PTRDIFF_MAX, 0), -ENOMEM);
    assert_int_equal(locked_pages(), 0);
}

static void *prepare_in_vain(void *unused)
{
    (void)unused;
    return (void *)(intptr_t)loam_lock_prepare(0, 0);
}

static void test_a_stack_that_is_too_small_for_any(void **state)
{
    pthread_attr_t attributes;
    pthread_t thread;
    void *error;

    (void)state;
    if (SANITIZED)
        skip(); /* they take more */
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstacksize(&attributes, 16384), 0);
    assert_int_equal(pthread_create(&thread, &attributes, prepare_in_vain, NULL), 0);
    assert_int_equal(pthread_join(thread, &error), 0);
    assert_int_equal((intptr_t)error, -ERANGE);
    pthread_attr_destroy(&attributes);
}

enum { HEAP = 32 * MIB, STACK = 512 * KIB, DATA = 2 * MIB, PIECES = 2000 };

/* What the child that works and its parent, which takes memory away, share. */
struct session {
    atomic_int turn; /* even: the child works; odd: the parent takes */
    int lock;        /* the child locks its memory */
    int file;        /* of DATA bytes */
    int ended;
    long minor, major; /* faults of the child, after its start */
    long absent;       /* pages of the file that were found to have been taken */
};

/* Write to so much stack below here. */
static __attribute__((noinline)) void use_stack(size_t size)
{
    volatile char *stack = alloca(size);

    for (size_t i = 0; i < size; i += 1024)
        stack[size - 1 - i] = 1;
}

static void use_heap(char *pieces[PIECES], unsigned *seed)
{
    for (size_t i = 0; i < PIECES; i++) {
        size_t size = 1 + (size_t)rand_r(seed) % (i % 100 ? 4000 : 200000);
        pieces[i] = malloc(size);
        REQUIRE(pieces[i] != NULL);
        memset(pieces[i], 1, size);
    }
    for (size_t i = 0; i < PIECES; i++)
        free(pieces[i]);
}

static long count_absent(void *data)
{
    unsigned char there[DATA / 4096];
    long absent = 0;

    REQUIRE(mincore(data, DATA, there) == 0);
    for (size_t i = 0; i < DATA / PAGE; i++)
        absent += !(there[i] & 1);
    return absent;
}

static unsigned use_data(const unsigned char *data)
{
    unsigned sum = 0;

    for (size_t i = 0; i < DATA; i += 512)
        sum += data[i];
    return sum;
}

static pthread_barrier_t barrier;

/* As often as the main thread lets it, which waits meanwhile. */
static void *work_beside(void *unused)
{
    static char *pieces[PIECES];
    unsigned seed = 2;

    (void)unused;
    for (int round = 0; round <= ROUNDS; round++) {
        pthread_barrier_wait(&barrier);
        use_heap(pieces, &seed);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

static void let_work_beside(void)
{
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
}

static void work(void *argument)
{
    static char *pieces[PIECES];
    struct session *session = argument;
    pthread_t beside;
    unsigned char *data = mmap(NULL, DATA, PROT_READ, MAP_PRIVATE, session->file, 0);
    struct rusage before, after;
    unsigned seed = 1, sum = 0;

    REQUIRE(data != MAP_FAILED);
    sum += use_data(data);
    pthread_barrier_init(&barrier, NULL, 2);
    REQUIRE(!session->lock || loam_lock_prepare(HEAP, STACK) == 0);
    REQUIRE(pthread_create(&beside, NULL, work_beside, NULL) == 0);
    let_work_beside();
    getrusage(RUSAGE_SELF, &before);
    for (int round = 0; round < ROUNDS; round++) {
        session->absent += count_absent(data);
        sum += use_data(data);
        let_work_beside();
        use_heap(pieces, &seed);
        use_stack(STACK);
        session->turn++;
        while (session->turn % 2)
            sched_yield();
    }
    getrusage(RUSAGE_SELF, &after);
    session->minor = after.ru_minflt - before.ru_minflt;
    session->major = after.ru_majflt - before.ru_majflt;
    session->ended = 1;
    REQUIRE(sum == 0);
}

/* Have the kernel take what it can of each mapping, as it would for want of memory. */
static void take_memory(pid_t pid)
{
    char path[64], line[512];
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "r");

    while (maps && fgets(line, sizeof(line), maps)) {
        uintptr_t start, end;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &start, &end) != 2)
            continue;
        struct iovec range = {.iov_base = (void *)start, .iov_len = end - start};
        syscall(SYS_process_madvise, pidfd, &range, 1, MADV_PAGEOUT, 0);
    }
    if (maps)
        fclose(maps);
    close(pidfd);
}

/* A file of zeroes, on the disk if the directory is: those of tmpfs are in swap or nowhere else. */
static int make_file(void)
{
    static const char zeroes[DATA];
    char name[] = "lock-XXXXXX";
    int file = mkstemp(name);

    if (file < 0)
        return -1;
    unlink(name);
    if (write(file, zeroes, DATA) != DATA || fsync(file) < 0) {
        close(file);
        return -1;
    }
    return file;
}

static void press(struct session *session)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(60);
        work(session);
        _exit(0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        while (session->turn % 2 == 0 && !waitpid(pid, &status, WNOHANG))
            sched_yield();
        take_memory(pid);
        session->turn++;
    }
    waitpid(pid, &status, 0);
    assert_true(session->ended);
}

static void check_faults(int locked)
{
    struct session *session = mmap(NULL, sizeof(*session), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int file = make_file();

    if (!may_lock_all() || file < 0)
        skip();
    *session = (struct session){.lock = locked, .file = file};
    press(session);
    printf("%s: %ld minor faults, %ld major, after start; %ld pages of the file were taken\n",
           locked ? "locked" : "unlocked", session->minor, session->major, session->absent);
    if (locked) {
        assert_int_equal(session->minor, 0);
        assert_int_equal(session->major, 0);
        assert_int_equal(session->absent, 0);
    } else {
        assert_true(session->minor > 0);
        assert_true(session->major > 0 || !session->absent);
    }
    close(file);
    munmap(session, sizeof(*session));
}

static void test_a_program_that_is_not_locked_has_faults(void **state)
{
    (void)state;
    check_faults(0);
}

static void test_a_prepared_program_has_no_faults(void **state)
{
    (void)state;
    check_faults(1);
}

/* --- failures --- */

static void test_a_failure_of_the_kernel_is_returned(void **state)
{
    char *start = map(2);
    size_t locked = 7;

    (void)state;
    if (!injects())
        skip();
    fail_always("mlock2", -EAGAIN);
    assert_int_equal(loam_lock(start, PAGE), -EAGAIN);
    fail_always("mlockall", -ENOMEM);
    assert_int_equal(loam_lock_all(LOAM_LOCK_NOW), -ENOMEM);
    assert_int_equal(loam_lock_prepare(1000, 1000), -ENOMEM);
    fail_always("munlockall", -EPERM);
    assert_int_equal(loam_unlock_all(), -EPERM);
    fail_always("openat", -EMFILE);
    assert_int_equal(loam_locked_in(start, PAGE, &locked), -EMFILE);
    assert_int_equal(loam_locked_walk(stop_at, NULL), -EMFILE);
    assert_true(loam_locked_bytes() == UINT64_MAX);
    fail_always("read", -EIO);
    assert_int_equal(loam_locked_in(start, PAGE, &locked), -EIO);
    assert_int_equal(loam_locked_walk(stop_at, NULL), -EIO);
    assert_true(loam_locked_bytes() == UINT64_MAX);
    fail_no_more();
    assert_int_equal(loam_lock(start, PAGE), 0);
    fail_always("mincore", -EAGAIN);
    assert_int_equal(loam_locked_in(start, PAGE, &locked), -EAGAIN);
    fail_no_more();
    assert_int_equal(locked, 7);
    assert_int_equal(locked_pages(), 1);
    assert_int_equal(loam_unlock(start, PAGE), 0);
    unmap(start, 2);
}

static void test_an_unlock_that_fails_has_ended_the_lock(void **state)
{
    char *start = map(1);

    (void)state;
    if (!injects())
        skip();
    assert_int_equal(loam_lock(start, PAGE), 0);
    fail_always("munlock", -ENOMEM);
    assert_int_equal(loam_unlock(start, PAGE), -ENOMEM);
    fail_no_more();
    assert_int_equal(loam_unlock(start, PAGE), -EINVAL);
    unmap(start, 1);
}

/* In a child, whose list is new or has any length. */
static void lock_until_the_list_is_full(void *unused)
{
    enum { MANY = 5000 };
    char *start = map(MANY);
    size_t done = 0;

    (void)unused;
    fail_always("mremap", -ENOMEM);
    while (done < MANY && loam_lock(start + done * PAGE, PAGE) == 0)
        done++;
    REQUIRE(done < MANY);
    REQUIRE(loam_lock(start + done * PAGE, PAGE) == -ENOMEM);
    REQUIRE(locked_pages() == done);
    fail_no_more();
    REQUIRE(loam_lock(start + done * PAGE, PAGE) == 0);
    for (size_t i = 0; i <= done; i++)
        REQUIRE(loam_unlock(start + i * PAGE, PAGE) == 0);
    REQUIRE(locked_pages() == 0);
}

static void test_a_list_that_cannot_grow_is_enomem(void **state)
{
    (void)state;
    if (!injects())
        skip();
    assert_child_succeeds(lock_until_the_list_is_full, NULL);
}

/* The first of all: the list has no memory yet. */
static void test_a_list_that_cannot_begin_is_enomem(void **state)
{
    char *start = map(1);

    (void)state;
    if (!injects())
        skip();
    fail_always("mmap", -ENOMEM);
    assert_int_equal(loam_lock(start, PAGE), -ENOMEM);
    fail_no_more();
    assert_int_equal(locked_pages(), 0);
    unmap(start, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_that_cannot_begin_is_enomem),
        cmocka_unit_test(test_locked_pages_are_in_memory),
        cmocka_unit_test(test_a_range_is_the_pages_around_it),
        cmocka_unit_test(test_what_is_no_range_is_einval),
        cmocka_unit_test(test_only_what_was_locked_is_unlocked),
        cmocka_unit_test(test_locks_are_counted),
        cmocka_unit_test(test_a_page_of_two_ranges_stays_until_both_end),
        cmocka_unit_test(test_what_cannot_be_locked_leaves_the_rest_as_it_was),
        cmocka_unit_test(test_memory_that_is_gone_is_told_and_forgotten),
        cmocka_unit_test(test_many_ranges),
        cmocka_unit_test(test_ranges_at_random),
        cmocka_unit_test(test_threads_lock_the_same_pages),
        cmocka_unit_test(test_a_forked_child_has_no_locks),
        cmocka_unit_test(test_no_file_stays_open),
        cmocka_unit_test(test_bytes_are_the_kernels),
        cmocka_unit_test(test_locked_in_counts_bytes),
        cmocka_unit_test(test_locked_pages_that_are_not_there_do_not_count),
        cmocka_unit_test(test_a_walk_ends_when_it_is_told_to),
        cmocka_unit_test(test_no_more_is_locked_than_the_limit_allows),
        cmocka_unit_test(test_nothing_is_locked_where_the_limit_is_zero),
        cmocka_unit_test(test_all_is_more_than_a_small_limit),
        cmocka_unit_test(test_a_privileged_process_has_no_limit),
        cmocka_unit_test(test_unknown_flags_are_einval),
        cmocka_unit_test(test_all_that_is_mapped_now),
        cmocka_unit_test(test_all_that_will_be_mapped),
        cmocka_unit_test(test_a_prepared_program_is_locked_now_and_in_future),
        cmocka_unit_test(test_ranges_outlive_the_lock_of_all),
        cmocka_unit_test(test_a_stack_or_heap_that_cannot_be_had),
        cmocka_unit_test(test_a_stack_that_is_too_small_for_any),
        cmocka_unit_test(test_a_program_that_is_not_locked_has_faults),
        cmocka_unit_test(test_a_prepared_program_has_no_faults),
        cmocka_unit_test(test_a_failure_of_the_kernel_is_returned),
        cmocka_unit_test(test_an_unlock_that_fails_has_ended_the_lock),
        cmocka_unit_test(test_a_list_that_cannot_grow_is_enomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
