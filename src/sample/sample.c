/* sample.c - see sample.h. */
#include "sample/sample.h"

#include "range/range.h"
#include "sample/stacks.h"
#include "sys/sys.h"

enum {
    SAMPLE_COST = 1000 * 1000, /* ns that a sample is followed by, on average, before the next */
    MANTISSA = 53,
};

#define NEVER (INT64_MAX / 2)

/* Little memory for programs that have few samples; addresses are free. */
static const struct guarded_limits guards = {
    .band_shift = 30,
    .hold = 256,
    .stack_bytes = 64 * MIB,
    .stack_chains = 4096,
    .rules = 512,
};

CPU_THREAD_LOCAL int64_t sample_countdown;

static CPU_THREAD_LOCAL uint64_t random_state;

static struct {
    struct sample_limits limits;
    ATOMIC uint64_t paid_ns; /* until when samples so far are paid for: never much below the clock */

    struct lock lock;
    ATOMIC int state; /* of the slots: 0 not started, 1 ready, -1 not to be had */
} sampling;

void sample_start(const struct sample_limits *wanted)
{
    sampling.limits = *wanted;
}

/* Source: G. Marsaglia, "Xorshift RNGs", 2003. */
uint64_t sample_random(void)
{
    uint64_t x = random_state;

    if (!x) {
        x = sampling.limits.seed ? sampling.limits.seed : sys_now_ns() ^ (uint64_t)(uintptr_t)&x << 20;
        x = (x + (uint64_t)sys_thread() * !sampling.limits.seed) * 0x9e3779b97f4a7c15 | 1;
    }
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    random_state = x;
    return x;
}

/* The natural logarithm of x > 0, to five digits: 2 atanh((m - 1) / (m + 1)) of its mantissa. */
static double logarithm(uint64_t x)
{
    unsigned exponent = floor_log2(x);
    double m = (double)x / (double)(1ull << exponent);
    double s = (m - 1) / (m + 1), q = s * s;

    return 0.693147180559945 * exponent + 2 * s * (1 + q * (1.0 / 3 + q * (1.0 / 5 + q / 7)));
}

/* Bytes until the next sample: by inversion of the exponential distribution. */
static int64_t draw(void)
{
    uint64_t uniform = (sample_random() >> (64 - MANTISSA)) + 1; /* in 1 .. 2^53 */
    double bytes = (double)sampling.limits.interval * (MANTISSA * 0.693147180559945 - logarithm(uniform));

    return bytes < (double)NEVER ? (int64_t)bytes : NEVER;
}

/* Whether there is time for one more: a bucket that time fills, kept as the time at which it will be full again. */
static bool affordable(void)
{
    uint64_t now = sys_now_ns();
    uint64_t paid = __atomic_load_n(&sampling.paid_ns, __ATOMIC_RELAXED), next;

    do {
        uint64_t oldest = now > (uint64_t)SAMPLE_BURST * SAMPLE_COST ? now - (uint64_t)SAMPLE_BURST * SAMPLE_COST : 0;
        next = (paid > oldest ? paid : oldest) + SAMPLE_COST;
        if (next > now)
            return false;
    } while (!__atomic_compare_exchange_n(&sampling.paid_ns, &paid, next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return true;
}

static bool ready(void)
{
    int state = __atomic_load_n(&sampling.state, __ATOMIC_ACQUIRE);

    if (LIKELY(state))
        return state > 0;
    lock_take(&sampling.lock);
    if (!sampling.state)
        __atomic_store_n(&sampling.state, guarded_start(&guards, sampling.limits.guards) == 0 ? 1 : -1,
                         __ATOMIC_RELEASE);
    lock_give(&sampling.lock);
    return sampling.state > 0;
}

void *sample_take(size_t size, size_t align, enum routine routine)
{
    bool fresh = !random_state; /* the thread has not drawn yet */

    if (!sampling.limits.interval) {
        sample_countdown = NEVER;
        return NULL;
    }
    sample_countdown = draw();
    if (fresh) {
        sample_countdown -= (int64_t)size;
        if (sample_countdown >= 0)
            return NULL;
        sample_countdown = draw();
    }
    if (!guarded_open || (!sampling.limits.exact && !affordable()) || !ready())
        return NULL;
    return guarded_take(size, align, sample_random() >> 32 & 1, routine, stacks_here(STACKS_DEPTH));
}

void sample_after_fork(void)
{
    lock_init(&sampling.lock);
    random_state = 0;
}
