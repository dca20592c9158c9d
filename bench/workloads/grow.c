/*
 * grow.c - vectors that grow to 64 MiB by realloc, in step with each other.
 *
 * Two grow by a factor, as containers do; two by a fixed amount, as readers of files do. They take turns, so that none
 * has the end of the heap to itself. What a vector holds is checked at both ends of what moved; what is new is written.
 *
 * Source: the growth factors discussed in folly's docs/FBVector.md, and C++ [vector.modifiers]; the fixed steps after
 *         the read loops that mremap(2) was made for.
 */
#include "workload.h"

enum { VECTORS = 4, ROUNDS = 2 };

#define SMALLEST (1 * KIB)
#define LARGEST  (64 * MIB)

struct vector {
    struct object object;
    size_t factor;    /* of growth, in halves; 0: by a fixed amount */
    size_t increment; /* bytes */
};

static size_t next_size(const struct vector *vector)
{
    size_t size = vector->object.size;
    size_t next = vector->factor ? size * vector->factor / 2 : size + vector->increment;

    return next < LARGEST ? next : LARGEST;
}

static void resize(struct vector *vector, size_t size)
{
    struct object old = vector->object;

    object_check(old);
    unsigned char *data = realloc(old.data, size);
    if (!data)
        fail_no_memory(size);
    object_check((struct object){data, old.size});
    memset(data + old.size, 0x5a, size - old.size);
    data[0] = data[size - 1] = object_mark(size);
    vector->object = (struct object){data, size};
}

/* Let each vector grow a step in turn, until all are full. */
static void grow_together(struct vector *vectors)
{
    size_t growing = VECTORS;

    while (growing > 0) {
        growing = 0;
        for (int i = 0; i < VECTORS; i++) {
            if (vectors[i].object.size == LARGEST)
                continue;
            resize(&vectors[i], next_size(&vectors[i]));
            growing++;
        }
    }
}

void grow_run(const struct job *job)
{
    size_t rounds = job_amount(job, ROUNDS);
    struct vector vectors[VECTORS] = {
        {.factor = 4},
        {.factor = 3},
        {.increment = 1 * MIB},
        {.increment = 4 * MIB},
    };

    for (size_t round = 0; round < rounds; round++) {
        for (int i = 0; i < VECTORS; i++)
            vectors[i].object = object_new(SMALLEST);
        grow_together(vectors);
        for (int i = 0; i < VECTORS; i++)
            object_free(vectors[i].object);
    }
}
