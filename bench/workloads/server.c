/*
 * server.c - a cache that serves requests, whose values change their sizes from phase to phase.
 *
 *   server           only the work
 *   server:trace     also tells of live and resident bytes over time: some two hundred lines
 *                    "at PHASE REQUESTS LIVE RESIDENT", and one "end ..." of the same at each phase's end
 *   server:latency   times each call instead, and tells in nanoseconds, of malloc and of free:
 *                    "NAME CALLS P50 P99 P99.9 P99.99 WORST"
 *
 * What they tell goes to the file that LOAM_BENCH_TRACE names, or to the output.
 *
 * A request makes some objects, keeps one value in three of them, and frees the others. The cache holds a number of
 * bytes that depends on the phase; values are dropped at random. After a change of sizes the new values must find room
 * between what is left of the old: an allocator that cannot use it again needs twice the memory.
 *
 * Source: S. Rumble, A. Kejriwal and J. Ousterhout, "Log-structured memory for DRAM-based storage", FAST 2014, where
 *         workloads W1 to W8 change their sizes in this way.
 */
#include "workload.h"

#include <fcntl.h>
#include <unistd.h>

enum {
    VALUES_MAX = 1000000,
    OBJECTS_MAX = 24, /* of a request */
    KEEP = 3,         /* one request in so many leaves a value */
    SAMPLES = 40,     /* of a phase */
    OBJECT_FIRST = 16,
    OBJECT_DOUBLINGS = 7, /* to 4 KiB */
    BUCKETS = 64 * 8,     /* of latencies: eight per doubling */
};

struct phase {
    size_t budget; /* bytes of values */
    size_t size_first;
    int size_doublings;
    size_t requests;
    unsigned pause_us; /* after each request; only when memory is traced */
};

static const struct phase phases[] = {
    {64 * MIB, 64, 3, 600000, 0},     /* small values */
    {64 * MIB, 1 * KIB, 5, 60000, 0}, /* large ones */
    {96 * MIB, 64, 9, 250000, 0},     /* both */
    {8 * MIB, 64, 3, 60000, 0},       /* few are left, */
    {8 * MIB, 64, 3, 4000, 500},      /* and little is done */
    {64 * MIB, 64, 3, 600000, 0},     /* small ones again */
};

enum { PHASES = sizeof(phases) / sizeof(*phases) };

struct latencies {
    const char *name;
    uint64_t calls;
    uint64_t worst; /* ns */
    uint32_t buckets[BUCKETS];
};

static struct object values[VALUES_MAX];
static size_t value_count, live_bytes;
static struct latencies of_malloc = {.name = "malloc"}, of_free = {.name = "free"};
static bool timing;
static FILE *trace;
static int statm = -1;

/* The bits below the highest one, three of them, cut each doubling into eight. */
static unsigned bucket_of(uint64_t ns)
{
    unsigned doubling = ns < 8 ? 3 : 63 - (unsigned)__builtin_clzll(ns);

    return ns < 8 ? (unsigned)ns : doubling * 8 + (unsigned)(ns >> (doubling - 3) & 7);
}

static uint64_t bucket_end(unsigned bucket)
{
    return bucket < 8 ? bucket + 1 : (uint64_t)(9 + bucket % 8) << (bucket / 8 - 3);
}

static void note(struct latencies *latencies, uint64_t ns)
{
    latencies->calls++;
    latencies->buckets[bucket_of(ns)]++;
    if (ns > latencies->worst)
        latencies->worst = ns;
}

static struct object make(size_t size)
{
    uint64_t start = timing ? now_ns() : 0;
    struct object object = object_get(size);

    if (timing)
        note(&of_malloc, now_ns() - start);
    object_write(object);
    live_bytes += size;
    return object;
}

static void drop(struct object object)
{
    object_check(object);
    uint64_t start = timing ? now_ns() : 0;
    free(object.data);
    if (timing)
        note(&of_free, now_ns() - start);
    live_bytes -= object.size;
}

