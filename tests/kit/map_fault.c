/*
 * map_fault.c - the contract of loam/map.h where a page cannot be accessed: files that are shortened, and actions for
 * SIGBUS. map_disk.c has full disks.
 *
 * cmocka sets an action for SIGBUS of its own around each test, so what is guarded runs in children.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <loam/map.h>

#include "child.h"
#include "files.h"

enum { SIZE = 100000, ROUNDS = 20000 };

static size_t page;

/* Each test runs in a child, with a file of SIZE known bytes. */
static struct loam_map open_map(const struct files *files, unsigned flags)
{
    struct loam_map map;

    REQUIRE(loam_map_open(files->path, flags, &map) == 0);
    return map;
}

static void cut(const struct files *files, uint64_t size)
{
    REQUIRE(truncate(files->path, (off_t)size) == 0);
}

/* --- accessors --- */

static void copies(void *argument)
{
    const struct files *files = argument;
    struct loam_map map = open_map(files, LOAM_MAP_WRITE);
    unsigned char bytes[30000];
    size_t done = 7;

    REQUIRE(loam_map_read(&map, 12345, bytes, sizeof(bytes), &done) == 0);
    REQUIRE(done == sizeof(bytes) && files_differ(bytes, 12345, sizeof(bytes)) == 0);
    memset(bytes, 9, sizeof(bytes));
    REQUIRE(loam_map_write(&map, 12345, bytes, sizeof(bytes), &done) == 0);
    REQUIRE(done == sizeof(bytes) && memcmp((char *)map.data + 12345, bytes, sizeof(bytes)) == 0);
    REQUIRE(files_differ(map.data, 0, 12345) == 0);
    REQUIRE(files_differ((char *)map.data + 42345, 42345, SIZE - 42345) == 0);
    REQUIRE(loam_map_read(&map, SIZE, bytes, 0, NULL) == 0);
    REQUIRE(loam_map_read(&map, SIZE, bytes, 1, NULL) == -EINVAL);
    REQUIRE(loam_map_write(&map, 1, bytes, SIZE_MAX, NULL) == -EINVAL);
}

static void reads_what_is_left(void *argument)
{
    const struct files *files = argument;
    struct loam_map map = open_map(files, LOAM_MAP_READ);
    unsigned char bytes[SIZE];
    size_t done = 0;

    cut(files, 2 * page);
    REQUIRE(loam_map_read(&map, 5, bytes, SIZE - 5, &done) == -ENXIO);
    REQUIRE(done == 2 * page - 5 && files_differ(bytes, 5, done) == 0);
    REQUIRE(loam_map_read(&map, 0, bytes, 2 * page, &done) == 0 && done == 2 * page);
    REQUIRE(loam_map_read(&map, SIZE - 1, bytes, 1, &done) == -ENXIO && done == 0);
    REQUIRE(loam_map_check(&map) == -ENXIO);
    REQUIRE(loam_map_prefault(&map, 0, SIZE) == -ENXIO);
    REQUIRE(loam_map_prefault(&map, 0, 100) == 0);
}

static void writes_what_is_left(void *argument)
{
    const struct files *files = argument;
    struct loam_map map = open_map(files, LOAM_MAP_WRITE);
    char bytes[SIZE] = "", now[2];
    size_t done = 0;

    cut(files, 2 * page);
    REQUIRE(loam_map_write(&map, 5, bytes, SIZE - 5, &done) == -ENXIO);
    REQUIRE(done == 2 * page - 5);
    REQUIRE(files_size(files) == (int64_t)(2 * page));
    files_read(files, 2 * page - 2, now, 2);
    REQUIRE(now[0] == 0 && now[1] == 0);
    REQUIRE(loam_map_resize(&map, SIZE) == 0);
    REQUIRE(loam_map_write(&map, 5, bytes, SIZE - 5, &done) == 0);
}

