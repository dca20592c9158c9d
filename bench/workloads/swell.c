/*
 * swell.c - live sets that grow and shrink again, and leave something behind.
 *
 *   swell:THREADS   so many at a time, 2 when left out; the work is the same for any number
 *
 * Each thread fills its set, frees it in random order, and starts again. One object in sixteen it does not free but
 * puts into a slot that all share, and frees what was there before: what survives a peak pins the memory that it was
 * made in, and mostly is another thread's to free.
 *
 * Source: the peaks of P. Wilson and others, "Dynamic storage allocation: a survey and critical review", 1995; the
 *         transfers as in the mstress test of mimalloc (D. Leijen and others, APLAS 2019).
 */
#include "workload.h"

#include <stdatomic.h>

enum {
    SWELLS = 128,    /* in all */
    OBJECTS = 40000, /* of a peak */
    SLOTS = 4096,
    SURVIVORS = 16, /* one in so many */
    SIZE_FIRST = 16,
    SIZE_DOUBLINGS = 9, /* to 16 KiB */
};

struct swimmer {
    ONE_FOR_EACH_THREAD struct random random;
    size_t swells;
    struct object *objects;
};

/* The objects here are whole: one that is taken out is its taker's. */
static struct object *_Atomic slots[SLOTS];

static void drop(struct object *survivor)
{
    if (!survivor)
        return;
    object_free(*survivor);
    free(survivor);
}

static void leave(struct random *random, struct object object)
{
    struct object *survivor = malloc(sizeof(*survivor));

    if (!survivor)
        fail_no_memory(sizeof(*survivor));
    *survivor = object;
    drop(atomic_exchange_explicit(&slots[random_below(random, SLOTS)], survivor, memory_order_acq_rel));
}

/* In random order (Fisher and Yates). */
static void shrink(struct swimmer *swimmer)
{
    for (size_t left = OBJECTS; left > 0; left--) {
        size_t lot = random_below(&swimmer->random, left);
        struct object object = swimmer->objects[lot];
        swimmer->objects[lot] = swimmer->objects[left - 1];
        if (left % SURVIVORS == 0)
            leave(&swimmer->random, object);
        else
            object_free(object);
    }
}

static void *swim(void *argument)
{
    struct swimmer *swimmer = argument;

    for (size_t swell = 0; swell < swimmer->swells; swell++) {
        for (size_t i = 0; i < OBJECTS; i++)
            swimmer->objects[i] = object_new(random_power_law(&swimmer->random, SIZE_FIRST, SIZE_DOUBLINGS, 10));
        shrink(swimmer);
    }
    return NULL;
}

void swell_run(const struct job *job)
{
    size_t count = job_number(job, 2);
    struct swimmer swimmers[count];

    for (size_t i = 0; i < count; i++) {
        swimmers[i] =
            (struct swimmer){{400 + i}, job_amount(job, SWELLS) / count + 1, calloc(OBJECTS, sizeof(struct object))};
        if (!swimmers[i].objects)
            fail_no_memory(OBJECTS * sizeof(struct object));
    }
    threads_run(count, swim, swimmers, sizeof(*swimmers));
    for (size_t i = 0; i < count; i++)
        free(swimmers[i].objects);
    for (size_t i = 0; i < SLOTS; i++)
        drop(slots[i]);
}
