/*
 * shared_step.c - a participant of a shared heap dies before each instruction of each operation.
 *
 * A child attaches to a heap and stops. It is then stepped through one operation, instruction by instruction; whenever
 * the heap's memory has changed, a copy of it is what others would find if the child were killed there. Each copy is
 * attached to, recovered, checked against what may and must be there, and used.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <loam/shared.h>

enum { KIB = 1024, LIMIT = 4096 * KIB, CELLS = 4, STEPS_MOST = 3000000, COMPARED = 600 * KIB, FULL = 2100, LEFT = 4 };

struct node {
    struct loam_shared_cell next;
    uint32_t number, check;
};

/* --- what is published --- */

/* The names of cells; that a block is published there is what must not change but by the operation. */
static struct loam_shared_cell *cell_of(struct loam_shared *heap, unsigned number)
{
    char name[16];

    snprintf(name, sizeof(name), "cell%u", number);
    return loam_shared_root(heap, name);
}

static struct node *new_node(struct loam_shared *heap, unsigned number, size_t size)
{
    struct node *node = loam_shared_alloc(heap, size < sizeof(*node) ? sizeof(*node) : size);

    if (node)
        *node = (struct node){.number = number, .check = ~number};
    return node;
}

static void push(struct loam_shared *heap, unsigned cell, unsigned number, size_t size)
{
    struct node *node = new_node(heap, number, size);

    if (!node || loam_shared_push(heap, cell_of(heap, cell), node, &node->next) != 0)
        abort();
}

/* --- operations, of a child that holds some blocks --- */

struct child {
    struct loam_shared *heap;
    struct loam_shared_cell *cells[CELLS];
    void *small, *large;   /* held */
    struct node *node;     /* held, not linked */
    void *published_small; /* in no cell, kept */
    void *thirds[3];       /* held: all of a slab */
    void *full[FULL];      /* held: the last LEFT of a full slab and of another, of 32 bytes each */
};

static void do_alloc(struct child *child)
{
    loam_shared_alloc(child->heap, 100);
}

static void do_alloc_fresh_slab(struct child *child)
{
    loam_shared_alloc(child->heap, 3000);
}

/* The slab is full but for what another has returned. */
static void do_alloc_returned(struct child *child)
{
    loam_shared_alloc(child->heap, 20 * KIB);
}

static void do_alloc_large(struct child *child)
{
    loam_shared_alloc(child->heap, 200 * KIB);
}

static void do_free(struct child *child)
{
    loam_shared_free(child->heap, child->small);
}

static void do_free_large(struct child *child)
{
    loam_shared_free(child->heap, child->large);
}

static void do_free_kept(struct child *child)
{
    loam_shared_free(child->heap, child->published_small);
}

/* The last of their slab: it is released. */
static void do_free_slab(struct child *child)
{
    for (unsigned i = 0; i < FULL; i++)
        loam_shared_free(child->heap, child->full[i]);
}

static void do_keep(struct child *child)
{
    loam_shared_keep(child->heap, child->small);
}

static void do_publish(struct child *child)
{
    loam_shared_publish(child->heap, child->cells[3], child->node);
}

static void do_push(struct child *child)
{
    loam_shared_push(child->heap, child->cells[0], child->node, &child->node->next);
}

static void do_pop(struct child *child)
{
    loam_shared_pop(child->heap, child->cells[0], offsetof(struct node, next));
}

static void do_take_and_free(struct child *child)
{
    loam_shared_free(child->heap, loam_shared_take(child->heap, child->cells[1]));
}

static void do_take_and_publish(struct child *child)
{
    loam_shared_publish(child->heap, child->cells[3], loam_shared_take(child->heap, child->cells[1]));
}

static void do_root(struct child *child)
{
    loam_shared_root(child->heap, "another");
}

static void do_trim(struct child *child)
{
    loam_shared_trim(child->heap);
}

static void do_close(struct child *child)
{
    loam_shared_close(child->heap);
}

static void do_recover(struct child *child)
{
    loam_shared_recover(child->heap);
}

/*
 * How many blocks may be published, beside those that are at first: between `least` and `most` more.
 */
struct operation {
    const char *name;
    void (*run)(struct child *child);
    int least, most;
    void (*before)(int fd, struct child *child); /* what others have done before it begins; NULL for nothing */
};

static void let_another_die(int fd, struct child *child);
static void let_another_free(int fd, struct child *child);

