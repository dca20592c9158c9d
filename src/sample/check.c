/* check.c - see check.h. */
#include "sample/check.h"

#include "heap/object.h"
#include "sample/canary.h"
#include "sample/fence.h"
#include "sample/guarded.h"
#include "sample/intercept.h"
#include "sample/sample.h"
#include "sample/stacks.h"
#include "sys/sys.h"

#include <string.h>

enum {
    STEP = 256,     /* calls between two looks at what they cost */
    TIMED = 15,     /* no multiple or part of what programs do in rounds */
    SITES = 4096,   /* call sites that are told apart */
    SITE_FIRST = 8, /* allocations of each that are guarded always */
    HELD_PART = 8,  /* of the memory limit, for freed objects that wait */
    HELD_MAX = 64 * 1024 * 1024,
    FORGOTTEN = 8192, /* bytes of stack */
};

#define START_NS  50000000ull /* that may be spent in any case: so that short programs are guarded whole */
#define SHARE_MIN (UINT32_MAX / 4096)

/*
 * Of the time that there is, what is measured here may take so much: the checks of the C library's functions, and
 * caches that are colder than before, take the rest.
 */
#define PERCENT_MEASURED 45

static const struct guarded_limits guards = {
    .band_shift = 36,
    .hold = 64 * 1024,
    .stack_bytes = GIB,
    .stack_chains = 1u << 20,
    .rules = 1u << 16,
};

struct check check;

static struct {
    ATOMIC uint64_t spent_ns;
    ATOMIC uint32_t calls; /* of allocating and freeing functions, so far */
    ATOMIC uint8_t sites[SITES];
} governor;

int check_start(const struct check_limits *limits)
{
    int error = guarded_start(&guards, limits->guards);

    if (!error)
        error = fence_start(min_size(HELD_MAX, limits->memory / HELD_PART));
    if (error)
        return error;
    check.limits = *limits;
    check.share = UINT32_MAX;
    check.depth = STACKS_DEPTH;
    findings.strict = true;
    check.process = sys_pid();
    check.on = true;
    return 0;
}

/* --- the governor --- */

/* Less by half at once when too much has been spent, more in small steps. */
static void adapt(void)
{
    uint64_t spent = __atomic_load_n(&governor.spent_ns, __ATOMIC_RELAXED);
    uint64_t allowed =
        START_NS + sys_cpu_ns() / 100 * PERCENT_MEASURED * (check.limits.slowdown - 1) / check.limits.slowdown;
    uint32_t share = check.share, depth = check.depth;

    if (spent > allowed) {
        depth = share <= SHARE_MIN ? (uint32_t)max_size(depth / 2, 1) : depth;
        share = share / 2 > SHARE_MIN ? share / 2 : SHARE_MIN;
    } else if (depth < STACKS_DEPTH) {
        depth++;
    } else {
        share = share + share / 8 > share ? share + share / 8 : UINT32_MAX;
    }
    __atomic_store_n(&check.share, share, __ATOMIC_RELAXED);
    __atomic_store_n(&check.depth, depth, __ATOMIC_RELAXED);
}

/* Whether this is one of the first few allocations of its site: of the three innermost calls. */
static bool is_first_of_site(uint32_t number)
{
    const struct stack *stack = stacks_get(number);
    uint64_t hash = 0;

    for (uint32_t i = 0; stack && i < stack->count && i < 3; i++)
        hash = (hash ^ stack->calls[i]) * 0x9e3779b97f4a7c15;
    ATOMIC uint8_t *count = &governor.sites[hash >> 52];
    if (*count >= SITE_FIRST)
        return false;
    __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
    return true;
}

static bool is_to_be_guarded(size_t size, uint32_t stack)
{
    uint32_t share = __atomic_load_n(&check.share, __ATOMIC_RELAXED);

    if (__atomic_load_n(&slots.live_bytes, __ATOMIC_RELAXED) + size > check.limits.memory)
        return false;
    return share == UINT32_MAX || is_first_of_site(stack) || (uint32_t)(sample_random() >> 32) < share;
}

/* --- objects --- */

static void *take(struct heap *heap, size_t size, size_t align, bool zeroed, enum routine routine)
{
    if (UNLIKELY(!guarded_open))
        return NULL;
    uint32_t stack = stacks_here(check.depth);
    void *object = NULL;

    if (is_to_be_guarded(size, stack))
        object = guarded_take(size, align, !check.limits.at_start, routine, stack);
    bool clean = object != NULL; /* pages of its own */
    if (!object)
        object = fence_take(heap, size, align, routine, stack);
    if (!object)
        return NULL;
    if (!zeroed)
        memset(object, FRESH_BYTE, min_size(size, FILL_MAX));
    else if (!clean)
        memset(object, 0, size);
    return object;
}

static bool give(struct heap *heap, void *ptr, const struct giving *giving)
{
    if (slots_own(ptr)) {
        guarded_give(ptr, giving);
        return true;
    }
    if (fence_give(heap, ptr, giving, check.depth))
        return true;
    if (check_is_usual(ptr))
        return false;
    checked_end(NULL, ptr, giving, 0);
    return true;
}

/* One call in TIMED is timed, for all of them. */
static uint64_t begin(void)
{
    uint32_t number = __atomic_add_fetch(&governor.calls, 1, __ATOMIC_RELAXED);

    if (UNLIKELY(number % STEP == 0)) {
        adapt();
        intercept_refresh();
    }
    return UNLIKELY(number % TIMED == 0) ? sys_now_ns() : 0;
}

static void end(uint64_t since)
{
    if (UNLIKELY(since))
        __atomic_fetch_add(&governor.spent_ns, TIMED * (sys_now_ns() - since), __ATOMIC_RELAXED);
}

void *check_take(struct heap *heap, size_t size, size_t align, bool zeroed, enum routine routine)
{
    uint64_t since = begin();
    void *object = take(heap, size, align, zeroed, routine);

    end(since);
    return object;
}

bool check_give(struct heap *heap, void *ptr, const struct giving *giving)
{
    uint64_t since = begin();
    bool given = give(heap, ptr, giving);

    end(since);
    return given;
}

bool check_is_usual(const void *ptr)
{
    struct object o;
    struct checked object;

    return !check_near(ptr, &object) && object_find(ptr, &o) == OBJECT_START;
}

bool check_near(const void *p, struct checked *out)
{
    return slots_own(p) ? guarded_near(p, out) : fence_near(p, out);
}

/* Addresses of objects that looking at them has left behind are no reason to take those for reachable. */
static NOINLINE void forget(void)
{
    volatile uint64_t words[FORGOTTEN / sizeof(uint64_t)];

    for (size_t i = 0; i < LENGTH(words); i++)
        words[i] = 0;
    cpu_clear_vectors();
}

void check_end(void)
{
    if (!check.on || sys_pid() != check.process || __atomic_exchange_n(&check.ended, true, __ATOMIC_RELAXED))
        return;
    guarded_look_at_all();
    fence_look_at_all();
    forget();
    if (check.limits.leaks && findings.reporter[0])
        findings_report("leaks", 0);
}

void check_lock(void)
{
    if (check.on)
        fence_lock();
}

void check_unlock(void)
{
    if (check.on)
        fence_unlock();
}

void check_after_fork(void)
{
    check.process = sys_pid();
    fence_after_fork();
}
