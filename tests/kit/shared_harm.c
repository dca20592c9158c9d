/* shared_harm.c - loam/shared.h where something goes wrong: damaged files, calls that fail, participants that die. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared_pair.h"

#include "child.h"
#include "seed.h"
#include "shared/shared.h"
#include "sys/sys.h"

static char name[64];

/* --- files that are not heaps, and heaps that are damaged --- */

static void test_what_is_no_heap_is_refused(void **state)
{
    struct loam_shared *heap;
    int fd = memfd_create("test", 0), ends[2];

    (void)state;
    assert_int_equal(loam_shared_open_fd(fd, &heap), -EBADMSG);
    assert_int_equal(ftruncate(fd, 100 * MIB), 0);
    assert_int_equal(loam_shared_open_fd(fd, &heap), -EBADMSG);
    close(fd);
    assert_int_equal(loam_shared_open_fd(fd, &heap), -ENOENT);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(loam_shared_open_fd(ends[0], &heap), -EBADMSG);
    close(ends[0]);
    close(ends[1]);
}

static void fill_heap(struct loam_shared *heap, uint64_t *seed)
{
    for (int i = 0; i < 300; i++) {
        struct node *node = loam_shared_calloc(heap, 1, sizeof(*node) + seed_next(seed) % 3000);
        loam_shared_push(heap, loam_shared_root(heap, "nodes"), node, &node->next);
    }
    loam_shared_keep(heap, loam_shared_alloc(heap, 200000));
}

/* What a program would do with it: no answer is wrong, but none may be a fault. */
static void use_heap(struct loam_shared *heap)
{
    struct loam_shared_stats stats;
    void *blocks[100];

    loam_shared_measure(heap, &stats);
    loam_shared_validate(heap);
    for (int i = 0; i < 100; i++)
        blocks[i] = loam_shared_alloc(heap, (size_t)i * 37);
    for (int i = 0; i < 50; i++)
        loam_shared_free(heap, blocks[i]);
    struct loam_shared_cell *cell = loam_shared_root(heap, "nodes");
    for (int i = 0; cell && i < 400; i++)
        loam_shared_free(heap, loam_shared_pop(heap, cell, offsetof(struct node, next)));
    loam_shared_recover(heap);
    loam_shared_trim(heap);
    loam_shared_close(heap);
}

struct damage {
    uint64_t seed;
    int done;
};

/* Some words of a heap become others: of the head, the states, the records. */
static void use_damaged(void *context)
{
    struct damage *damage = context;
    struct loam_shared *heap, *again;
    struct stat file;

    if (freopen("/dev/null", "w", stderr) == NULL)
        exit(2);
    REQUIRE(loam_shared_anonymous(16 * MIB, &heap) == 0);
    fill_heap(heap, &damage->seed);
    int fd = loam_shared_fd(heap);
    fstat(fd, &file);
    int copy = memfd_create("copy", 0);
    char *bytes = mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    REQUIRE(bytes != MAP_FAILED && ftruncate(copy, file.st_size) == 0);
    char *copied = mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, copy, 0);
    memcpy(copied, bytes, (size_t)file.st_size);
    for (int i = 0; i < 40; i++) {
        static const size_t ends[] = {64, 33000, 40000, 60000, 2200000};
        size_t end = ends[seed_next(&damage->seed) % 5], at = seed_next(&damage->seed) % end & ~(size_t)7;
        uint64_t word = seed_next(&damage->seed);
        if (seed_next(&damage->seed) % 2)
            word = *(uint64_t *)(copied + at) ^ 1ull << word % 64;
        if (i > 5 || at > 40)
            memcpy(copied + at, &word, sizeof(word));
    }
    if (loam_shared_open_fd(copy, &again) == 0)
        use_heap(again);
}

static void test_a_damaged_heap_is_refused_or_does_no_harm(void **state)
{
    uint64_t seed = seed_take();

    (void)state;
    for (int i = 0; i < 200; i++) {
        struct damage damage = {.seed = seed + (uint64_t)i};
        assert_child_succeeds(use_damaged, &damage);
    }
}