static void drop_value(struct random *random)
{
    struct object *value = &values[random_below(random, value_count)];

    drop(*value);
    *value = values[--value_count];
}

/* Make room in the cache, then keep a new value. */
static void keep(struct random *random, const struct phase *phase)
{
    size_t size = random_power_law(random, phase->size_first, phase->size_doublings, 10);

    while (value_count > 0 && (live_bytes + size > phase->budget || value_count == VALUES_MAX))
        drop_value(random);
    values[value_count++] = make(size);
}

static void serve(struct random *random, const struct phase *phase)
{
    struct object objects[OBJECTS_MAX];
    size_t count = 1 + random_below(random, OBJECTS_MAX);

    for (size_t i = 0; i < count; i++)
        objects[i] = make(random_power_law(random, OBJECT_FIRST, OBJECT_DOUBLINGS, 9));
    if (random_below(random, KEEP) == 0)
        keep(random, phase);
    for (size_t i = count; i-- > 0;)
        drop(objects[i]);
}

/* /proc/self/statm, proc(5): the second number is in pages. Nothing here allocates. */
static size_t resident_bytes(void)
{
    char text[128] = "";
    char *at;

    if (pread(statm, text, sizeof(text) - 1, 0) <= 0)
        return 0;
    strtoul(text, &at, 10);
    return strtoul(at, NULL, 10) * PAGE;
}

static void tell(const char *what, size_t phase, size_t requests)
{
    if (trace && !timing)
        fprintf(trace, "%s %zu %zu %zu %zu\n", what, phase, requests, live_bytes, resident_bytes());
}

/* The end of the bucket below which `part` of all calls lie, but not above the worst. */
static uint64_t percentile(const struct latencies *latencies, double part)
{
    uint64_t below = 0;
    unsigned i = 0;

    while (i < BUCKETS - 1 && (double)(below += latencies->buckets[i]) < part * (double)latencies->calls)
        i++;
    return bucket_end(i) < latencies->worst ? bucket_end(i) : latencies->worst;
}

static void tell_latencies(const struct latencies *latencies)
{
    fprintf(trace, "%s %llu", latencies->name, (unsigned long long)latencies->calls);
    for (const double *part = (const double[]){0.5, 0.99, 0.999, 0.9999, 0}; *part; part++)
        fprintf(trace, " %llu", (unsigned long long)percentile(latencies, *part));
    fprintf(trace, " %llu\n", (unsigned long long)latencies->worst);
}

static void run_phase(const struct job *job, struct random *random, size_t index)
{
    const struct phase *phase = &phases[index];
    size_t requests = job_amount(job, phase->requests);
    size_t step = requests / SAMPLES + 1;

    for (size_t i = 0; i < requests; i++) {
        serve(random, phase);
        while (live_bytes > phase->budget && value_count > 0)
            drop_value(random);
        if (i % step == 0)
            tell("at", index, i);
        if (trace && !timing && phase->pause_us)
            usleep(phase->pause_us);
    }
    tell("end", index, requests);
}

static void open_trace(const struct job *job)
{
    if (!job->parameter)
        return;
    timing = strcmp(job->parameter, "latency") == 0;
    if (!timing && strcmp(job->parameter, "trace") != 0)
        job_fail(job);
    trace = trace_open();
    statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (statm < 0) {
        fprintf(stderr, "loam-bench-workload: cannot read /proc/self/statm\n");
        exit(1);
    }
}

void server_run(const struct job *job)
{
    struct random random = {10};

    open_trace(job);
    for (size_t i = 0; i < PHASES; i++)
        run_phase(job, &random, i);
    while (value_count > 0)
        drop_value(&random);
    if (timing) {
        tell_latencies(&of_malloc);
        tell_latencies(&of_free);
    }
    if (trace)
        trace_close(trace);
}
