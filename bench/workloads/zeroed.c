/*
 * zeroed.c - large blocks that must be zeroes, of which the program touches a part.
 *
 * Fresh memory of the kernel's is zeroes already: who clears it again pays twice, and for pages that nobody needs.
 * Memory that is used again must be cleared, or given back first; which is better depends on how much of it is touched.
 *
 * Source: calloc(3); the use is that of hash tables, which are made empty and filled here and there.
 */
#include "workload.h"

enum {
    STEPS = 15000,
    LIVE = 16,
    SIZE_FIRST = 64 * 1024,
    SIZE_DOUBLINGS = 6, /* to 8 MiB */
    TOUCHED = 64,       /* places of a block */
};

/* Read the places, then write to them. */
static void touch(struct random *random, unsigned char *data, size_t size)
{
    struct random again = *random;

    for (int i = 0; i < TOUCHED; i++)
        if (data[random_below(random, size)] != 0)
            fail_corrupted(data, size);
    for (int i = 0; i < TOUCHED; i++)
        data[random_below(&again, size)] = 1;
}

void zeroed_run(const struct job *job)
{
    unsigned char *live[LIVE] = {0};
    struct random random = {8};

    for (size_t left = job_amount(job, STEPS); left > 0; left--) {
        size_t size = random_power_law(&random, SIZE_FIRST, SIZE_DOUBLINGS, 10);
        unsigned char *data = calloc(1, size);
        if (!data)
            fail_no_memory(size);
        touch(&random, data, size);
        memset(data, 1, PAGE);
        unsigned char **victim = &live[random_below(&random, LIVE)];
        free(*victim);
        *victim = data;
    }
    for (int i = 0; i < LIVE; i++)
        free(live[i]);
}