static void test_a_truncated_heap_is_refused(void **state)
{
    struct loam_shared *heap, *again;
    uint64_t seed = 1;
    char path[128];

    (void)state;
    assert_int_equal(loam_shared_create(name, 16 * MIB, 0600, &heap), 0);
    fill_heap(heap, &seed);
    loam_shared_close(heap);
    snprintf(path, sizeof(path), "/dev/shm/%s", name);
    for (off_t size = 2 * MIB; size > 0; size /= 3) {
        assert_int_equal(truncate(path, size), 0);
        assert_int_equal(loam_shared_open(name, &again), -EBADMSG);
    }
    assert_int_equal(loam_shared_unlink(name), 0);
}

/* --- single words of a heap that are wrong --- */

struct wrong {
    struct loam_shared *heap;
    char *base;
    uint64_t size; /* bytes of the file */
};

static struct head *head_of(const struct wrong *wrong)
{
    return (struct head *)wrong->base;
}

static state_t *states_of(const struct wrong *wrong)
{
    return (state_t *)(wrong->base + align_up(sizeof(struct head), PAGE_SIZE));
}

/* A slab, and a run that begins with slice 1. */
static struct wrong make_wrong(void)
{
    struct wrong wrong;
    struct stat file;

    REQUIRE(loam_shared_anonymous(16 * MIB, &wrong.heap) == 0);
    REQUIRE(loam_shared_keep(wrong.heap, loam_shared_alloc(wrong.heap, 1000)) == 0);
    REQUIRE(loam_shared_keep(wrong.heap, loam_shared_alloc(wrong.heap, 100000)) == 0);
    REQUIRE(fstat(loam_shared_fd(wrong.heap), &file) == 0);
    wrong.size = (uint64_t)file.st_size;
    wrong.base = mmap(NULL, wrong.size, PROT_READ | PROT_WRITE, MAP_SHARED, loam_shared_fd(wrong.heap), 0);
    REQUIRE(wrong.base != MAP_FAILED);
    return wrong;
}

static void open_and_use(const struct wrong *wrong)
{
    struct loam_shared *heap;

    if (loam_shared_open_fd(loam_shared_fd(wrong->heap), &heap) == 0)
        use_heap(heap);
}

static void cell_past_the_file(void *unused)
{
    struct wrong wrong = make_wrong();
    struct participant *participant = &head_of(&wrong)->participants[7];

    (void)unused;
    participant->cell = align_up(wrong.size, PAGE_SIZE) + MIB;
    participant->joined = 1;
    open_and_use(&wrong);
}

static void state_above_high(void *unused)
{
    struct wrong wrong = make_wrong();
    struct loam_shared *heap;

    (void)unused;
    states_of(&wrong)[head_of(&wrong)->high + 3] = state_of(KIND_FREE, 0, 0);
    REQUIRE(loam_shared_open_fd(loam_shared_fd(wrong.heap), &heap) == -EBADMSG);
}

static void run_past_the_file(void *unused)
{
    struct wrong wrong = make_wrong();
    struct loam_shared *heap;

    (void)unused;
    states_of(&wrong)[1] = state_of(KIND_LARGE, 0, 200);
    REQUIRE(loam_shared_open_fd(loam_shared_fd(wrong.heap), &heap) == -EBADMSG);
}

/* While it is attached. */
static void class_that_is_none(void *unused)
{
    struct wrong wrong = make_wrong();
    state_t *states = states_of(&wrong);

    (void)unused;
    states[0] = state_of(KIND_SLAB, state_participant(states[0]), 0x7fffffff);
    loam_shared_trim(wrong.heap);
    loam_shared_close(wrong.heap);
}

static void run_of_nothing(void *unused)
{
    struct wrong wrong = make_wrong();

    (void)unused;
    states_of(&wrong)[0] = state_of(KIND_LARGE, 0, 0);
    loam_shared_close(wrong.heap);
}

