/*
 * producer.c - threads in a ring send objects to the next, who frees them.
 *
 *   producer:THREADS   so many in the ring, 2 when left out: those send each other; the work is the same for any number
 *
 * Every object is freed by a thread that did not make it, and each thread both makes and frees. Objects travel in
 * batches through a ring with one writer and one reader, so that a batch costs one exchange of cache lines, and the
 * allocator's own hand-over is what remains.
 *
 * Source: xmalloc-test of C. Lever and D. Boreham, "malloc() performance in a multithreaded Linux environment",
 *         USENIX 2000, there in one direction; the ring after L. Lamport, "Specifying concurrent program modules",
 * 1983.
 */
#include "workload.h"

#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
    BATCH = 64,        /* objects sent at a time */
    RING_BATCHES = 64, /* a power of two */
    SMALLEST = 16,
    LARGEST = 512,    /* bytes, uniform */
    BATCHES = 240000, /* sent in all */
    LINE = 64,
};

struct batch {
    struct object objects[BATCH];
};

/* Batches from `read` up to `written` are full; both only rise. */
struct ring {
    alignas(LINE) _Atomic size_t written; /* the sender's */
    alignas(LINE) _Atomic size_t read;    /* the receiver's */
    alignas(LINE) struct batch batches[RING_BATCHES];
};

struct peer {
    ONE_FOR_EACH_THREAD struct ring *out, *in;
    struct random random;
    size_t to_send, to_receive; /* batches */
};

static bool send(struct peer *peer)
{
    struct ring *ring = peer->out;
    size_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);

    if (peer->to_send == 0 || written - atomic_load_explicit(&ring->read, memory_order_acquire) == RING_BATCHES)
        return false;
    struct batch *batch = &ring->batches[written % RING_BATCHES];
    for (int i = 0; i < BATCH; i++)
        batch->objects[i] = object_new(random_between(&peer->random, SMALLEST, LARGEST));
    atomic_store_explicit(&ring->written, written + 1, memory_order_release);
    peer->to_send--;
    return true;
}

static bool receive(struct peer *peer)
{
    struct ring *ring = peer->in;
    size_t read = atomic_load_explicit(&ring->read, memory_order_relaxed);

    if (atomic_load_explicit(&ring->written, memory_order_acquire) == read)
        return false;
    struct batch *batch = &ring->batches[read % RING_BATCHES];
    for (int i = 0; i < BATCH; i++)
        object_free(batch->objects[i]);
    atomic_store_explicit(&ring->read, read + 1, memory_order_release);
    peer->to_receive--;
    return true;
}

static void *trade(void *argument)
{
    struct peer *peer = argument;

    while (peer->to_send + peer->to_receive > 0) {
        bool sent = send(peer);
        bool received = receive(peer);
        if (!sent && !received)
            sched_yield();
    }
    return NULL;
}

void producer_run(const struct job *job)
{
    size_t count = job_number(job, 2);
    size_t batches = job_amount(job, BATCHES) / count + 1;
    struct ring *rings = aligned_alloc(LINE, count * sizeof(*rings));
    struct peer peers[count];

    if (!rings)
        fail_no_memory(count * sizeof(*rings));
    memset(rings, 0, count * sizeof(*rings));
    for (size_t i = 0; i < count; i++)
        peers[i] = (struct peer){
            .out = &rings[i],
            .in = &rings[(i + count - 1) % count],
            .random = {3 + i},
            .to_send = batches,
            .to_receive = batches,
        };
    threads_run(count, trade, peers, sizeof(*peers));
    free(rings);
}
