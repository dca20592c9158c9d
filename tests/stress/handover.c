/*
 * handover.c - threads in a ring, each freeing what the one before it allocated.
 *
 * Objects come in bursts, longer than what a thread's caches hold at times. Some go further than to the next thread.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "harness.h"
#include "memory.h"

enum {
    QUEUE = 1024,
    LONGEST_BURST = 600,
    LARGEST = 256 * KIB,
};

/* From one thread to the next. One writes, one reads. */
struct queue {
    struct object objects[QUEUE];
    _Atomic size_t written;
    _Atomic size_t read;
    atomic_bool closed; /* nothing more is written */
};
static struct queue queues[MAX_THREADS];

static bool push(struct queue *queue, const struct object *object)
{
    size_t written = atomic_load_explicit(&queue->written, memory_order_relaxed);

    if (written - atomic_load_explicit(&queue->read, memory_order_acquire) == QUEUE)
        return false;
    queue->objects[written % QUEUE] = *object;
    atomic_store_explicit(&queue->written, written + 1, memory_order_release);
    return true;
}

static bool pop(struct queue *queue, struct object *object)
{
    size_t read = atomic_load_explicit(&queue->read, memory_order_relaxed);

    if (read == atomic_load_explicit(&queue->written, memory_order_acquire))
        return false;
    *object = queue->objects[read % QUEUE];
    atomic_store_explicit(&queue->read, read + 1, memory_order_release);
    return true;
}

/* One object in eight goes on to the next thread, some of those resized; the others end here. */
static void consume(struct object *object, struct queue *out, struct random *random)
{
    uint64_t what = random_below(random, 16);

    if (what == 0)
        object_resize(object, 1 + random_size(random, LARGEST));
    if (what > 1 || !push(out, object))
        object_free(object);
}

/* Returns how many objects were handed on. */
static uint64_t produce_burst(struct queue *out, struct random *random)
{
    uint64_t length = 1 + random_below(random, LONGEST_BURST);
    struct object object;

    for (uint64_t i = 0; i < length; i++) {
        object_allocate(&object, random, random_size(random, LARGEST));
        if (!push(out, &object)) {
            object_free(&object);
            return i;
        }
    }
    return length;
}

static void consume_burst(struct queue *in, struct queue *out, struct random *random)
{
    uint64_t length = 1 + random_below(random, LONGEST_BURST);
    struct object object;

    for (uint64_t i = 0; i < length && pop(in, &object); i++)
        consume(&object, out, random);
}

/* Free what still comes. */
static void drain(struct queue *in)
{
    struct object object;
    bool closed;

    do {
        closed = in->closed; /* before the last look into the queue */
        while (pop(in, &object))
            object_free(&object);
        sched_yield();
    } while (!closed);
}

static void run_thread(unsigned index)
{
    struct random random = random_start(index);
    struct queue *in = &queues[index];
    struct queue *out = &queues[(index + 1) % options.threads];
    uint64_t produced = 0;

    while (produced < options.operations) {
        uint64_t burst = produce_burst(out, &random);
        produced += burst;
        consume_burst(in, out, &random);
        if (burst == 0)
            sched_yield(); /* the next thread is behind */
    }
    out->closed = true;
    drain(in);
}

int main(int argc, char **argv)
{
    harness_start(argc, argv, (struct options){.threads = 2, .operations = 100000});
    do {
        for (size_t i = 0; i < MAX_THREADS; i++)
            queues[i].closed = false;
        harness_run_threads(run_thread);
        harness_validate("with every object freed by another thread");
    } while (!harness_done(0));
    return 0;
}
