/* checked.c - see checked.h. */
#include "sample/checked.h"

#include "cpu/cpu.h"
#include "sample/canary.h"
#include "sample/stacks.h"
#include "sys/sys.h"

static CPU_THREAD_LOCAL int known_id;

int thread_id(void)
{
    if (UNLIKELY(!known_id))
        known_id = sys_thread();
    return known_id;
}

void thread_after_fork(void)
{
    known_id = 0;
}

struct finding checked_finding_at(enum finding_kind kind, const struct checked *object, const void *address,
                                  uint32_t stack)
{
    struct finding finding = {.kind = (uint8_t)kind, .address = (uintptr_t)address, .stack = stack};

    if (object) {
        finding.object = object->start;
        finding.object_size = object->size;
        finding.origin = *object->origin;
        finding.taken_by_routine = object->routine;
        if (*object->life == LIFE_LIVE)
            finding.origin.given = 0;
    }
    return finding;
}

struct finding checked_finding(enum finding_kind kind, const struct checked *object, const void *address)
{
    return checked_finding_at(kind, object, address, stacks_here(STACKS_DEPTH));
}

void checked_look_at(enum finding_kind kind, const struct checked *object, struct span span, unsigned char byte)
{
    const unsigned char *broken = canary_find_broken(span.start, byte, span.size);

    if (LIKELY(!broken))
        return;
    struct finding finding = checked_finding(kind, object, broken);
    finding.access = ACCESS_WRITE;
    finding_stop(&finding);
}

void checked_look(const struct checked *object)
{
    checked_look_at(FINDING_BROKEN_AFTER, object, object->after, CANARY_BYTE);
    checked_look_at(FINDING_BROKEN_BEFORE, object, object->before, CANARY_BYTE);
}

static void tell_wrong(enum finding_kind kind, const struct checked *object, const void *ptr,
                       const struct giving *giving)
{
    struct finding finding = checked_finding(kind, object, ptr);

    finding.routine = (uint8_t)giving->routine;
    finding.length = giving->size;
    finding_stop(&finding);
}

static bool has_size(const struct checked *object, const struct giving *giving)
{
    return (!giving->size || giving->size == object->size) && (!giving->align || object->start % giving->align == 0);
}

bool checked_end(const struct checked *object, const void *ptr, const struct giving *giving, size_t depth)
{
    uint8_t expected = LIFE_LIVE;

    if (!object || object->start != (uintptr_t)ptr) {
        tell_wrong(FINDING_INVALID_FREE, object, ptr, giving);
        return false;
    }
    if (!__atomic_compare_exchange_n(object->life, &expected, LIFE_FREED, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        tell_wrong(FINDING_DOUBLE_FREE, object, ptr, giving);
        return false;
    }
    if (findings.strict && object->routine != giving->routine)
        tell_wrong(FINDING_MISMATCH, object, ptr, giving);
    else if (!has_size(object, giving))
        tell_wrong(FINDING_WRONG_SIZE, object, ptr, giving);
    checked_look(object);
    object->origin->given = stacks_here(depth);
    object->origin->given_by = thread_id();
    return true;
}

bool checked_is_live(const struct checked *object, const void *ptr)
{
    bool is_object = object && object->start == (uintptr_t)ptr;

    if (is_object && *object->life == LIFE_LIVE)
        return true;
    struct finding finding = checked_finding(is_object ? FINDING_AFTER_FREE : FINDING_INVALID_POINTER, object, ptr);
    finding_stop(&finding);
    return false;
}
