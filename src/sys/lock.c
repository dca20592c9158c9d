/* lock.c - see lock.h. */
#include "sys/lock.h"

#include "sys/raw.h"
#include "sys/sys.h"

/* Turns to look before sleeping; the heap's critical sections are shorter than a sleep. */
enum { SPINS = 100 };

void lock_take_slow(struct lock *lock)
{
    for (int i = 0; i < SPINS; i++) {
        raw_pause();
        if (__atomic_load_n(&lock->word, __ATOMIC_RELAXED) == 0 && lock_try(lock))
            return;
    }
    while (__atomic_exchange_n(&lock->word, 2, __ATOMIC_ACQUIRE) != 0)
        sys_futex_wait(&lock->word, 2);
}

void lock_give_slow(struct lock *lock)
{
    sys_futex_wake(&lock->word);
}
