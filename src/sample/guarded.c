/* guarded.c - see guarded.h. */
#include "sample/guarded.h"

#include "sample/stacks.h"
#include "sample/trap.h"
#include "sys/sys.h"

bool guarded_open;

int guarded_start(const struct guarded_limits *limits, bool guards)
{
    int error = slots_start(limits->band_shift, limits->hold, guards);

    if (!error)
        error = unwind_start(limits->rules);
    if (!error)
        error = stacks_start(limits->stack_bytes, limits->stack_chains);
    if (!error)
        trap_start();
    return error;
}

void *guarded_take(size_t size, size_t align, bool at_end, enum routine routine, uint32_t stack)
{
    struct slot *slot = slots_take(size, max_size(align, natural_align(size)), at_end);

    if (!slot)
        return NULL;
    slot->routine = (uint8_t)routine;
    slot->origin = (struct origin){.taken = stack, .taken_by = thread_id()};
    return (void *)slot->start;
}

static struct checked view(struct slot *slot)
{
    return (struct checked){
        .start = slot->start,
        .size = slot->size,
        .origin = &slot->origin,
        .life = &slot->life,
        .routine = slot->routine,
        .before = slots_before(slot),
        .after = slots_after(slot),
    };
}

bool guarded_near(const void *p, struct checked *out)
{
    struct slot *slot = slots_near(p);

    if (slot)
        *out = view(slot);
    return slot != NULL;
}

void guarded_look_at_all(void)
{
    for (uint32_t i = 0; i < slots.band_count; i++) {
        for (uint32_t number = 0; number < slots.bands[i].made; number++) {
            struct checked object = view(&slots.bands[i].slots[number]);
            if (*object.life == LIFE_LIVE)
                checked_look(&object);
        }
    }
}

void guarded_give(void *ptr, const struct giving *giving)
{
    struct slot *slot = slots_near(ptr);
    struct checked object;

    if (slot)
        object = view(slot);
    if (checked_end(slot ? &object : NULL, ptr, giving, STACKS_DEPTH))
        slots_give(slot);
}

void guarded_lock(void)
{
    lock_take(&slots.lock);
}

void guarded_unlock(void)
{
    lock_give(&slots.lock);
}

void guarded_after_fork(void)
{
    lock_init(&slots.lock);
    stacks_after_fork();
    thread_after_fork();
    finding_after_fork();
    trap_after_fork();
}
