/*
 * secret_outside.c - what other processes can see of secrets: in /proc/PID/mem, in a core file, in a forked child, and
 * when the process has ended.
 *
 * The program starts itself as the one that is looked at. That one makes its secret of a seed, word by word, so that no
 * copy of it is anywhere else. When it has ended, its memory is still there, as a process that shares it
 * goes on: what this one has is what was not wiped.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <loam/secret.h>

#include "child.h"
#include "look.h"
#include "seed.h"

enum { KEY = 32, LARGE = 100000, NEEDLE = 16 };

static uint64_t word(uint64_t seed, uint64_t i)
{
    seed += i * 0x9e3779b97f4a7c15;
    return seed_next(&seed);
}

/* --- the process that is looked at --- */

static void fill(void *secret, uint64_t seed)
{
    volatile uint64_t *words = secret;

    for (uint64_t i = 0; i < KEY / 8; i++)
        words[i] = word(seed, i);
}

static void *new_secret(struct loam_secret_group *group, size_t size, uint64_t seed)
{
    void *secret = loam_secret_alloc(group, size);

    REQUIRE(secret != NULL);
    fill(secret, seed);
    return secret;
}

static void tell(pid_t pid)
{
    dprintf(STDOUT_FILENO, "%d\n", (int)pid);
}

/* End by a signal; by exit(3) for 0. */
static void end_by(int number)
{
    tell(look_keep());
    if (number == 0)
        exit(0);
    raise(number);
}

