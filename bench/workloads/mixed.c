/*
 * mixed.c - sizes and lifetimes as programs have them: most are small and die young, a few are large or stay.
 *
 * Both follow a power law. A size doubles from 16 bytes with a chance of 11/20, up to 1 MiB: five of six objects
 * are below 128 bytes, and half of the bytes are in the one in 1300 that is not below 64 KiB. A lifetime, counted in
 * objects made, doubles from 4 with a chance of 17/20, up to a million: 60,000 objects live, and 28 MiB.
 *
 * The wheel has a list of the objects that die at each moment, linked through the objects themselves.
 *
 * Source: B. Zorn and D. Grunwald, "Evaluating models of memory allocation", 1994; the survey of P. Wilson and others,
 *         "Dynamic storage allocation: a survey and critical review", 1995, on how lifetimes are distributed.
 */
#include "workload.h"

enum {
    STEPS = 6000000,
    SIZE_FIRST = 16,
    SIZE_DOUBLINGS = 16, /* to 1 MiB */
    LIFE_FIRST = 4,
    LIFE_DOUBLINGS = 17, /* to half a million, and up to as much again */
    WHEEL = LIFE_FIRST << (LIFE_DOUBLINGS + 1),
};

struct mortal {
    struct mortal *next; /* to die at the same moment */
    unsigned char rest[SIZE_FIRST - sizeof(struct mortal *)];
};

static struct mortal *wheel[WHEEL];

static void reap(size_t moment)
{
    struct mortal *mortal = wheel[moment % WHEEL];

    wheel[moment % WHEEL] = NULL;
    while (mortal) {
        struct mortal *next = mortal->next;
        free(mortal);
        mortal = next;
    }
}

static void make(struct random *random, size_t moment)
{
    size_t size = random_power_law(random, SIZE_FIRST, SIZE_DOUBLINGS, 11);
    struct mortal **death = &wheel[(moment + random_power_law(random, LIFE_FIRST, LIFE_DOUBLINGS, 17)) % WHEEL];
    struct object object = object_get(size < MIB ? size : MIB);
    struct mortal *mortal = (struct mortal *)object.data;

    object_write(object);
    mortal->next = *death;
    *death = mortal;
}

void mixed_run(const struct job *job)
{
    struct random random = {5};
    size_t steps = job_amount(job, STEPS);

    for (size_t moment = 0; moment < steps; moment++) {
        reap(moment);
        make(&random, moment);
    }
    for (size_t moment = 0; moment < WHEEL; moment++)
        reap(moment);
}
