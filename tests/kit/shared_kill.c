/*
 * shared_kill.c - participants of a shared heap are killed at random, again and again.
 *
 *     shared_kill [--kills N] [--workers N] [--seed N]
 *
 * Workers allocate, fill, publish, push, pop, take, check and free. Every few milliseconds one is killed with SIGKILL
 * and another started in its place. After each kill the workers stand still between two operations, and everything is
 * counted: all that is published can be reached and is what was written, once; all that is in use is either that, or
 * held by a worker that says so.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <loam/shared.h>

#include "seed.h"

enum { WORKERS_MOST = 16, STACKS = 4, SLOTS = 32, HELD = 64, DEEP = 3000, PAUSE_US = 2000 };
#define LIMIT ((uint64_t)64 << 20)

/* A block: its size and a number that is no other's, and bytes that follow from both. */
struct node {
    struct loam_shared_cell next;
    uint64_t number;
    uint32_t size, unused;
    unsigned char bytes[];
};

/* What workers and supervisor tell each other, outside the heap. */
struct board {
    atomic_bool still; /* workers are to stand still */
    struct worker {
        pid_t pid;
        atomic_bool stands;
        atomic_uint held;                       /* exact while it stands */
        atomic_uint longest_us, longest_cpu_us; /* an operation, by the clock and of the processor */
        atomic_ulong operations;
    } workers[WORKERS_MOST];
    _Alignas(64) atomic_ulong last_number;
    atomic_int depths[STACKS]; /* about */
};

static struct board *board;
static struct loam_shared *heap; /* the supervisor's, inherited by workers as their own */
static struct loam_shared_cell *stacks[STACKS], *slots[SLOTS];

/* --- nodes --- */

static unsigned char byte_of(const struct node *node, size_t i)
{
    return (unsigned char)(node->number * 31 + i * 7 + node->size);
}

/* The ends and some in between. */
static bool bytes_are(struct node *node, bool write)
{
    size_t n = node->size - sizeof(*node), step = n / 16 + 1;

    for (size_t i = 0; i < n; i += step) {
        if (write)
            node->bytes[i] = byte_of(node, i);
        if (node->bytes[i] != byte_of(node, i))
            return false;
    }
    return true;
}

static void check(struct node *node)
{
    if (node->size < sizeof(*node) || !bytes_are(node, false))
        errx(1, "block %lu of %u bytes is not what was written", (unsigned long)node->number, node->size);
}

/* --- a worker --- */

struct hand {
    struct worker *self;
    struct node *held[HELD];
    unsigned count;
    uint64_t seed;
};

static void set_count(struct hand *hand, unsigned count)
{
    hand->count = count;
    atomic_store(&hand->self->held, count);
}

static void allocate(struct hand *hand)
{
    uint64_t size = sizeof(struct node) + seed_next(&hand->seed) % (32u << seed_next(&hand->seed) % 12);

    if (hand->count == HELD)
        return;
    struct node *node = loam_shared_alloc(heap, size);
    if (!node)
        return;
    node->number = atomic_fetch_add(&board->last_number, 1) + 1;
    node->size = (uint32_t)size;
    bytes_are(node, true);
    hand->held[hand->count] = node;
    set_count(hand, hand->count + 1);
}

static struct node *drop(struct hand *hand)
{
    if (!hand->count)
        return NULL;
    unsigned at = (unsigned)(seed_next(&hand->seed) % hand->count);
    struct node *node = hand->held[at];
    hand->held[at] = hand->held[hand->count - 1];
    check(node);
    return node;
}

static void release(struct hand *hand)
{
    struct node *node = drop(hand);

    if (node && loam_shared_free(heap, node) != 0)
        errx(1, "a block that is held cannot be freed");
    if (node)
        set_count(hand, hand->count - 1);
}

