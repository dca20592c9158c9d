/*
 * secret_storm.c - signals that end a process while all its threads are at their secrets.
 *
 * Whenever it comes, the process ends by that signal in silence, no thread waits for ever, and no secret is left: not
 * one that was being made, moved, freed, opened or closed at that moment, nor one that a thread would have made since.
 * The memory is there to be looked at when the process has ended, as another one shares it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <loam/secret.h>

#include "child.h"
#include "look.h"
#include "seed.h"

enum { ROUNDS = 150, THREADS = 3, SECRETS = 8, LONGEST_US = 3000, ALARM = 60 };

static const int fatal[] = {SIGHUP, SIGINT, SIGQUIT, SIGABRT, SIGTERM, SIGSEGV, SIGBUS, SIGXCPU};

enum { FATAL = sizeof(fatal) / sizeof(fatal[0]) };

static uint64_t seed;
static uint64_t mark; /* what the secrets of a round are made of */

/* So that the two are side by side in secrets alone. */
static uint64_t half(uint64_t i)
{
    uint64_t state = mark + i;
    return seed_next(&state);
}

/* --- the process that is ended --- */

static const unsigned kinds[] = {0, LOAM_SECRET_ISOLATED, LOAM_SECRET_KEYS};

/* One thread's. */
struct owner {
    uint64_t state;
    struct loam_secret_group *group;
    void *secrets[SECRETS];
};

static void fill(void *secret)
{
    volatile uint64_t *words = secret;

    words[0] = half(0);
    words[1] = half(1);
}

static void replace(void **secret, void *by)
{
    if (by) {
        fill(by);
        *secret = by;
    }
}

/* What fails does so as all has been wiped. */
static void change(struct owner *own)
{
    void **secret = &own->secrets[seed_next(&own->state) % SECRETS];
    size_t size = 16 + seed_next(&own->state) % (seed_next(&own->state) % 8 ? 100 : 9000);

    switch (seed_next(&own->state) % 5) {
    case 0:
        loam_secret_free(*secret);
        *secret = NULL;
        break;
    case 1:
        loam_secret_access(own->group, LOAM_SECRET_NONE);
        loam_secret_check(own->group);
        loam_secret_access(own->group, LOAM_SECRET_READ_WRITE);
        break;
    default:
        if (*secret)
            replace(secret, loam_secret_realloc(*secret, size));
        else
            replace(secret, loam_secret_alloc(own->group, size));
    }
}

static void *go_on(void *argument)
{
    struct owner *own = argument;
    unsigned kind = kinds[seed_next(&own->state) % 3];

    own->group = loam_secret_group_create("storm", kind);
    if (!own->group)
        own->group = loam_secret_group_create("storm", 0);
    for (;;)
        change(own);
    return NULL;
}

static void be_ended(uint64_t state)
{
    static struct owner owners[THREADS];
    pthread_t thread;

    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    for (size_t i = 0; i < FATAL; i++)
        signal(fatal[i], SIG_DFL); /* the test runner has handlers */
    alarm(ALARM);
    for (int i = 0; i < THREADS; i++) {
        owners[i].state = seed_next(&state);
        REQUIRE(pthread_create(&thread, NULL, go_on, &owners[i]) == 0);
    }
    pid_t keeper = LOOK_CAN ? look_keep() : getpid();
    REQUIRE(keeper > 0 && write(STDOUT_FILENO, &keeper, sizeof(keeper)) == sizeof(keeper));
    for (;;)
        pause();
}

/* --- who ends it --- */

struct storm {
    pid_t child, keeper;
    int input, output;
};

static void start(struct storm *storm)
{
    int in[2], out[2];
    uint64_t state = seed_next(&seed);

    mark = seed_next(&seed);
    assert_int_equal(pipe(in) | pipe(out), 0);
    storm->child = fork();
    if (storm->child == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        dup2(out[1], STDERR_FILENO);
        close(in[1]);
        be_ended(state);
    }
    close(in[0]);
    close(out[1]);
    storm->input = in[1];
    storm->output = out[0];
    assert_int_equal(read(out[0], &storm->keeper, sizeof(storm->keeper)), sizeof(storm->keeper));
}

static void finish(const struct storm *storm)
{
    close(storm->input);
    close(storm->output);
}

static int a_fatal_signal(void)
{
    return fatal[seed_next(&seed) % FATAL];
}

/* How often a secret is left. */
static int survive(int first, int second, useconds_t after)
{
    struct storm storm;
    int status;

    start(&storm);
    usleep(after);
    kill(storm.child, first);
    kill(storm.child, second);
    assert_int_equal(waitpid(storm.child, &status, 0), storm.child);
    uint64_t needle[] = {half(0), half(1)};
    char text[512] = "";
    fcntl(storm.output, F_SETFL, O_NONBLOCK);
    bool silent = read(storm.output, text, sizeof(text) - 1) <= 0;
    int left = LOOK_CAN ? look_for(storm.keeper, needle, sizeof(needle)) : 0;
    finish(&storm);
    if (!silent || !WIFSIGNALED(status) || (WTERMSIG(status) != first && WTERMSIG(status) != second))
        fail_msg("signals %d and %d after %u us: it ended with status 0x%x: %s", first, second, after, (unsigned)status,
                 text);
    return left;
}

static void test_what_is_looked_for_is_there_where_nothing_wipes(void **state)
{
    (void)state;
    int left = survive(SIGKILL, SIGKILL, 20 * LONGEST_US);
    if (!LOOK_CAN || left < 0)
        skip();
    assert_in_range(left, 1, THREADS * SECRETS);
}

static void test_signals_leave_nothing_behind(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        int first = a_fatal_signal(), second = seed_next(&seed) % 2 ? first : a_fatal_signal();
        useconds_t after = (useconds_t)(seed_next(&seed) % LONGEST_US);
        int left = survive(first, second, after);
        if (left > 0)
            fail_msg("signals %d and %d after %u us: %d secrets are left", first, second, after, left);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_looked_for_is_there_where_nothing_wipes),
        cmocka_unit_test(test_signals_leave_nothing_behind),
    };

    seed = seed_take();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