static void slab_of_another_class(void *unused)
{
    struct wrong wrong = make_wrong();
    state_t *states = states_of(&wrong);
    void *blocks[200];

    (void)unused;
    for (int i = 0; i < 200; i++)
        blocks[i] = loam_shared_alloc(wrong.heap, 1000);
    loam_shared_free(wrong.heap, blocks[0]);
    states[0] = state_of(KIND_SLAB, state_participant(states[0]), 1);
    for (int i = 1; i < 200; i++)
        loam_shared_free(wrong.heap, blocks[i]);
    for (int i = 0; i < 200; i++)
        loam_shared_alloc(wrong.heap, 1000);
}

enum { PAST = 100 }; /* a slice that the file does not have */

/* Memory is found for it, if it is to be used. */
static void slices_past_the_file(void *unused)
{
    struct wrong wrong = make_wrong();
    state_t *states = states_of(&wrong);
    uint64_t past = (uint64_t)(wrong.heap->blocks - wrong.heap->base) + PAST * SLICE;

    (void)unused;
    head_of(&wrong)->high = PAST + 5;
    states[PAST] = state_of(KIND_SLAB, 0, 3);
    states[PAST + 1] = state_of(KIND_LARGE, 0, 2);
    states[PAST + 2] = state_of(KIND_BODY, 0, PAST + 1);
    states[PAST + 3] = state_of(KIND_FREE, 0, 0);
    head_of(&wrong)->participants[7] = (struct participant){.cell = past, .joined = 1};
    REQUIRE(loam_shared_at(wrong.heap, past, 1) == NULL);
    REQUIRE(loam_shared_usable_size(wrong.heap, wrong.heap->blocks + (PAST + 1) * SLICE) == 0);
    REQUIRE(loam_shared_validate(wrong.heap) >= 4);
    for (int i = 0; i < 300; i++) {
        void *block = loam_shared_alloc(wrong.heap, SLICE);
        if (block)
            memset(block, 1, SLICE);
    }
    use_heap(wrong.heap);
}

static void run_that_ends_past_the_file(void *unused)
{
    struct wrong wrong = make_wrong();
    char *run = wrong.heap->blocks + SLICE;

    (void)unused;
    REQUIRE(loam_shared_usable_size(wrong.heap, run) == 2 * SLICE);
    states_of(&wrong)[1] = state_of(KIND_LARGE, 0, PAST);
    REQUIRE(loam_shared_usable_size(wrong.heap, run) == 0);
}

/* A slab has less room than its owner has counted. */
static void bits_of_blocks_that_are_free(void *unused)
{
    struct wrong wrong = make_wrong();
    void *block = loam_shared_alloc(wrong.heap, 1000);

    (void)unused;
    while (loam_shared_alloc(wrong.heap, 1000))
        continue;
    REQUIRE(loam_shared_free(wrong.heap, block) == 0);
    record_of(wrong.heap, 0)->used[0] = ~0ull;
    alarm(60); /* ends what has no end */
    REQUIRE(loam_shared_alloc(wrong.heap, 1000) == NULL && errno == ENOMEM);
}

/* A fresh slab has no room. */
static void bits_of_a_slice_that_is_free(void *unused)
{
    struct wrong wrong = make_wrong();
    struct loam_shared *heap = wrong.heap;
    void *run = loam_shared_alloc(heap, SLICE);

    (void)unused;
    while (loam_shared_alloc(heap, 1000))
        continue;
    REQUIRE(loam_shared_free(heap, run) == 0);
    memset(record_of(heap, ((char *)run - heap->blocks) / SLICE)->used, 0xff, sizeof(((struct record *)0)->used));
    alarm(60);
    REQUIRE(loam_shared_alloc(heap, 1000) == NULL && errno == ENOMEM);
}

static void test_words_that_are_wrong_do_no_harm(void **state)
{
    static void (*const wrongs[])(void *) = {cell_past_the_file,
                                             state_above_high,
                                             run_past_the_file,
                                             class_that_is_none,
                                             run_of_nothing,
                                             slab_of_another_class,
                                             slices_past_the_file,
                                             run_that_ends_past_the_file,
                                             bits_of_blocks_that_are_free,
                                             bits_of_a_slice_that_is_free};

    (void)state;
    for (size_t i = 0; i < LENGTH(wrongs); i++)
        assert_child_succeeds(wrongs[i], NULL);
}

