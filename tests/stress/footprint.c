/*
 * footprint.c - resident memory follows what a program uses.
 *
 * Phase after phase replaces the objects that there are by those of other sizes, the live bytes staying about the
 * same. At the end of each, resident memory is bounded by them; the more so after a while in which the program does
 * little. And when all is freed, resident memory goes back to where it began: by malloc_trim(0) at once, by itself
 * after a while.
 *
 * An operation is one round of all this.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "harness.h"
#include "memory.h"

#include "allocator.h"

enum {
    LIVE = 16 * MIB,  /* bytes that a phase comes to hold */
    TURNOVERS = 6,    /* how often a phase allocates as much: hardly anything of the one before is left then */
    FIXED = 8 * MIB,  /* what any heap may hold beside */
    EMPTY = 6 * MIB,  /* what a heap without objects may hold */
    IDLE_POLLS = 500, /* of 10 ms: how long a heap has to give back what is idle */
    SLOTS = LIVE / 16,

    /*
     * Tenths of the live bytes. While one phase replaces the other at random places, next to nothing that the old one
     * used can serve the new one: twice the live bytes are beyond any heap that does not move objects, and what has
     * just been freed comes on top.
     */
    BUSY_TENTHS = 50,
    IDLE_TENTHS = 25,
};

static const struct phase {
    const char *name;
    size_t smallest;
    size_t largest;
} phases[] = {
    {"tiny", 16, 100},       {"pages", 4000, 4400},      {"mixed", 16, 4 * MIB}, {"small", 100, 1000},
    {"large", MIB, 4 * MIB}, {"medium", 1000, 64 * KIB}, {"tiny", 16, 48},       {"mixed", 16, 300 * KIB},
};

/* Not of the heap; all of it is resident before anything is measured. */
static struct object *objects;
static size_t count;
static size_t live;

/* Every scale between the phase's sizes has as many objects as any other. */
static size_t choose(const struct phase *phase, struct random *random)
{
    size_t limit = phase->smallest;

    while (limit < phase->largest && random_below(random, 2))
        limit *= 2;
    if (limit >= phase->largest)
        return phase->smallest + random_below(random, phase->largest - phase->smallest + 1);
    return limit + random_below(random, (limit * 2 < phase->largest ? limit * 2 : phase->largest) - limit + 1);
}

static size_t add(const struct phase *phase, struct random *random)
{
    size_t size = choose(phase, random);

    if (count == SLOTS)
        FAIL("more objects than slots");
    object_malloc(&objects[count++], size);
    live += size;
    return size;
}

static void remove_any(struct random *random)
{
    size_t i = random_below(random, count);

    live -= objects[i].size;
    object_free(&objects[i]);
    objects[i] = objects[--count];
}

static void run_phase(const struct phase *phase, struct random *random)
{
    size_t allocated = 0;

    while (allocated < (size_t)TURNOVERS * LIVE) {
        allocated += add(phase, random);
        while (live > LIVE)
            remove_any(random);
    }
}

static void check_resident(const char *what, size_t base, size_t limit)
{
    size_t resident = resident_bytes();
    size_t own = resident > base ? resident - base : 0;

    printf("%-14s %6zu KiB live in %7zu objects, %6zu KiB resident\n", what, live / KIB, count, own / KIB);
    if (resident_is_the_heaps && own > limit)
        FAIL("%s: %zu KiB are resident, the limit is %zu KiB", what, own / KIB, limit / KIB);
}

/* Little happens, but something does: a heap without a thread of its own acts when it is called. Only loam's does act.
 */
static void check_idle(const char *what, size_t base, size_t limit)
{
    if (!on_loam())
        return;
    for (int i = 0; i < IDLE_POLLS && resident_bytes() > base + limit; i++) {
        void *small = malloc(100);
        void *large = malloc(300 * KIB);
        memset(large, 1, 1000);
        free(small);
        free(large);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    check_resident(what, base, limit);
}

static void run_phases(size_t base, struct random *random)
{
    for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
        run_phase(&phases[i], random);
        check_resident(phases[i].name, base, live / 10 * BUSY_TENTHS + FIXED);
        check_idle("  then idle", base, live / 10 * IDLE_TENTHS + FIXED);
    }
}

static void free_all(struct random *random)
{
    while (count > 0)
        remove_any(random);
}

int main(int argc, char **argv)
{
    size_t size = SLOTS * sizeof(struct object);
    struct random random;
    size_t base;

    harness_start(argc, argv, (struct options){.threads = 1, .operations = 1});
    random = random_start(0);
    objects = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (objects == MAP_FAILED)
        FAIL("no memory for the objects' descriptions");
    free(malloc(1));
    base = resident_bytes();
    do {
        run_phases(base, &random);
        free_all(&random);
        malloc_trim(0);
        check_resident("trimmed", base, EMPTY);

        run_phase(&phases[0], &random);
        run_phase(&phases[5], &random);
        free_all(&random);
        check_idle("idle", base, EMPTY);
        harness_validate("at the end");
    } while (!harness_done(options.operations - 1));
    return 0;
}
