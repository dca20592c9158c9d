/*
 * exhaust.c - allocate until there is no more, under a limit of the kernel's.
 *
 * --mode address-space: RLIMIT_AS, in force before the heap starts: the program executes itself once more under it.
 * --mode data:          RLIMIT_DATA, in force for a heap that runs already.
 *
 * Threads are started first: that stacks find no room any more is no fault of a heap. An operation is one cycle of
 * filling the memory and freeing it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness.h"
#include "memory.h"

#include "allocator.h"

#define LIMIT ((size_t)256 * MIB)

/* Objects are listed in themselves: no memory is needed to know of them. */
struct node {
    struct node *next;
    size_t size;
};

static const struct sizes {
    const char *name;
    size_t smallest;
    size_t largest;
} all_sizes[] = {
    {"small", 24, 1000},
    {"medium", 1000, 200 * KIB},
    {"large", 300 * KIB, 8 * MIB},
    {"all", 24, 2 * MIB},
};

static pthread_barrier_t barrier;
static _Atomic size_t filled; /* bytes, in all threads together */

static uint64_t key_of(const struct node *node)
{
    return mix(options.seed, (uintptr_t)node ^ node->size);
}

static void add(struct node **list, struct node *node, size_t size)
{
    *node = (struct node){*list, size};
    pattern_write(node + 1, size - sizeof(*node), key_of(node));
    *list = node;
}

static void check_all(const struct node *list)
{
    for (; list; list = list->next) {
        size_t size = list->size - sizeof(*list);
        if (pattern_compare(list + 1, size, key_of(list)) != size)
            FAIL("%p of %zu bytes is damaged", (const void *)list, list->size);
    }
}

static struct node *free_some(struct node *list, unsigned every)
{
    struct node *kept = NULL;

    for (unsigned i = 0; list; i++) {
        struct node *next = list->next;
        if (i % every == 0) {
            filled -= list->size;
            free(list);
        } else {
            list->next = kept;
            kept = list;
        }
        list = next;
    }
    return kept;
}

static size_t choose(const struct sizes *sizes, struct random *random)
{
    return sizes->smallest + random_below(random, sizes->largest - sizes->smallest + 1);
}

/* An object of `size`, or of what can still be had of it: what is left lies in pieces. */
static struct node *allocate_or_less(size_t *size, const struct sizes *sizes, struct random *random)
{
    for (;;) {
        void *memory;
        errno = 0;
        memory = random_below(random, 8) ? malloc(*size) : calloc(1, *size);
        if (memory)
            return memory;
        if (errno != ENOMEM)
            FAIL("no memory of %zu bytes, but errno is %d and not ENOMEM", *size, errno);
        if (*size == sizes->smallest)
            return NULL;
        *size = *size / 2 > sizes->smallest ? *size / 2 : sizes->smallest;
    }
}

static struct node *fill(struct node *list, const struct sizes *sizes, struct random *random)
{
    for (;;) {
        size_t size = choose(sizes, random);
        struct node *node = allocate_or_less(&size, sizes, random);
        if (!node)
            return list;
        add(&list, node, size);
        if (atomic_fetch_add(&filled, size) > LIMIT * 5 / 4)
            FAIL("%zu MiB were allocated where %zu are the limit", filled / MIB, LIMIT / MIB);
    }
}

/* What cannot be had is refused by every function, and nothing is lost by the attempt. */
static void ask_for_too_much(struct node *list)
{
    void *out = &out;

    for (int i = 0; list && i < 20; i++, list = list->next) {
        errno = 0;
        if (realloc(list, LIMIT) || errno != ENOMEM)
            FAIL("realloc beyond the limit: errno is %d", errno);
    }
    errno = 0;
    if (calloc(LIMIT / 16, 16) || errno != ENOMEM)
        FAIL("calloc beyond the limit: errno is %d", errno);
    errno = 0;
    if (aligned_alloc(2 * MIB, LIMIT) || errno != ENOMEM)
        FAIL("aligned_alloc beyond the limit: errno is %d", errno);
    if (posix_memalign(&out, 64, LIMIT) != ENOMEM || out != &out)
        FAIL("posix_memalign beyond the limit gives %p", out);
}