static void push(struct hand *hand)
{
    unsigned stack = (unsigned)(seed_next(&hand->seed) % STACKS);
    struct node *node = atomic_load(&board->depths[stack]) < DEEP / STACKS ? drop(hand) : NULL;

    if (!node)
        return;
    if (loam_shared_push(heap, stacks[stack], node, &node->next) != 0)
        errx(1, "a block that is held cannot be pushed");
    atomic_fetch_add(&board->depths[stack], 1);
    set_count(hand, hand->count - 1);
}

static void publish(struct hand *hand)
{
    struct node *node = drop(hand);

    if (!node)
        return;
    int error = loam_shared_publish(heap, slots[seed_next(&hand->seed) % SLOTS], node);
    if (error == 0)
        set_count(hand, hand->count - 1);
    else if (error != -EEXIST)
        errx(1, "a block that is held cannot be published: %s", strerror(-error));
    else
        hand->held[hand->count - 1] = node;
}

static void receive(struct hand *hand, struct node *node)
{
    if (!node)
        return;
    check(node);
    hand->held[hand->count] = node;
    set_count(hand, hand->count + 1);
}

static void pop(struct hand *hand)
{
    unsigned stack = (unsigned)(seed_next(&hand->seed) % STACKS);
    struct node *node = hand->count < HELD ? loam_shared_pop(heap, stacks[stack], offsetof(struct node, next)) : NULL;

    if (node)
        atomic_fetch_sub(&board->depths[stack], 1);
    receive(hand, node);
}

static void take(struct hand *hand)
{
    if (hand->count < HELD)
        receive(hand, loam_shared_take(heap, slots[seed_next(&hand->seed) % SLOTS]));
}

static void stand_still(struct hand *hand)
{
    atomic_store(&hand->self->stands, true);
    while (atomic_load(&board->still))
        usleep(100);
    atomic_store(&hand->self->stands, false);
}

static uint64_t time_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void keep_longest(atomic_uint *longest, uint64_t us)
{
    if (us > atomic_load(longest))
        atomic_store(longest, (unsigned)us);
}

static _Noreturn void be_worker(struct worker *self, uint64_t seed)
{
    static void (*const actions[])(struct hand *) = {allocate, allocate, allocate, release, push, pop, publish, take};
    static struct hand hand;

    hand = (struct hand){.self = self, .seed = seed};
    for (;;) {
        uint64_t before = time_us(CLOCK_MONOTONIC), cpu_before = time_us(CLOCK_THREAD_CPUTIME_ID);
        actions[seed_next(&hand.seed) % 8](&hand);
        keep_longest(&self->longest_us, time_us(CLOCK_MONOTONIC) - before);
        keep_longest(&self->longest_cpu_us, time_us(CLOCK_THREAD_CPUTIME_ID) - cpu_before);
        atomic_fetch_add(&self->operations, 1);
        if (atomic_load(&board->still))
            stand_still(&hand);
    }
}

/* --- the supervisor --- */

static unsigned worker_count = 4;
static uint64_t seed;

static void start(struct worker *worker)
{
    uint64_t worker_seed = seed_next(&seed);

    atomic_store(&worker->stands, false);
    atomic_store(&worker->held, 0);
    pid_t pid = fork();
    if (pid == -1)
        err(1, "fork");
    if (pid == 0)
        be_worker(worker, worker_seed);
    worker->pid = pid;
}

static void wait_for_stillness(void)
{
    uint64_t since = time_us(CLOCK_MONOTONIC);

    atomic_store(&board->still, true);
    for (unsigned i = 0; i < worker_count; i++)
        while (!atomic_load(&board->workers[i].stands)) {
            if (waitpid(board->workers[i].pid, NULL, WNOHANG) == board->workers[i].pid)
                errx(1, "a worker has ended by itself");
            if (time_us(CLOCK_MONOTONIC) - since > 20000000)
                errx(1, "a worker does not come to rest within 20 s");
            usleep(50);
        }
}