/* To look at holes would have them filled. */
static void test_a_file_with_holes_where_its_states_are_is_no_heap(void **state)
{
    struct head head = {.magic = SHARED_MAGIC, .version = SHARED_VERSION, .page = PAGE_SIZE, .limit = 4096 * GIB};
    struct loam_shared *heap;
    int fd = memfd_create("holes", 0);

    (void)state;
    assert_int_equal(pwrite(fd, &head, sizeof(head), 0), sizeof(head));
    assert_int_equal(ftruncate(fd, (off_t)(2048 * GIB)), 0);
    assert_int_equal(loam_shared_open_fd(fd, &heap), -EBADMSG);
    close(fd);
}

static void test_a_pipe_with_the_name_is_no_heap(void **state)
{
    struct loam_shared *heap;
    char path[128];

    (void)state;
    snprintf(path, sizeof(path), "/dev/shm/%s", name);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(loam_shared_watch(name, &heap), -EBADMSG);
    assert_int_equal(loam_shared_open(name, &heap), -EBADMSG);
    unlink(path);
}

/* --- room --- */

enum { ROOM = 70000 };

/* Of what another has returned, none is overlooked, wherever it is. */
static void test_what_was_returned_is_found_when_memory_is_short(void **state)
{
    struct pair *pair = *state;
    static void *blocks[ROOM * 4];
    size_t count = 0, returned = 0, again = 0;

    while ((blocks[count] = loam_shared_alloc(pair->a, 2000)))
        count++;
    for (size_t i = 0; i < count; i += 2, returned++)
        assert_int_equal(loam_shared_free(pair->b, over(pair->a, pair->b, blocks[i])), 0);
    loam_shared_trim(pair->a);
    while (loam_shared_alloc(pair->a, 2000))
        again++;
    assert_int_equal(again, returned);
}

static _Noreturn void allocate_first(struct loam_shared *heap, atomic_int *ready)
{
    loam_shared_recover(heap);
    atomic_fetch_add(ready, 1);
    while (atomic_load(ready) < 2)
        continue;
    _exit(loam_shared_alloc(heap, 100) ? 0 : 1);
}

/* Two begin with an empty heap, which has room for both, at the same moment. */
static void test_memory_is_not_short_because_another_is_claiming_it(void **state)
{
    atomic_int *ready = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    (void)state;
    for (int i = 0; i < 300; i++) {
        struct loam_shared *heap;
        int status;

        assert_int_equal(loam_shared_anonymous(256 * KIB, &heap), 0);
        atomic_store(ready, 0);
        for (int child = 0; child < 2; child++)
            if (fork() == 0)
                allocate_first(heap, ready);
        for (int child = 0; child < 2; child++) {
            wait(&status);
            assert_int_equal(status, 0);
        }
        loam_shared_close(heap);
    }
    munmap(ready, PAGE_SIZE);
}

/* --- who is alive --- */

static void send_descriptor(int to, int fd)
{
    char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof(int));
    sendmsg(to, &message, 0);
}

static int receive_descriptor(int from)
{
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec data = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    int fd = -1;

    if (recvmsg(from, &message, 0) == 1 && CMSG_FIRSTHDR(&message))
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
    return fd;
}

static void test_a_descriptor_that_was_given_away_does_not_keep_its_giver_alive(void **state)
{
    struct pair *pair = *state;
    struct loam_shared *heap;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pid_t giver = fork();
    if (giver == 0) {
        loam_shared_alloc(pair->a, 5000);
        send_descriptor(ends[1], loam_shared_fd(pair->a));
        pause();
    }
    int fd = receive_descriptor(ends[0]);
    kill(giver, SIGKILL);
    waitpid(giver, NULL, 0);
    assert_int_equal(loam_shared_open_fd(fd, &heap), 0);
    loam_shared_recover(heap);
    assert_int_equal(measure(heap).blocks, 0);
    loam_shared_close(heap);
    close(fd);
    close(ends[0]);
    close(ends[1]);
}

