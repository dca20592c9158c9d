/*
 * exchange.c - threads put objects where any other may take them: all to all, at random.
 *
 *   exchange:THREADS   so many at a time, 2 when left out; the work is the same for any number
 *
 * A shared table of slots: each step makes an object, exchanges it for what is in a random slot, and frees that. So an
 * object is freed by any thread, long after it was made, and beside objects of all others.
 *
 * Source: the stress tests of "asymmetric" exchange in D. Leijen, B. Zorn and L. de Moura, "Mimalloc: free list
 * sharding in action", APLAS 2019; sizes by a power law, see mixed.c.
 */
#include "workload.h"

#include <stdatomic.h>

enum {
    SLOTS = 32768,
    STEPS = 6000000, /* in all */
    SIZE_FIRST = 16,
    SIZE_DOUBLINGS = 7, /* to 4 KiB */
};

/* An object knows its size: who takes it did not make it. */
struct parcel {
    size_t size;
    unsigned char rest[SIZE_FIRST - sizeof(size_t)];
};

struct trader {
    ONE_FOR_EACH_THREAD struct random random;
    size_t steps;
};

static struct parcel *_Atomic slots[SLOTS];

static struct parcel *make(struct random *random)
{
    struct object object = object_new(random_power_law(random, SIZE_FIRST, SIZE_DOUBLINGS, 10));
    struct parcel *parcel = (struct parcel *)object.data;

    parcel->size = object.size;
    return parcel;
}

/* Its first bytes hold its size, its last one still the mark. */
static void drop(struct parcel *parcel)
{
    if (!parcel)
        return;
    if (((unsigned char *)parcel)[parcel->size - 1] != object_mark(parcel->size))
        fail_corrupted(parcel, parcel->size);
    free(parcel);
}

static void *trade(void *argument)
{
    struct trader *trader = argument;

    for (size_t i = 0; i < trader->steps; i++) {
        struct parcel *mine = make(&trader->random);
        drop(atomic_exchange_explicit(&slots[random_below(&trader->random, SLOTS)], mine, memory_order_acq_rel));
    }
    return NULL;
}

void exchange_run(const struct job *job)
{
    size_t count = job_number(job, 2);
    struct trader traders[count];

    for (size_t i = 0; i < count; i++)
        traders[i] = (struct trader){.random = {200 + i}, .steps = job_amount(job, STEPS) / count + 1};
    threads_run(count, trade, traders, sizeof(*traders));
    for (size_t i = 0; i < SLOTS; i++)
        drop(slots[i]);
}
