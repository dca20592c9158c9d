/*
 * lock.h - a mutex of one word.
 *
 * 0 free, 1 held, 2 held and waited for: the kernel is called only when there is something to wait for.
 * All zeroes is a free lock, so it needs no start-up; lock_init() frees it in a forked child.
 * Source: U. Drepper, "Futexes Are Tricky", 2011, section 6; futex(2).
 */
#ifndef LOAM_SYS_LOCK_H
#define LOAM_SYS_LOCK_H

#include "base/base.h"

struct lock {
    ATOMIC uint32_t word;
};

void lock_take_slow(struct lock *lock);
void lock_give_slow(struct lock *lock);

INLINE void lock_init(struct lock *lock)
{
    __atomic_store_n(&lock->word, 0, __ATOMIC_RELAXED);
}

INLINE bool lock_try(struct lock *lock)
{
    uint32_t expected = 0;
    return __atomic_compare_exchange_n(&lock->word, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

INLINE void lock_take(struct lock *lock)
{
    if (UNLIKELY(!lock_try(lock)))
        lock_take_slow(lock);
}

INLINE void lock_give(struct lock *lock)
{
    if (UNLIKELY(__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) == 2))
        lock_give_slow(lock);
}

#endif