/* Nobody reads the report: who writes it waits for ever. */
static void fault_unread(struct loam_secret_group *group, volatile char *secret)
{
    static char block[4096];
    int ends[2];

    loam_secret_access(group, LOAM_SECRET_NONE);
    REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
    while (write(ends[1], block, sizeof(block)) > 0)
        continue;
    REQUIRE(fcntl(ends[1], F_SETFL, 0) == 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    tell(getpid());
    secret[0]++;
}

static void end_by_fault(struct loam_secret_group *group, volatile char *secret)
{
    loam_secret_access(group, LOAM_SECRET_NONE);
    tell(look_keep());
    secret[0]++;
}

static void be_looked_at(const char *scene, uint64_t seed)
{
    unsigned flags = strncmp(scene, "hidden", 6) == 0     ? LOAM_SECRET_HIDDEN
                     : strncmp(scene, "keyed", 5) == 0    ? LOAM_SECRET_KEYS
                     : strncmp(scene, "isolated", 8) == 0 ? LOAM_SECRET_ISOLATED
                                                          : 0;
    const char *what = strchr(scene, ' ') + 1;
    struct loam_secret_group *group = loam_secret_group_create("keys", flags);

    REQUIRE(group != NULL);
    if (strcmp(what, "plain") == 0)
        fill(malloc(KEY), seed);
    else {
        void *neighbour = loam_secret_alloc(group, KEY);
        void *secret = new_secret(group, strcmp(what, "large freed") == 0 ? LARGE : KEY, seed);

        if (strcmp(what, "closed") == 0)
            loam_secret_access(group, LOAM_SECRET_NONE);
        else if (strcmp(what, "freed") == 0 || strcmp(what, "large freed") == 0)
            loam_secret_free(secret);
        else if (strcmp(what, "closed freed") == 0) {
            loam_secret_access(group, LOAM_SECRET_NONE);
            loam_secret_free(secret);
        } else if (strcmp(what, "moved") == 0)
            loam_secret_realloc(secret, 20000);
        else if (strcmp(what, "destroyed") == 0)
            loam_secret_group_destroy(group);
        else if (strcmp(what, "wiped") == 0)
            loam_secret_wipe_all();
        else if (strcmp(what, "unread") == 0)
            fault_unread(group, neighbour);
        else if (strcmp(what, "fault") == 0)
            end_by_fault(group, neighbour);
        else if (strncmp(what, "end ", 4) == 0)
            end_by(atoi(what + 4));
    }
    tell(getpid());
    look_wait();
}

/* --- looking --- */

struct scene {
    uint64_t seed;
    pid_t child, shown; /* the process started, and the one to look at */
    int input, output;
};

static void start(struct scene *scene, const char *name)
{
    if (!LOOK_CAN)
        skip();

    char seed[32], line[32] = "";
    int in[2], out[2];

    assert_int_equal(getrandom(&scene->seed, sizeof(scene->seed), 0), sizeof(scene->seed));
    snprintf(seed, sizeof(seed), "%" PRIu64, scene->seed);
    assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
    scene->child = fork();
    if (scene->child == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        execl("/proc/self/exe", "secret_outside", name, seed, NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    scene->input = in[1];
    scene->output = out[0];
    ssize_t n = read(out[0], line, sizeof(line) - 1);
    if (n <= 0)
        fail_msg("%s: it said nothing", name);
    scene->shown = atoi(line);
}

/* Returns the status that the process ended with. */
static int finish(struct scene *scene)
{
    int status = 0;

    close(scene->input);
    close(scene->output);
    waitpid(scene->child, &status, 0);
    return status;
}

/* How often the secret is in the process's memory; -1 if it may not be read. */
static int count_in_memory(const struct scene *scene)
{
    uint64_t needle[NEEDLE / 8] = {word(scene->seed, 0), word(scene->seed, 1)};
    return look_for(scene->shown, needle, NEEDLE);
}

static void assert_memory_has(const char *name, int expected)
{
    struct scene scene;

    start(&scene, name);
    int count = count_in_memory(&scene);
    finish(&scene);
    if (count < 0)
        skip();
    if (count != expected)
        fail_msg("%s: the secret is %d times in memory, expected %d times", name, count, expected);
}

static bool can_hide(unsigned flags)
{
    struct loam_secret_group *group = loam_secret_group_create("keys", flags);

    loam_secret_group_destroy(group);
    return group != NULL;
}

/* --- the tests --- */

/* What is looked for is found where it is. */
static void test_a_living_secret_is_there_once(void **state)
{
    (void)state;
    assert_memory_has("shared plain", 1);
    assert_memory_has("shared living", 1);
    assert_memory_has("isolated living", 1);
    assert_memory_has("shared closed", 1);
    assert_memory_has("shared moved", 1);
}

static void test_a_freed_secret_is_nowhere(void **state)
{
    (void)state;
    assert_memory_has("shared freed", 0);
    assert_memory_has("shared closed freed", 0);
    assert_memory_has("shared large freed", 0);
    assert_memory_has("isolated freed", 0);
    assert_memory_has("isolated closed freed", 0);
    assert_memory_has("shared destroyed", 0);
    assert_memory_has("shared wiped", 0);
    assert_memory_has("isolated wiped", 0);
}

static void test_a_hidden_secret_is_not_to_be_read(void **state)
{
    (void)state;
    if (!can_hide(LOAM_SECRET_HIDDEN))
        skip();
    assert_memory_has("hidden living", 0);
}

static int count_in_file(const char *path, uint64_t seed)
{
    uint64_t needle[NEEDLE / 8] = {word(seed, 0), word(seed, 1)};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    static unsigned char block[1 << 20];
    int count = 0;
    ssize_t n;

    assert_true(fd >= 0);
    for (off_t at = 0; (n = pread(fd, block, sizeof(block), at)) > NEEDLE; at += n - NEEDLE + 1)
        count += look_in(block, (size_t)n, needle, NEEDLE);
    close(fd);
    return count;
}

static int count_in_core(const char *name)
{
    char directory[] = "/tmp/loam-secret-XXXXXX", command[256], path[128];
    struct scene scene;

    assert_non_null(mkdtemp(directory));
    start(&scene, name);
    snprintf(command, sizeof(command), "timeout 100 gcore -o %s/core %d >/dev/null 2>&1", directory, (int)scene.shown);
    snprintf(path, sizeof(path), "%s/core.%d", directory, (int)scene.shown);
    int status = system(command), count = status == 0 ? count_in_file(path, scene.seed) : -1;
    finish(&scene);
    unlink(path);
    rmdir(directory);
    return count;
}

static void test_a_core_file_has_no_secret(void **state)
{
    (void)state;
    int plain = count_in_core("shared plain");
    if (plain < 0)
        skip(); /* no gdb, or it may not look */
    assert_int_equal(plain, 1);
    assert_int_equal(count_in_core("shared living"), 0);
    assert_int_equal(count_in_core("isolated living"), 0);
}

/* What is left in memory after the process has ended as expected. */
static void assert_end_leaves(const char *name, int expected_status, int expected)
{
    struct scene scene;
    int status;

    start(&scene, name);
    assert_int_equal(waitpid(scene.child, &status, 0), scene.child);
    int count = count_in_memory(&scene);
    finish(&scene);
    if (count < 0)
        skip();
    if (count != expected || (status & ~0x80) != expected_status)
        fail_msg("%s: it ended with status 0x%x and the secret %d times in memory", name, (unsigned)status, count);
}

static void test_a_signal_that_ends_the_process_wipes(void **state)
{
    const int fatal[] = {SIGHUP, SIGINT,  SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS,
                         SIGFPE, SIGSEGV, SIGTERM, SIGSYS, SIGXCPU, SIGXFSZ};
    char name[64];

    (void)state;
    assert_end_leaves("shared end 9", SIGKILL, 1); /* what is looked for is there if nothing wipes */
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
        snprintf(name, sizeof(name), "shared end %d", fatal[i]);
        assert_end_leaves(name, fatal[i], 0);
    }
    assert_end_leaves("isolated end 15", SIGTERM, 0);
}

static void test_a_fault_wipes(void **state)
{
    (void)state;
    assert_end_leaves("shared fault", SIGSEGV, 0);
}

static void test_exit_wipes(void **state)
{
    (void)state;
    assert_end_leaves("shared end 0", 0, 0);
    assert_end_leaves("isolated end 0", 0, 0);
}

static void test_a_fault_wipes_before_it_reports(void **state)
{
    struct scene scene;

    (void)state;
    start(&scene, "shared unread");
    int count = count_in_memory(&scene);
    for (int i = 0; i < 1000 && count > 0; i++) {
        usleep(1000);
        count = count_in_memory(&scene);
    }
    kill(scene.child, SIGKILL);
    finish(&scene);
    if (count < 0)
        skip();
    assert_int_equal(count, 0);
}

/* The handler of a signal starts with no access by keys. */
static void test_keyed_secrets_are_wiped(void **state)
{
    (void)state;
    if (!can_hide(LOAM_SECRET_KEYS))
        skip();
    assert_end_leaves("keyed end 9", SIGKILL, 1);
    assert_end_leaves("keyed end 15", SIGTERM, 0);
    assert_end_leaves("keyed fault", SIGSEGV, 0);
    assert_end_leaves("keyed end 0", 0, 0);
    assert_memory_has("keyed closed freed", 0);
}

/* --- the kernel's flags --- */

/* VmFlags of the mapping that the address lies in, with a space before and after each. */
static void read_flags(const void *address, char *out, size_t size)
{
    FILE *smaps = fopen("/proc/self/smaps", "r");
    uint64_t start, end;
    char line[512];
    int inside = 0;

    out[0] = '\0';
    while (smaps && fgets(line, sizeof(line), smaps)) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) == 2)
            inside = (uintptr_t)address >= start && (uintptr_t)address < end;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            snprintf(out, size, "%s", line + 8);
    }
    if (smaps)
        fclose(smaps);
}