static unsigned count_stack(unsigned stack)
{
    unsigned count = 0;

    for (struct node *node = loam_shared_peek(heap, stacks[stack]); node; node = loam_shared_peek(heap, &node->next)) {
        check(node);
        if (++count > 100 * DEEP)
            errx(1, "a stack has no end");
    }
    atomic_store(&board->depths[stack], (int)count);
    return count;
}

static unsigned count_published(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < STACKS; i++)
        count += count_stack(i);
    for (unsigned i = 0; i < SLOTS; i++) {
        struct node *node = loam_shared_peek(heap, slots[i]);
        if (node)
            check(node);
        count += node != NULL;
    }
    return count;
}

static void check_all(unsigned kill_number)
{
    struct loam_shared_stats stats;
    unsigned held = 0, published = count_published();

    if (loam_shared_recover(heap) < 0 || loam_shared_validate(heap) != 0)
        errx(1, "after kill %u the heap is damaged", kill_number);
    for (unsigned i = 0; i < worker_count; i++)
        held += atomic_load(&board->workers[i].held);
    loam_shared_measure(heap, &stats);
    if (stats.blocks != published + held)
        errx(1, "after kill %u there are %lu blocks in use, but %u published and %u held", kill_number,
             (unsigned long)stats.blocks, published, held);
}

static void kill_one(unsigned kill_number)
{
    struct worker *victim = &board->workers[seed_next(&seed) % worker_count];

    usleep((useconds_t)(seed_next(&seed) % PAUSE_US));
    kill(victim->pid, SIGKILL);
    waitpid(victim->pid, NULL, 0);
    if (seed_next(&seed) % 2) /* for the others to find out */
        usleep((useconds_t)(seed_next(&seed) % PAUSE_US));
    start(victim);
    wait_for_stillness();
    check_all(kill_number);
    atomic_store(&board->still, false);
}

static void make_heap(void)
{
    char name[16];

    board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED)
        err(1, "mmap");
    int error = loam_shared_anonymous(LIMIT, &heap);
    if (error)
        errx(1, "cannot make a heap: %s", strerror(-error));
    for (unsigned i = 0; i < STACKS + SLOTS; i++) {
        snprintf(name, sizeof(name), "%u", i);
        *(i < STACKS ? &stacks[i] : &slots[i - STACKS]) = loam_shared_root(heap, name);
    }
}

static unsigned max(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* End all, and say how it went. */
static void end(unsigned kills)
{
    unsigned longest = 0, longest_cpu = 0;
    unsigned long operations = 0;

    for (unsigned i = 0; i < worker_count; i++) {
        struct worker *worker = &board->workers[i];
        kill(worker->pid, SIGKILL);
        waitpid(worker->pid, NULL, 0);
        operations += atomic_load(&worker->operations);
        longest = max(longest, atomic_load(&worker->longest_us));
        longest_cpu = max(longest_cpu, atomic_load(&worker->longest_cpu_us));
    }
    printf("%u kills of %u workers; %lu operations; the longest took %u us, %u us of the processor\n", kills,
           worker_count, operations, longest, longest_cpu);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"kills", required_argument, NULL, 'k'},
                                            {"workers", required_argument, NULL, 'w'},
                                            {"seed", required_argument, NULL, 's'},
                                            {0}};
    unsigned kills = 500;
    int option;

    seed = seed_take();
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'k')
            kills = (unsigned)atoi(optarg);
        else if (option == 'w')
            worker_count = (unsigned)atoi(optarg);
        else if (option == 's')
            seed = strtoull(optarg, NULL, 0);
        else
            return 2;
    }
    if (worker_count < 1 || worker_count > WORKERS_MOST)
        errx(2, "1 to %d workers", WORKERS_MOST);
    make_heap();
    for (unsigned i = 0; i < worker_count; i++)
        start(&board->workers[i]);
    for (unsigned i = 1; i <= kills; i++)
        kill_one(i);
    end(kills);
    return 0;
}