/* What the two tell each other: the round that has begun, the one that is done, and the block. */
struct round {
    atomic_int begun, done;
    _Atomic uint64_t block;
};

static _Noreturn void free_in_each(struct loam_shared *heap, struct round *round)
{
    loam_shared_recover(heap);
    for (int i = 1;; i++) {
        while (atomic_load(&round->begun) < i)
            continue;
        for (volatile int wait = 0; wait < i * 37 % 6000; wait++)
            continue;
        loam_shared_free(heap, loam_shared_at(heap, atomic_load(&round->block), 1));
        atomic_store(&round->done, i);
    }
}

static _Noreturn void allocate_and_die(struct loam_shared *heap, struct round *round)
{
    atomic_store(&round->block, loam_shared_offset(heap, loam_shared_alloc(heap, 64)));
    kill(getpid(), SIGKILL);
    abort();
}

/* Recovery frees what the dead one held, while another frees it, who may. */
static void test_what_recovery_and_another_free_at_once_is_freed_once(void **state)
{
    struct pair *pair = *state;
    struct round *round = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t other = fork();

    if (other == 0)
        free_in_each(pair->a, round);
    for (int i = 1; i <= 500; i++) {
        pid_t dead = fork();
        if (dead == 0)
            allocate_and_die(pair->a, round);
        waitpid(dead, NULL, 0);
        atomic_store(&round->begun, i);
        loam_shared_recover(pair->a);
        while (atomic_load(&round->done) < i)
            continue;
        assert_int_equal(loam_shared_validate(pair->a), 0);
    }
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    loam_shared_recover(pair->a);
    munmap(round, PAGE_SIZE);
}

/* --- memory that there is not --- */

static void limit_files(uint64_t size)
{
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){size, size});
}

static void allocate_beyond_the_limit_of_files(void *unused)
{
    struct loam_shared *heap, *none = NULL;

    (void)unused;
    REQUIRE(loam_shared_anonymous(64 * MIB, &heap) == 0);
    limit_files(20 * MIB);
    REQUIRE(loam_shared_alloc(heap, 32 * MIB) == NULL && errno == ENOMEM);
    REQUIRE(loam_shared_alloc(heap, MIB) != NULL);
    limit_files(PAGE_SIZE);
    REQUIRE(loam_shared_anonymous(64 * MIB, &none) == -EFBIG && !none);
    loam_shared_close(heap);
}

/* And not SIGXFSZ. */
static void test_the_limit_of_files_is_an_error(void **state)
{
    (void)state;
    assert_child_succeeds(allocate_beyond_the_limit_of_files, NULL);
}

/* --- calls that fail --- */

#ifdef LOAM_INJECT
static struct {
    long at, calls;
    int error;
} failing;

static long fail_at(const char *call)
{
    (void)call;
    return failing.calls++ == failing.at ? failing.error : 0;
}

static long fail_allocation(const char *call)
{
    return strcmp(call, "fallocate") == 0 ? fail_at(call) : 0;
}

static blkcnt_t blocks_of(const struct loam_shared *heap)
{
    struct stat file;

    assert_int_equal(fstat(loam_shared_fd(heap), &file), 0);
    return file.st_blocks;
}

/* Whichever piece of memory is the one that there is not. */
static void test_an_allocation_that_fails_takes_no_memory(void **state)
{
    bool whole = false;

    (void)state;
    for (failing.at = 0; !whole; failing.at++) {
        struct loam_shared *heap;
        assert_int_equal(loam_shared_anonymous(64 * MIB, &heap), 0);
        assert_non_null(loam_shared_alloc(heap, 100));
        blkcnt_t before = blocks_of(heap);
        failing.calls = 0;
        failing.error = -ENOSPC;
        sys_inject = fail_allocation;
        whole = loam_shared_alloc(heap, 20 * MIB) != NULL; /* its records are pieces, too */
        sys_inject = NULL;
        assert_true(whole || blocks_of(heap) == before);
        assert_int_equal(loam_shared_validate(heap), 0);
        loam_shared_close(heap);
    }
    assert_true(failing.at > 20);
}

static long die_at(const char *call)
{
    if (fail_allocation(call))
        raise(SIGKILL);
    return 0;
}

