/*
 * aligned.c - replace random members of a set of objects that must start at multiples of 16 to 4096 bytes.
 *
 * Source: aligned_alloc of C11; the alignments are those of vector registers, cache lines and pages.
 */
#include "workload.h"

enum {
    OBJECTS = 10000,
    STEPS = 3000000,
    ALIGN_FIRST = 16,
    ALIGN_DOUBLINGS = 8, /* to 4 KiB; each is half as likely as the one before */
    SIZE_FIRST = 16,
    SIZE_DOUBLINGS = 9, /* to 16 KiB */
};

static struct object objects[OBJECTS];

static struct object make(struct random *random)
{
    size_t align = ALIGN_FIRST;
    struct object object;

    for (int i = 0; i < ALIGN_DOUBLINGS && random_below(random, 2); i++)
        align *= 2;
    object.size = random_power_law(random, SIZE_FIRST, SIZE_DOUBLINGS, 10);
    if (posix_memalign((void **)&object.data, align, object.size) != 0)
        fail_no_memory(object.size);
    if ((uintptr_t)object.data % align != 0)
        fail_corrupted(object.data, object.size);
    object_touch(object);
    return object;
}

void aligned_run(const struct job *job)
{
    struct random random = {9};

    for (size_t i = 0; i < OBJECTS; i++)
        objects[i] = make(&random);
    for (size_t left = job_amount(job, STEPS); left > 0; left--) {
        struct object *victim = &objects[random_below(&random, OBJECTS)];
        object_free(*victim);
        *victim = make(&random);
    }
    for (size_t i = 0; i < OBJECTS; i++)
        object_free(objects[i]);
}