/* The page that the file ends in can be stored to, in vain. */
static void notices_stores_to_nothing(void *argument)
{
    const struct files *files = argument;
    struct loam_map map = open_map(files, LOAM_MAP_WRITE);

    REQUIRE(loam_map_check(&map) == 0);
    cut(files, SIZE - 1);
    REQUIRE(loam_map_write(&map, SIZE - 1, "x", 1, NULL) == 0);
    REQUIRE(loam_map_check(&map) == -ENXIO);
    for (int i = LOAM_MAP_SYNC_START; i <= LOAM_MAP_SYNC_ENTRY; i++)
        REQUIRE(loam_map_sync(&map, 0, SIZE, i) == -ENXIO);
    REQUIRE(loam_map_sync(&map, 0, SIZE - 1, LOAM_MAP_SYNC_DATA) == 0);
    REQUIRE(loam_map_window(&map, 0, LOAM_MAP_TO_END) == 0);
    REQUIRE(loam_map_check(&map) == 0);
}

static void copies_of_a_shortened_file_fail_too(void *argument)
{
    const struct files *files = argument;
    struct loam_map map = open_map(files, LOAM_MAP_COPY);
    char bytes[2];

    REQUIRE(loam_map_write(&map, 0, "ab", 2, NULL) == 0);
    cut(files, page);
    REQUIRE(loam_map_read(&map, 0, bytes, 2, NULL) == 0 && memcmp(bytes, "ab", 2) == 0);
    REQUIRE(loam_map_write(&map, 2 * page, "ab", 2, NULL) == -ENXIO);
}

/* --- try --- */

struct attempt {
    const struct files *files;
    struct loam_map *map, *other;
    int reached, inner;
};

static int fault_in(void *argument)
{
    struct attempt *attempt = argument;

    attempt->reached = 1;
    cut(attempt->files, page);
    int value = ((volatile unsigned char *)attempt->map->data)[2 * page];
    attempt->reached = 2;
    return value;
}

static int return_seven(void *argument)
{
    (void)argument;
    return 7;
}

static void leaves_body_at_the_fault(void *argument)
{
    sigset_t mask;

    const struct files *files = argument;
    struct loam_map map = open_map(files, LOAM_MAP_READ);
    struct attempt attempt = {files, &map, NULL, 0, 0};
    int result = 0;

    REQUIRE(loam_map_try(&map, return_seven, NULL, &result) == 0 && result == 7);
    REQUIRE(loam_map_try(&map, return_seven, NULL, NULL) == 0);
    for (int i = 0; i < 3; i++) {
        REQUIRE(loam_map_try(&map, fault_in, &attempt, &result) == -ENXIO);
        REQUIRE(attempt.reached == 1 && result == 7);
        REQUIRE(sigprocmask(SIG_SETMASK, NULL, &mask) == 0 && !sigismember(&mask, SIGBUS));
    }
}

static int try_inner(void *argument)
{
    struct attempt *attempt = argument;
    unsigned char byte;

    attempt->inner = loam_map_try(attempt->map, fault_in, attempt, NULL);
    REQUIRE(loam_map_read(attempt->other, 0, &byte, 1, NULL) == 0);
    return fault_in(attempt);
}

static void nests(void *argument)
{
    const struct files *files = argument;
    struct loam_map map = open_map(files, LOAM_MAP_READ), other = open_map(files, LOAM_MAP_READ);
    struct attempt attempt = {files, &map, &other, 0, 0};

    REQUIRE(loam_map_try(&map, try_inner, &attempt, NULL) == -ENXIO);
    REQUIRE(attempt.inner == -ENXIO);
}

static int try_other(void *argument)
{
    struct attempt *attempt = argument;

    attempt->inner = loam_map_try(attempt->other, fault_in, attempt, NULL);
    return 0;
}

/* The inner try is of a map that does not fault: the outer one is left. */
static void a_fault_belongs_to_its_own_map(void *argument)
{
    const struct files *files = argument;
    struct loam_map map = open_map(files, LOAM_MAP_READ), other = open_map(files, LOAM_MAP_READ);
    struct attempt attempt = {files, &map, &other, 0, 1};

    REQUIRE(loam_map_try(&map, try_other, &attempt, NULL) == -ENXIO);
    REQUIRE(attempt.inner == 1);
    REQUIRE(loam_map_try(&map, return_seven, NULL, NULL) == 0);
}