/* What the threads' caches hold back may still stand in the way of the largest. */
static void allocate_again(const struct sizes *sizes, struct random *random)
{
    for (int i = 0; i < 1000; i++) {
        size_t size = choose(sizes, random);
        void *memory = allocate_or_less(&size, sizes, random);
        if (!memory)
            FAIL("no memory for %s objects after all were freed", sizes->name);
        free(memory);
    }
}

/* Wait for all, and let one thread look at the heap while the others hold still. */
static void hold_still(const char *when)
{
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
        harness_validate(when);
    pthread_barrier_wait(&barrier);
}

/* Most of the memory is to be had: an allocator that always says no would pass all else. */
static void hold_still_filled(const char *when, const struct sizes *sizes)
{
    hold_still(when);
    if (filled < LIMIT / 2)
        FAIL("only %zu MiB of %zu can be had in %s objects %s", filled / MIB, LIMIT / MIB, sizes->name, when);
    pthread_barrier_wait(&barrier);
}

/* A thread that takes no part asks for memory when there is none: whatever it is told, it is not to be told so for
 * ever. */
static void run_cycle(const struct sizes *sizes, struct random *random, bool take_part)
{
    struct node *list = take_part ? fill(NULL, sizes, random) : NULL;

    hold_still_filled("when the memory is exhausted", sizes);
    if (take_part)
        ask_for_too_much(list);
    else
        free(malloc(sizes->smallest));
    check_all(list);
    hold_still_filled("after asking for too much", sizes);
    list = free_some(list, 2);
    if (take_part)
        list = fill(list, sizes, random);
    hold_still_filled("when the memory is exhausted again", sizes);
    check_all(list);
    list = free_some(list, 1);
    hold_still("when all is freed");
    allocate_again(sizes, random);
    hold_still("when allocation works again");
}

/* One thread alone, then all of them. */
static void run_thread(unsigned index)
{
    struct random random = random_start(index);

    for (uint64_t i = 0; i < options.operations; i++) {
        for (size_t j = 0; j < sizeof(all_sizes) / sizeof(all_sizes[0]); j++) {
            run_cycle(&all_sizes[j], &random, index == 0);
            if (options.threads > 1)
                run_cycle(&all_sizes[j], &random, true);
        }
    }
}

static void set_limit(int resource, size_t limit)
{
    if (setrlimit(resource, &(struct rlimit){limit, limit}) != 0)
        FAIL("no limit of %zu: %s", limit, strerror(errno));
}

/* Does not return. The stacks of threads need addresses, too. */
static void execute_under_limit(void)
{
    char seed[32], threads[32], operations[32];

    set_limit(RLIMIT_AS, LIMIT + (options.threads + 4) * 8 * MIB);
    snprintf(seed, sizeof(seed), "--seed=%llu", (unsigned long long)options.seed);
    snprintf(threads, sizeof(threads), "--threads=%u", options.threads);
    snprintf(operations, sizeof(operations), "--operations=%llu", (unsigned long long)options.operations);
    unsetenv("LOAM_TEST_SCALE"); /* it is in the operations already */
    execl("/proc/self/exe", "exhaust", seed, threads, operations, "--mode=limited", (char *)NULL);
    FAIL("cannot execute: %s", strerror(errno));
}

static size_t data_bytes(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[200];
    size_t kib = 0;

    while (file && fgets(line, sizeof(line), file))
        sscanf(line, "VmData: %zu", &kib);
    if (kib == 0)
        FAIL("no VmData in /proc/self/status");
    fclose(file);
    return kib * KIB;
}

int main(int argc, char **argv)
{
    harness_start(argc, argv, (struct options){.threads = 1, .operations = 1, .mode = "address-space"});
    if (strcmp(options.mode, "address-space") == 0)
        execute_under_limit();
    else if (strcmp(options.mode, "data") == 0)
        set_limit(RLIMIT_DATA, data_bytes() + LIMIT + options.threads * 8 * MIB);
    pthread_barrier_init(&barrier, NULL, options.threads);
    harness_run_threads(run_thread);
    return 0;
}
