/* stacks.c - see stacks.h. */
#include "sample/stacks.h"

#include "sys/modules.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>

enum {
    OWN_CALLS = 4,            /* that lead from a function of the C library's name to here */
    READY_BYTES = 128 * 1024, /* that are made accessible at a time */
};

struct stacks stacks;

int stacks_start(size_t size, uint32_t chains)
{
    size_t chain_bytes = chains * sizeof(*stacks.chains);
    intptr_t base = sys_reserve(size + chain_bytes);

    if (base < 0 || sys_protect_rw((unsigned char *)base + size, chain_bytes) < 0)
        return -ENOMEM;
    stacks.base = (unsigned char *)base;
    stacks.size = size;
    stacks.used = STACKS_UNIT;
    stacks.chains = (uint32_t *)(stacks.base + size);
    stacks.mask = chains - 1;
    modules_library((const void *)stacks_start, &stacks.own_start, &stacks.own_size);
    return 0;
}

const struct stack *stacks_get(uint32_t number)
{
    return number ? (const struct stack *)(stacks.base + (size_t)number * STACKS_UNIT) : NULL;
}

static uint32_t hash_of(const uintptr_t *calls, size_t count)
{
    uint64_t hash = count;

    for (size_t i = 0; i < count; i++)
        hash = (hash ^ calls[i]) * 0x9e3779b97f4a7c15;
    return (uint32_t)(hash >> 32);
}

/* The number of a stack in a chain that begins with `first`; 0 for none. */
static uint32_t search(uint32_t first, uint32_t hash, const uintptr_t *calls, size_t count)
{
    const struct stack *stack;

    for (uint32_t number = first; number; number = stack->next) {
        stack = stacks_get(number);
        if (stack->hash == hash && stack->count == count && memcmp(stack->calls, calls, count * sizeof(*calls)) == 0)
            return number;
    }
    return 0;
}

/* Make the first `end` bytes accessible. Returns false when the kernel refuses. */
static bool make_ready(size_t end)
{
    if (LIKELY(end <= __atomic_load_n(&stacks.ready, __ATOMIC_ACQUIRE)))
        return true;
    lock_take(&stacks.lock);
    size_t ready = stacks.ready, wanted = min_size(align_up(end, READY_BYTES), stacks.size);
    if (wanted > ready && sys_protect_rw(stacks.base + ready, wanted - ready) == 0)
        __atomic_store_n(&stacks.ready, wanted, __ATOMIC_RELEASE);
    lock_give(&stacks.lock);
    return end <= stacks.ready;
}

void stacks_after_fork(void)
{
    lock_init(&stacks.lock);
}

/* Room for an entry; 0 when there is none. It is not given back then: others may have taken what follows. */
static uint32_t take_room(size_t count)
{
    size_t size = sizeof(struct stack) + count * sizeof(uintptr_t);
    size_t at = __atomic_fetch_add(&stacks.used, size, __ATOMIC_RELAXED);

    return at + size <= stacks.size && make_ready(at + size) ? (uint32_t)(at / STACKS_UNIT) : 0;
}

uint32_t stacks_keep(const uintptr_t *calls, size_t count)
{
    uint32_t hash = hash_of(calls, count);
    ATOMIC uint32_t *chain = &stacks.chains[hash & stacks.mask];
    uint32_t first = __atomic_load_n(chain, __ATOMIC_ACQUIRE);
    uint32_t number = search(first, hash, calls, count);

    if (LIKELY(number))
        return number;
    number = take_room(count);
    if (!number)
        return 0;
    struct stack *stack = (struct stack *)stacks_get(number);
    *stack = (struct stack){.next = first, .hash = hash, .count = (uint32_t)count};
    memcpy(stack->calls, calls, count * sizeof(*calls));
    while (!__atomic_compare_exchange_n(chain, &stack->next, number, false, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE))
        ; /* two threads may keep the same stack twice: it costs its bytes */
    return number;
}

static bool is_own(uintptr_t call)
{
    return call - stacks.own_start < stacks.own_size;
}

uint32_t stacks_from(struct frame frame, size_t depth)
{
    uintptr_t calls[OWN_CALLS + STACKS_DEPTH];
    size_t count = unwind(frame, true, calls, depth + OWN_CALLS), own = 0;

    while (own < count && is_own(calls[own]))
        own++;
    return count > own ? stacks_keep(calls + own, min_size(count - own, depth)) : 0;
}
