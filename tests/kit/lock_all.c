/* lock_all.c - the contract of loam/lock.h: the whole process, and that it has no page faults. */
#include <alloca.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include <loam/lock.h>

#include "child.h"
#include "kit.h"
#include "locked.h"
#include "sanitized.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

enum { ROUNDS = 12 };

/* --- the whole process --- */

/* What a sanitizer has mlockall(2) would bring into memory. */
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
    REQUIRE(loam_lock_all(LOAM_LOCK_NOW) == 0);
    REQUIRE(is_locked(before) && !is_locked(map(1)));
    REQUIRE(loam_lock_all(LOAM_LOCK_FUTURE) == 0);
    REQUIRE(is_locked(before) && is_locked(map(1)));
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
    enum { SMALL = 16384 };
    pthread_attr_t attributes;
    pthread_t thread;
    char *stack = map(SMALL / PAGE);
    void *error;

    (void)state;
    pthread_attr_init(&attributes);
    if (SANITIZED || pthread_attr_setstack(&attributes, stack, SMALL) != 0)
        skip(); /* threads take more, as on aarch64 */
    assert_int_equal(pthread_create(&thread, &attributes, prepare_in_vain, NULL), 0);
    assert_int_equal(pthread_join(thread, &error), 0);
    assert_int_equal((intptr_t)error, -ERANGE);
    pthread_attr_destroy(&attributes);
    unmap(stack, SMALL / PAGE);
}

static void prepare_the_first_stack(void *unused)
{
    (void)unused;
    REQUIRE(setrlimit(RLIMIT_STACK, &(struct rlimit){2 * MIB, 2 * MIB}) == 0);
    REQUIRE(loam_lock_prepare(0, 2 * MIB) == -ERANGE);
    REQUIRE(loam_lock_prepare(0, MIB) == 0);
}

/* However much of it has been used. */
static void test_the_first_stack_reaches_to_its_limit(void **state)
{
    (void)state;
    if (!may_lock_all())
        skip();
    assert_child_succeeds(prepare_the_first_stack, NULL);
}

/* A stack for signals, as it might be a coroutine's, which lies above that of the thread. */
static volatile int result_elsewhere;

static void prepare_elsewhere(int number)
{
    (void)number;
    result_elsewhere = loam_lock_prepare(0, 200 * KIB);
}

static void *run_elsewhere(void *stack)
{
    stack_t elsewhere = {.ss_sp = stack, .ss_size = 64 * KIB}, before;
    struct sigaction action = {.sa_handler = prepare_elsewhere, .sa_flags = SA_ONSTACK}, old;

    REQUIRE(sigaltstack(&elsewhere, &before) == 0 && sigaction(SIGUSR1, &action, &old) == 0);
    raise(SIGUSR1);
    REQUIRE(sigaction(SIGUSR1, &old, NULL) == 0 && sigaltstack(&before, NULL) == 0);
    return NULL;
}

static void test_a_stack_that_is_not_the_threads(void **state)
{
    enum { THREAD = 256 * KIB };
    pthread_attr_t attributes;
    pthread_t thread;
    char *stacks = map((THREAD + 64 * KIB) / PAGE);

    (void)state;
    if (SANITIZED)
        skip();
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstack(&attributes, stacks, THREAD), 0);
    assert_int_equal(pthread_create(&thread, &attributes, run_elsewhere, stacks + THREAD), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(result_elsewhere, -ERANGE);
    pthread_attr_destroy(&attributes);
    unmap(stacks, (THREAD + 64 * KIB) / PAGE);
}

/* --- no faults --- */

/* musl's malloc(3) cannot be told to; what it asks the kernel for is there by then, but is counted as faults. */
#ifdef M_TRIM_THRESHOLD
enum { KEEPS_FREED = 1 };
#else
enum { KEEPS_FREED = 0 };
#endif

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
        assert_true(session->minor == 0 || !KEEPS_FREED);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_more_than_a_small_limit),
        cmocka_unit_test(test_unknown_flags_are_einval),
        cmocka_unit_test(test_all_that_is_mapped_now),
        cmocka_unit_test(test_all_that_will_be_mapped),
        cmocka_unit_test(test_a_prepared_program_is_locked_now_and_in_future),
        cmocka_unit_test(test_ranges_outlive_the_lock_of_all),
        cmocka_unit_test(test_a_stack_or_heap_that_cannot_be_had),
        cmocka_unit_test(test_a_stack_that_is_too_small_for_any),
        cmocka_unit_test(test_the_first_stack_reaches_to_its_limit),
        cmocka_unit_test(test_a_stack_that_is_not_the_threads),
        cmocka_unit_test(test_a_program_that_is_not_locked_has_faults),
        cmocka_unit_test(test_a_prepared_program_has_no_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