static bool has_flags(const void *address, const char *wanted)
{
    char flags[512], flag[8];
    bool all = true;

    read_flags(address, flags, sizeof(flags));
    for (; *wanted; wanted += 2) {
        snprintf(flag, sizeof(flag), " %.2s", wanted);
        all = all && strstr(flags, flag);
    }
    return all;
}

static void show_flags(void *flag_bits)
{
    struct loam_secret_group *group = loam_secret_group_create("keys", *(unsigned *)flag_bits);
    const char *wanted = *(unsigned *)flag_bits & LOAM_SECRET_HIDDEN ? "lodddc" : "loddwf";
    void *small = loam_secret_alloc(group, KEY), *large = loam_secret_alloc(group, LARGE);

    REQUIRE(has_flags(small, wanted) && has_flags(large, wanted));
    loam_secret_access(group, LOAM_SECRET_NONE);
    REQUIRE(has_flags(small, wanted) && has_flags(large, wanted));
    loam_secret_free(large);
    REQUIRE(has_flags(large, "ddwf") && !has_flags(large, "lo"));
}

static void test_pages_are_locked_left_out_and_emptied(void **state)
{
    unsigned flags[] = {0, LOAM_SECRET_ISOLATED, LOAM_SECRET_KEYS, LOAM_SECRET_HIDDEN};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        if (can_hide(flags[i]))
            assert_child_succeeds(show_flags, &flags[i]);
}

