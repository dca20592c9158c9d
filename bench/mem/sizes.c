/* sizes.c - the routines by size: hot and cold, aligned and not, one size over and over and sizes at random. */
#define _GNU_SOURCE
#include "bench.h"

#include <stdio.h>
#include <string.h>

enum { PLACES = 1 << 14, HOT_CALLS = 5000, WHAT = 64 };

enum routine { MEMCPY, MEMMOVE, MEMSET, MEMCMP, MEMCHR, MEMRCHR, ROUTINES };

static const char *const names[ROUTINES] = {"memcpy", "memmove", "memset", "memcmp", "memchr", "memrchr"};

/* Where a call works, and on how many bytes. */
struct place {
    uint32_t to, from, size;
};

static volatile uint64_t sink;

/* ns for a call, of `calls` at the places in turn; of those there is a power of two. */
static double time_places(const struct subject *s, enum routine routine, const struct place *places, size_t count,
                          size_t calls)
{
    size_t mask = count - 1;
    uint64_t sum = 0;
    double start = now_ns();

#define EACH(call)                                                                                                     \
    for (size_t i = 0; i < calls; i++) {                                                                               \
        const struct place *p = &places[i & mask];                                                                     \
        char *to = to_area + p->to, *from = from_area + p->from;                                                       \
        sum += (uintptr_t)(call), (void)to, (void)from;                                                                \
    }                                                                                                                  \
    break
    switch (routine) {
    case MEMCPY:
        EACH(s->memcpy(to, from, p->size));
    case MEMMOVE:
        EACH(s->memmove(to, from, p->size));
    case MEMSET:
        EACH(s->memset(to, 0, p->size));
    case MEMCMP:
        EACH(s->memcmp(to, from, p->size));
    case MEMCHR:
        EACH(s->memchr(from, 1, p->size));
    case MEMRCHR:
        EACH(s->memrchr(from, 1, p->size));
    default:
        break;
    }
#undef EACH
    sink = sum;
    return (now_ns() - start) / (double)calls;
}

static void measure(const char *part, const char *what, enum routine routine, const struct place *places, size_t count,
                    size_t calls)
{
    double best[SUBJECTS];

    for (int round = 0; round < ROUNDS; round++)
        for (int s = 0; s < SUBJECTS; s++) {
            double t = time_places(&subjects[s], routine, places, count, calls);
            best[s] = round == 0 || t < best[s] ? t : best[s];
        }
    for (int s = 0; s < SUBJECTS; s++)
        print_figure(part, names[routine], subjects[s].name, what, best[s]);
    fflush(stdout);
}

static bool finds(enum routine routine)
{
    return routine == MEMCHR || routine == MEMRCHR;
}

/* The byte that is looked for is the last one, or the first: the whole buffer has to be looked at. */
static char *wanted_byte(enum routine routine, const struct place *p)
{
    return from_area + p->from + (routine == MEMCHR ? p->size - 1 : 0);
}

/* One size in one place, aligned and not. */
static void measure_size(const char *part, enum routine routine, size_t size)
{
    size_t calls = ((size_t)1 << 23) / (size + 256);

    calls = calls > HOT_CALLS ? HOT_CALLS : calls < 2 ? 2 : calls;
    for (int aligned = 1; aligned >= 0; aligned--) {
        struct place place = {.to = aligned ? 64 : 71, .from = aligned ? 64 : 91, .size = (uint32_t)size};
        char what[WHAT];
        snprintf(what, sizeof(what), "%zu %s", size, aligned ? "aligned" : "unaligned");
        if (finds(routine) && size)
            *wanted_byte(routine, &place) = 1;
        measure(part, what, routine, &place, 1, calls);
        if (finds(routine) && size)
            *wanted_byte(routine, &place) = 0;
    }
}

static bool is_wanted(const char *routine, int r)
{
    return !routine || strcmp(routine, names[r]) == 0;
}

void part_size(const char *routine)
{
    for (int r = 0; r < ROUTINES; r++)
        for (size_t size = 0; is_wanted(routine, r) && size <= 4096; size += size < 256 ? 1 : size < 1024 ? 16 : 64)
            measure_size("size", (enum routine)r, size);
}

void part_large(const char *routine)
{
    for (int r = 0; r < ROUTINES; r++)
        for (size_t size = 8192; is_wanted(routine, r) && size <= (size_t)64 << 20; size *= 2)
            measure_size("large", (enum routine)r, size);
}

void part_cold(const char *routine)
{
    static struct place places[PLACES];

    for (int r = 0; r < ROUTINES; r++)
        for (size_t size = 1; is_wanted(routine, r) && size <= 4096; size *= 2) {
            char what[WHAT];
            for (size_t i = 0; i < PLACES; i++)
                places[i] =
                    (struct place){random_next() % (AREA - 4096), random_next() % (AREA - 4096), (uint32_t)size};
            snprintf(what, sizeof(what), "%zu cold", size);
            measure("cold", what, (enum routine)r, places, PLACES, PLACES);
        }
}

/* As programs have them: half below 16, a quarter from there to 32, an eighth to 64, and so on to 1,024. */
static uint32_t draw_as_programs(void)
{
    unsigned order = 4;

    while (order < 10 && (random_next() & 1))
        order++;
    uint32_t low = order == 4 ? 0 : 1u << (order - 1);
    return low + random_next() % ((1u << order) - low);
}

static void measure_random(enum routine routine, const char *what, uint32_t below)
{
    static struct place places[PLACES];
    uint32_t used = 64;

    for (size_t i = 0; i < PLACES; i++) {
        uint32_t size = below ? random_next() % below : draw_as_programs();
        places[i] = (struct place){random_next() % 8192, random_next() % 8192, size};
        if (!finds(routine))
            continue;
        places[i].from = used; /* each has its own bytes */
        if (size)
            *wanted_byte(routine, &places[i]) = 1;
        used += size + random_next() % 16;
    }
    measure("random", what, routine, places, PLACES, PLACES);
    if (finds(routine))
        memset(from_area, 0, used);
}

void part_random(const char *routine)
{
    static const struct {
        const char *what;
        uint32_t below; /* 0: as programs */
    } draws[] = {{"0..15", 16}, {"0..31", 32}, {"0..63", 64}, {"0..127", 128}, {"0..255", 256}, {"as programs", 0}};

    for (int r = 0; r < ROUTINES; r++)
        for (size_t d = 0; is_wanted(routine, r) && d < sizeof(draws) / sizeof(draws[0]); d++)
            measure_random((enum routine)r, draws[d].what, draws[d].below);
}