/* Which the kernel takes off while an action uses it, for actions that never return. */
static void keeps_the_stack_for_signals(void *argument)
{
    const struct files *files = argument;
    struct loam_map map = open_map(files, LOAM_MAP_READ);
    static char room[1 << 16];
    stack_t stack = {.ss_sp = room, .ss_size = sizeof(room)}, now;
    char byte;

    for (int i = 0; i < 2; i++) {
        stack.ss_flags = i ? (int)(1u << 31) : 0; /* SS_AUTODISARM, which the C library does not name */
        REQUIRE(sigaltstack(&stack, NULL) == 0);
        cut(files, page);
        for (int j = 0; j < 3; j++)
            REQUIRE(loam_map_read(&map, 2 * page, &byte, 1, NULL) == -ENXIO);
        REQUIRE(sigaltstack(NULL, &now) == 0);
        REQUIRE(now.ss_sp == room && now.ss_size == sizeof(room) && now.ss_flags == stack.ss_flags);
    }
}

static void *access_many_times(void *argument)
{
    struct attempt *attempt = argument;
    char bytes[100];

    for (int i = 0; i < ROUNDS; i++) {
        int error = loam_map_read(attempt->map, 5 * page, bytes, sizeof(bytes), NULL);
        if (error != 0 && error != -ENXIO && error != -EIO) /* EIO: long enough again */
            return argument;
        attempt->reached += error != 0;
    }
    return NULL;
}

static void threads_are_guarded_each(void *argument)
{
    const struct files *files = argument;
    struct loam_map map = open_map(files, LOAM_MAP_READ);
    struct attempt attempts[3];
    pthread_t threads[3];

    for (int i = 0; i < 3; i++) {
        attempts[i] = (struct attempt){files, &map, NULL, 0, 0};
        REQUIRE(pthread_create(&threads[i], NULL, access_many_times, &attempts[i]) == 0);
    }
    for (int i = 0; i < 1000; i++)
        cut(files, i % 2 ? SIZE : page);
    cut(files, page);
    for (int i = 0; i < 3; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        REQUIRE(failed == NULL);
    }
    REQUIRE(loam_map_read(&map, 5 * page, attempts, 1, NULL) == -ENXIO);
}

/* --- what is not guarded --- */

static void fault_unguarded(const struct files *files)
{
    struct loam_map map = open_map(files, LOAM_MAP_READ);

    REQUIRE(loam_map_try(&map, return_seven, NULL, NULL) == 0);
    cut(files, page);
    (void)((volatile char *)map.data)[2 * page];
}

static void dies_of_its_own_fault(void *argument)
{
    fault_unguarded(argument);
}

static void dies_though_it_ignores_faults(void *argument)
{
    signal(SIGBUS, SIG_IGN);
    fault_unguarded(argument);
}

static void dies_of_kill(void *argument)
{
    (void)argument;
    struct loam_map map = {0};

    REQUIRE(loam_map_try(&map, return_seven, NULL, NULL) == 0);
    kill(getpid(), SIGBUS);
    pause();
}

/* As the kernel tells early of memory that has failed, which nobody has accessed. */
static void send_failed_memory(void)
{
    siginfo_t info = {.si_signo = SIGBUS, .si_code = BUS_MCEERR_AO};
    struct loam_map map = {0};

    REQUIRE(loam_map_try(&map, return_seven, NULL, NULL) == 0);
    REQUIRE(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGBUS, &info) == 0);
}

static void dies_of_failed_memory(void *argument)
{
    (void)argument;
    send_failed_memory();
}

static void ignores_failed_memory_as_before(void *argument)
{
    const struct files *files = argument;
    struct loam_map map = open_map(files, LOAM_MAP_READ);
    char byte;

    signal(SIGBUS, SIG_IGN);
    send_failed_memory();
    cut(files, page);
    REQUIRE(loam_map_read(&map, 2 * page, &byte, 1, NULL) == -ENXIO);
}

static void leave(int signal)
{
    sigset_t mask;

    sigprocmask(SIG_SETMASK, NULL, &mask);
    _exit(sigismember(&mask, signal) && sigismember(&mask, SIGUSR1) ? 42 : 43);
}

static void leave_with_info(int signal, siginfo_t *info, void *context)
{
    _exit(signal == SIGBUS && info->si_code > 0 && info->si_addr && context ? 42 : 43);
}

static void calls_the_action_before(void *argument)
{
    struct sigaction before = {.sa_handler = leave};

    sigaddset(&before.sa_mask, SIGUSR1);
    sigaction(SIGBUS, &before, NULL);
    fault_unguarded(argument);
}