/* --- forked children --- */

static bool is_zero(const unsigned char *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (data[i])
            return false;
    return true;
}

struct family {
    struct loam_secret_group *group;
    unsigned char *small, *large;
};

static void use_inherited(const struct family *family)
{
    struct loam_secret_status status;

    REQUIRE(is_zero(family->small, KEY) && is_zero(family->large, LARGE));
    REQUIRE(loam_secret_size(family->large) == LARGE);
    loam_secret_check(family->group);
    REQUIRE(has_flags(family->small, "loddwf"));
    loam_secret_status(family->group, &status);
    REQUIRE(status.unlocked == 0 && status.secrets == 2);
    unsigned char *own = loam_secret_alloc(family->group, KEY);
    REQUIRE(own && is_zero(own, KEY));
    memset(own, 1, KEY);
    loam_secret_access(family->group, LOAM_SECRET_NONE);
    loam_secret_free(family->small);
    loam_secret_free(family->large);
    loam_secret_access(family->group, LOAM_SECRET_READ_WRITE);
    REQUIRE(own[KEY - 1] == 1);
    loam_secret_group_destroy(family->group);
    REQUIRE(loam_secret_group_create("other", 0) != NULL);
}

static void free_inherited(const struct family *family)
{
    loam_secret_free(family->large);
    loam_secret_free(family->small);
}

static void in_child(void (*body)(const struct family *), const struct family *family)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        body(family);
        exit(0);
    }
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
}

static void have_children(void *flags)
{
    struct family family = {.group = loam_secret_group_create("keys", *(unsigned *)flags)};

    family.small = loam_secret_alloc(family.group, KEY);
    family.large = loam_secret_alloc(family.group, LARGE);
    memset(family.small, 1, KEY);
    memset(family.large, 2, LARGE);
    in_child(use_inherited, &family);
    loam_secret_access(family.group, LOAM_SECRET_NONE);
    in_child(free_inherited, &family);
    loam_secret_access(family.group, LOAM_SECRET_READ);
    REQUIRE(family.small[0] == 1 && family.large[LARGE - 1] == 2);
    loam_secret_check(family.group);
}

static void test_a_forked_child_finds_zeroes_and_goes_on(void **state)
{
    unsigned flags[] = {0, LOAM_SECRET_ISOLATED, LOAM_SECRET_KEYS, LOAM_SECRET_HIDDEN};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        if (can_hide(flags[i]))
            assert_child_succeeds(have_children, &flags[i]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_living_secret_is_there_once),
        cmocka_unit_test(test_a_freed_secret_is_nowhere),
        cmocka_unit_test(test_a_hidden_secret_is_not_to_be_read),
        cmocka_unit_test(test_pages_are_locked_left_out_and_emptied),
        cmocka_unit_test(test_a_forked_child_finds_zeroes_and_goes_on),
        cmocka_unit_test(test_exit_wipes),
        cmocka_unit_test(test_a_signal_that_ends_the_process_wipes),
        cmocka_unit_test(test_a_fault_wipes),
        cmocka_unit_test(test_a_fault_wipes_before_it_reports),
        cmocka_unit_test(test_keyed_secrets_are_wiped),
        cmocka_unit_test(test_a_core_file_has_no_secret),
    };

    if (argc == 3) {
        be_looked_at(argv[1], strtoull(argv[2], NULL, 10));
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
