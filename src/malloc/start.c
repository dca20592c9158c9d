/*
 * start.c - see start.h.
 *
 * The heap starts with the first allocation, which may come from the dynamic linker before any
 * constructor has run: nothing here needs one. What does need the C library (the hooks of fork and of a
 * thread's end) is set up by our constructor, or by the first thread that is not the main one.
 *
 * A thread's end is the destructor of a thread-specific key. Other destructors may allocate after ours, so it asks
 * to be called again until the last round but one; after that, the thread borrows a heap for each call.
 * Source: pthread_key_create(3), pthread_atfork(3).
 */
#include "malloc/start.h"

#include "base/report.h"
#include "heap/explain.h"
#include "heap/observe.h"
#include "malloc/layout.h"
#include "malloc/locking.h"
#include "malloc/options.h"
#include "malloc/summary.h"
#include "sample/check.h"
#include "sample/guarded.h"
#include "sample/intercept.h"
#include "sample/sample.h"
#include "sys/sys.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>

enum {
    STARTED = 1,
    ROUNDS = PTHREAD_DESTRUCTOR_ITERATIONS - 1, /* the last one is the sanitizers' own */
};

static struct {
    struct lock lock;
    ATOMIC int state;
    bool hooked;
    pthread_key_t key;
} start;

static CPU_THREAD_LOCAL int rounds; /* of thread-specific destructors so far */

/* Every allocation is watched, as the options want it. */
static void start_check(void)
{
    const struct check_limits limits = {
        .slowdown = (unsigned)options.slowdown,
        .memory = options.memory ? options.memory * MIB : sys_ram() / 4,
        .guards = !options.no_guards,
        .leaks = !options.no_leaks,
        .at_start = options.at_start,
    };

    strcpy(findings.reporter, options.reporter);
    findings.keep_going = options.keep_going;
    findings.status = (int)options.status;
    if (check_start(&limits) < 0)
        report_line("loam: there are not enough addresses to check this program; it runs unchecked.\n");
}

/* A sampled object lies on pages that cannot be kept: where memory is locked there are none, unless they are asked for.
 */
static void start_samples(void)
{
    bool wanted = !options.check && (options.lock == LOCK_NONE || options.sample_set);
    const struct sample_limits limits = {
        .interval = wanted ? options.sample : 0,
        .exact = options.sample_set,
        .guards = !options.no_guards,
        .seed = options.seed,
    };
    sample_start(&limits);
}

static void start_heap(void)
{
    lock_take(&start.lock);
    if (start.state != STARTED) {
        options_read();
        observers.hardened = options.hardened;
        observers.tally = options.summary[0] != '\0';
        range_start(options.brk ? &source_brk : &source_mmap, options.purge_ms, options.huge_pages);
        locking_start();
        heap_start(options.hardened);
        start_samples();
        if (options.check)
            start_check();
        summary_start();
        __atomic_store_n(&start.state, STARTED, __ATOMIC_RELEASE);
    }
    lock_give(&start.lock);
}

static void end_thread(void *unused)
{
    struct heap *heap = heap_thread.heap;

    (void)unused;
    if (!heap)
        return;
    if (++rounds < ROUNDS && pthread_setspecific(start.key, heap) == 0)
        return;
    heap_end_thread();
    if (observers.tally)
        observe_settle(heap);
    heap_release(heap);
}

static void before_fork(void)
{
    lock_take(&start.lock);
    heap_lock_all();
    guarded_lock();
    check_lock();
}

static void after_fork_in_parent(void)
{
    check_unlock();
    guarded_unlock();
    heap_unlock_all();
    lock_give(&start.lock);
}

static void after_fork_in_child(void)
{
    lock_init(&start.lock);
    layout_after_fork();
    locking_after_fork();
    guarded_after_fork();
    check_after_fork();
    sample_after_fork();
    heap_after_fork(heap_thread.heap);
    if (observers.tally)
        observe_after_fork();
    summary_start();
}

/* Once. Both calls may allocate, so no lock is held: a flag lets one thread in. */
static void hook(void)
{
    if (__atomic_exchange_n(&start.hooked, true, __ATOMIC_ACQ_REL))
        return;
    pthread_key_create(&start.key, end_thread); /* a failure leaves heaps to no one: they stay in use, no worse */
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

__attribute__((constructor)) static void construct(void)
{
    heap_leave(heap_enter());
    hook();
    guarded_open = true;
    if (check.on)
        intercept_start();
}

/* The end of a program by exit(3) or a return from main(); see symbols.c for the others. */
__attribute__((destructor)) static void destruct(void)
{
    check_end();
}

void heap_set_face(void)
{
    heap_thread.face = observed() || check.on || !heap_thread.heap ? (struct heap *)&heap_empty : heap_thread.heap;
}

struct heap *heap_enter_slow(void)
{
    if (heap_thread.heap)
        return heap_thread.heap;
    if (__atomic_load_n(&start.state, __ATOMIC_ACQUIRE) != STARTED)
        start_heap();
    struct heap *heap = heap_acquire();
    if (!heap || heap_thread.ended)
        return heap;
    heap_thread.heap = heap;
    heap_set_face();
    if (sys_thread() != sys_pid()) {
        hook();
        pthread_setspecific(start.key, heap);
    }
    return heap;
}

void heap_leave_slow(struct heap *heap)
{
    if (heap)
        heap_lend_back(heap);
}