static void calls_the_action_before_with_information(void *argument)
{
    sigaction(SIGBUS, &(struct sigaction){.sa_sigaction = leave_with_info, .sa_flags = SA_SIGINFO}, NULL);
    fault_unguarded(argument);
}

static void return_at_once(int signal)
{
    (void)signal;
}

/* It returns to the fault, which is then the default's. */
static void resets_an_action_that_is_for_once(void *argument)
{
    sigaction(SIGBUS, &(struct sigaction){.sa_handler = return_at_once, .sa_flags = SA_RESETHAND}, NULL);
    fault_unguarded(argument);
}

static void ignores_kill_as_before(void *argument)
{
    (void)argument;
    struct loam_map map = {0};

    signal(SIGBUS, SIG_IGN);
    REQUIRE(loam_map_try(&map, return_seven, NULL, NULL) == 0);
    kill(getpid(), SIGBUS);
}

static void ask_loam(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    loam_map_fault(info->si_addr, context);
    _exit(42);
}

static void a_later_action_may_ask(void *argument)
{
    const struct files *files = argument;
    struct loam_map map = open_map(files, LOAM_MAP_READ);
    char byte;

    REQUIRE(loam_map_try(&map, return_seven, NULL, NULL) == 0);
    sigaction(SIGBUS, &(struct sigaction){.sa_sigaction = ask_loam, .sa_flags = SA_SIGINFO}, NULL);
    cut(files, page);
    for (int i = 0; i < 3; i++)
        REQUIRE(loam_map_read(&map, 2 * page, &byte, 1, NULL) == -ENXIO);
    (void)((volatile char *)map.data)[2 * page];
}

/* --- the tests --- */

/* What a child does with the file, and how it ends. */
struct expected {
    void (*body)(void *files);
    int signal; /* 0: it exits */
    int status;
};

struct context {
    struct files *files;
    const struct expected *expected;
};

static int set_up(void **state)
{
    struct context *context = malloc(sizeof(*context));

    page = (size_t)sysconf(_SC_PAGESIZE);
    *context = (struct context){files_new("/tmp"), *state};
    files_write(context->files, SIZE);
    *state = context;
    return 0;
}

static int tear_down(void **state)
{
    struct context *context = *state;

    files_delete(context->files);
    free(context);
    return 0;
}

static void run_in_child(void **state)
{
    const struct context *context = *state;
    const struct expected *expected = context->expected;
    struct outcome outcome;

    child_run(expected->body, context->files, &outcome);
    int signal = WIFSIGNALED(outcome.status) ? WTERMSIG(outcome.status) : 0;
    if (signal != expected->signal || (!signal && WEXITSTATUS(outcome.status) != expected->status))
        fail_msg("the child ended with status 0x%x, saying: %s", (unsigned)outcome.status, outcome.text);
}

#define CHILD(body, ...)                                                                                               \
    {                                                                                                                  \
#body, run_in_child, set_up, tear_down, &(struct expected)                                                     \
        {                                                                                                              \
            body, __VA_ARGS__                                                                                          \
        }                                                                                                              \
    }
#define SUCCEEDS(body)      CHILD(body, 0, 0)
#define EXITS(body, status) CHILD(body, 0, status)
#define DIES(body)          CHILD(body, SIGBUS, 0)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUCCEEDS(copies),
        SUCCEEDS(reads_what_is_left),
        SUCCEEDS(writes_what_is_left),
        SUCCEEDS(notices_stores_to_nothing),
        SUCCEEDS(copies_of_a_shortened_file_fail_too),
        SUCCEEDS(leaves_body_at_the_fault),
        SUCCEEDS(nests),
        SUCCEEDS(a_fault_belongs_to_its_own_map),
        SUCCEEDS(keeps_the_stack_for_signals),
        SUCCEEDS(threads_are_guarded_each),
        DIES(dies_of_its_own_fault),
        DIES(dies_though_it_ignores_faults),
        DIES(dies_of_kill),
        DIES(dies_of_failed_memory),
        SUCCEEDS(ignores_failed_memory_as_before),
        EXITS(calls_the_action_before, 42),
        EXITS(calls_the_action_before_with_information, 42),
        DIES(resets_an_action_that_is_for_once),
        SUCCEEDS(ignores_kill_as_before),
        EXITS(a_later_action_may_ask, 42),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
