/* seed.h - random numbers that a failing test can be given again. */
#ifndef LOAM_TEST_SEED_H
#define LOAM_TEST_SEED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The seed of this run: LOAM_TEST_SEED, else the time. It is printed. */
static inline uint64_t seed_take(void)
{
    const char *given = getenv("LOAM_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);

    printf("LOAM_TEST_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

/* The next number of a sequence that `state` is the seed of. Source: G. Steele and others, splitmix64, 2014. */
static inline uint64_t seed_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

#endif