static void test_memory_that_a_dead_one_was_finding_is_given_back(void **state)
{
    struct pair *pair = *state;
    int status;

    assert_non_null(loam_shared_alloc(pair->a, 100));
    blkcnt_t before = blocks_of(pair->a);
    pid_t child = fork();
    if (child == 0) {
        failing.at = 5;
        failing.calls = 0;
        failing.error = -1;
        sys_inject = die_at;
        loam_shared_alloc(pair->a, 20 * MIB);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_true(blocks_of(pair->a) > before);
    assert_int_equal(loam_shared_recover(pair->a), 1);
    assert_int_equal(blocks_of(pair->a), before);
}

/* No piece is ever had: a kernel that is asked for more than the machine has takes all that there is. */
static void test_more_than_the_memory_of_the_machine_is_not_asked_for(void **state)
{
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * PAGE_SIZE;
    struct loam_shared *heap;

    (void)state;
    assert_int_equal(loam_shared_anonymous(2 * memory, &heap), 0);
    failing.at = failing.calls = 0;
    failing.error = -ENOSPC;
    sys_inject = fail_allocation;
    assert_null(loam_shared_alloc(heap, memory + SLICE));
    sys_inject = NULL;
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(failing.calls, 0);
    loam_shared_close(heap);
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

/* False when something has failed. */
static bool create_and_use(struct loam_shared **out)
{
    if (loam_shared_create(name, 16 * MIB, 0600, out) != 0)
        return false;
    void *small = loam_shared_alloc(*out, 100), *large = loam_shared_alloc(*out, 3 * MIB);
    struct loam_shared_cell *cell = loam_shared_root(*out, "root");
    bool all = small && large && cell && loam_shared_publish(*out, cell, small) == 0;
    return loam_shared_free(*out, large) == 0 && loam_shared_trim(*out) > 0 && all;
}

static void test_each_call_fails(void **state)
{
    unsigned before = count_descriptors();
    bool whole = false;

    (void)state;
    for (failing.at = 0; !whole; failing.at++) {
        struct loam_shared *heap = NULL;
        failing.calls = 0;
        failing.error = failing.at % 2 ? -ENOSPC : -ENOMEM;
        sys_inject = fail_at;
        create_and_use(&heap);
        sys_inject = NULL;
        whole = failing.calls <= failing.at;
        if (heap) {
            assert_int_equal(loam_shared_validate(heap), 0);
            assert_non_null(loam_shared_alloc(heap, 1000));
            loam_shared_close(heap);
        }
        assert_int_equal(loam_shared_unlink(name), heap ? 0 : -ENOENT);
        assert_int_equal(count_descriptors(), before);
    }
    assert_true(failing.at > 10);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_heap_is_refused),
        cmocka_unit_test(test_a_pipe_with_the_name_is_no_heap),
        cmocka_unit_test(test_a_file_with_holes_where_its_states_are_is_no_heap),
        cmocka_unit_test(test_a_truncated_heap_is_refused),
        cmocka_unit_test(test_words_that_are_wrong_do_no_harm),
        cmocka_unit_test(test_a_damaged_heap_is_refused_or_does_no_harm),
        WITH_PAIR(test_what_was_returned_is_found_when_memory_is_short),
        cmocka_unit_test(test_memory_is_not_short_because_another_is_claiming_it),
        WITH_PAIR(test_a_descriptor_that_was_given_away_does_not_keep_its_giver_alive),
        WITH_PAIR(test_what_recovery_and_another_free_at_once_is_freed_once),
        cmocka_unit_test(test_the_limit_of_files_is_an_error),
#ifdef LOAM_INJECT
        cmocka_unit_test(test_an_allocation_that_fails_takes_no_memory),
        WITH_PAIR(test_memory_that_a_dead_one_was_finding_is_given_back),
        cmocka_unit_test(test_more_than_the_memory_of_the_machine_is_not_asked_for),
        cmocka_unit_test(test_each_call_fails),
#endif
    };

    snprintf(name, sizeof(name), "loam-test-%d", (int)getpid());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