static const struct operation operations[] = {
    {"alloc", do_alloc, 0, 0, NULL},
    {"alloc with a fresh slab", do_alloc_fresh_slab, 0, 0, NULL},
    {"alloc of what was returned", do_alloc_returned, 0, 0, let_another_free},
    {"alloc of a run", do_alloc_large, 0, 0, NULL},
    {"alloc after a death", do_alloc_fresh_slab, 0, 0, let_another_die},
    {"free", do_free, 0, 0, NULL},
    {"free of a run", do_free_large, 0, 0, NULL},
    {"free of what is kept", do_free_kept, -1, 0, NULL},
    {"free of slabs", do_free_slab, 0, 0, NULL},
    {"keep", do_keep, 0, 1, NULL},
    {"publish", do_publish, 0, 1, NULL},
    {"push", do_push, 0, 1, NULL},
    {"pop", do_pop, -1, 0, NULL},
    {"take and free", do_take_and_free, -1, 0, NULL},
    {"take and publish", do_take_and_publish, -1, 0, NULL},
    {"make a root", do_root, 0, 0, NULL},
    {"trim", do_trim, 0, 0, NULL},
    {"close", do_close, 0, 0, NULL},
    {"recover", do_recover, 0, 0, let_another_die},
};

enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

/* --- the heap at first --- */

static unsigned published_at_first;

static struct loam_shared *make_heap(void)
{
    struct loam_shared *heap;

    assert_int_equal(loam_shared_anonymous(LIMIT, &heap), 0);
    push(heap, 0, 1, 0);
    push(heap, 0, 2, 100);
    push(heap, 0, 3, 70 * KIB);
    push(heap, 1, 4, 500);
    push(heap, 2, 5, 3000);
    void *kept = loam_shared_alloc(heap, 64);
    assert_int_equal(loam_shared_keep(heap, kept), 0);
    cell_of(heap, 3);
    published_at_first = 6;
    return heap;
}

static void hold_some(struct loam_shared *heap)
{
    for (int i = 0; i < 50; i++)
        loam_shared_alloc(heap, (size_t)i * 40);
    loam_shared_alloc(heap, 130 * KIB);
}

static _Noreturn void die_holding(int fd)
{
    struct loam_shared *heap;

    if (loam_shared_open_fd(fd, &heap) == 0)
        hold_some(heap);
    kill(getpid(), SIGKILL);
    abort();
}

static void let_another_die(int fd, struct child *child)
{
    pid_t pid = fork();

    (void)child;
    if (pid == 0)
        die_holding(fd);
    waitpid(pid, NULL, 0);
}

static void let_another_free(int fd, struct child *child)
{
    struct loam_shared *heap;

    if (loam_shared_open_fd(fd, &heap) != 0)
        abort();
    for (int i = 0; i < 2; i++)
        if (loam_shared_free(heap, loam_shared_at(heap, loam_shared_offset(child->heap, child->thirds[i]), 1)) != 0)
            abort();
    loam_shared_close(heap);
}

/* The kept block is found as the first of its class. */
static void prepare(struct child *child, int fd, void *kept_offset)
{
    if (loam_shared_open_fd(fd, &child->heap) != 0)
        abort();
    for (unsigned i = 0; i < CELLS; i++)
        child->cells[i] = cell_of(child->heap, i);
    child->small = loam_shared_alloc(child->heap, 100);
    child->large = loam_shared_alloc(child->heap, 150 * KIB);
    child->node = new_node(child->heap, 6, 0);
    child->published_small = loam_shared_at(child->heap, (uint64_t)(uintptr_t)kept_offset, 1);
    for (unsigned i = 0; i < 3; i++)
        child->thirds[i] = loam_shared_alloc(child->heap, 20 * KIB);
    for (unsigned i = 0; i < FULL; i++)
        child->full[i] = loam_shared_alloc(child->heap, 32);
    for (unsigned i = LEFT; i < FULL - LEFT; i++) {
        loam_shared_free(child->heap, child->full[i]);
        child->full[i] = NULL;
    }
}

static _Noreturn void be_stepped(int fd, uint64_t kept, const struct operation *operation)
{
    static struct child child;

    prepare(&child, fd, (void *)(uintptr_t)kept);
    if (operation->before)
        operation->before(fd, &child);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    operation->run(&child);
    raise(SIGSTOP);
    _exit(0);
}

/* --- what others find --- */

static unsigned count_stack(struct loam_shared *heap, unsigned cell)
{
    unsigned count = 0;

    for (struct node *node = loam_shared_peek(heap, cell_of(heap, cell)); node;
         node = loam_shared_peek(heap, &node->next), count++)
        assert_int_equal(node->check, ~node->number);
    return count;
}

static void empty(struct loam_shared *heap)
{
    for (unsigned i = 0; i < CELLS; i++) {
        struct node *node;
        while ((node = loam_shared_pop(heap, cell_of(heap, i), offsetof(struct node, next))))
            assert_int_equal(loam_shared_free(heap, node), 0);
    }
}

/* Every slice is there to be had. */
static void use_all(struct loam_shared *heap, unsigned kept)
{
    unsigned runs = 0;

    empty(heap);
    while (loam_shared_alloc(heap, 64 * KIB))
        runs++;
    assert_true(runs + kept >= LIMIT / (64 * KIB));
}

static void check_copy(int fd, const struct operation *operation)
{
    struct loam_shared_stats stats;
    struct loam_shared *heap;

    assert_int_equal(loam_shared_open_fd(fd, &heap), 0);
    loam_shared_recover(heap);
    assert_int_equal(loam_shared_validate(heap), 0);
    loam_shared_measure(heap, &stats);
    int more = (int)stats.blocks - (int)published_at_first;
    assert_true(more >= operation->least && more <= operation->most);
    assert_int_equal(stats.held, 0);
    assert_int_equal(stats.dead, 0);
    unsigned linked = 0;
    for (unsigned i = 0; i < CELLS; i++)
        linked += count_stack(heap, i);
    unsigned kept = (unsigned)stats.blocks - linked;
    assert_true(kept <= 3);
    use_all(heap, kept);
    assert_int_equal(loam_shared_validate(heap), 0);
    loam_shared_close(heap);
}

/* --- stepping --- */

struct copies {
    int from, to;
    char *now, *last; /* the heap's memory, as far as it is compared, and what it was */
    size_t size;
    unsigned count;
};

static void copy_file(const struct copies *copies)
{
    struct stat file;
    loff_t in = 0, out = 0;

    assert_int_equal(ftruncate(copies->to, 0), 0);
    assert_int_equal(fstat(copies->from, &file), 0);
    assert_int_equal(ftruncate(copies->to, file.st_size), 0);
    while (in < file.st_size)
        assert_true(copy_file_range(copies->from, &in, copies->to, &out, (size_t)(file.st_size - in), 0) > 0);
}

static void look(struct copies *copies, const struct operation *operation)
{
    if (memcmp(copies->now, copies->last, copies->size) == 0)
        return;
    memcpy(copies->last, copies->now, copies->size);
    copy_file(copies);
    check_copy(copies->to, operation);
    copies->count++;
}

static bool step(pid_t pid)
{
    int status;

    assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSTOPPED(status));
    return WSTOPSIG(status) == SIGTRAP;
}

static void run_operation(const struct operation *operation, bool survivor)
{
    struct loam_shared *heap = make_heap();
    int fd = dup(loam_shared_fd(heap)), status;
    struct copies copies = {.from = fd, .to = memfd_create("copy", 0), .size = COMPARED};
    void *kept = loam_shared_alloc(heap, 64);
    uint64_t offset = loam_shared_offset(heap, kept);

    assert_int_equal(loam_shared_keep(heap, kept), 0);
    published_at_first++;
    if (!survivor)
        loam_shared_close(heap);
    pid_t pid = fork();
    if (pid == 0)
        be_stepped(fd, offset, operation);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSTOPPED(status));
    copies.now = mmap(NULL, copies.size, PROT_READ, MAP_SHARED, fd, 0);
    copies.last = calloc(1, copies.size);
    unsigned steps = 0;
    look(&copies, operation);
    while (step(pid)) {
        look(&copies, operation);
        assert_true(steps++ < STEPS_MOST);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    print_message("%-26s %7u instructions, %5u states of the heap\n", operation->name, steps, copies.count);
    assert_true(copies.count > 1);
    munmap(copies.now, copies.size);
    free(copies.last);
    close(copies.to);
    close(fd);
    if (survivor)
        loam_shared_close(heap);
}

/* Whoever comes next takes its number over. */
static void test_one_who_attaches_finds_all_in_order(void **state)
{
    (void)state;
    for (int i = 0; i < OPERATIONS; i++)
        run_operation(&operations[i], false);
}

/* The number below is taken, so what it left is another's to recover. */
static void test_one_who_is_there_finds_all_in_order(void **state)
{
    (void)state;
    for (int i = 0; i < OPERATIONS; i++)
        run_operation(&operations[i], true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_who_attaches_finds_all_in_order),
        cmocka_unit_test(test_one_who_is_there_finds_all_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
