/*
 * region.c - scopes of loam/region.h beside alloca, malloc and free, obstacks, talloc and APR's pools: what it takes
 * to allocate and to release again.
 */
#include "rounds.h"

#include <alloca.h>
#include <apr_pools.h>
#include <loam/region.h>
#include <obstack.h>
#include <stdint.h>
#include <talloc.h>

#define obstack_chunk_alloc malloc
#define obstack_chunk_free  free
#define NOINLINE            __attribute__((noinline))

enum { ONE = 48, MANY = 100, LEAST = 16, MOST = 512 };

static struct loam_region *region;
static apr_pool_t *pool;
static struct obstack obstack;
static size_t sizes[MANY];

static void draw_sizes(void)
{
    uint32_t state = 1;

    for (int i = 0; i < MANY; i++) {
        state = state * 1664525 + 1013904223;
        sizes[i] = LEAST + (state >> 8) % (MOST - LEAST + 1);
    }
}

/* --- one scope, one allocation --- */

static void scratch_one(size_t times)
{
    for (size_t i = 0; i < times; i++) {
        LOAM_SCRATCH_SCOPE
        {
            use(loam_scratch(ONE));
        }
    }
}

static void region_one(size_t times)
{
    for (size_t i = 0; i < times; i++) {
        LOAM_REGION_SCOPE(region)
        {
            use(loam_region_alloc(region, ONE));
        }
    }
}

/* alloca's memory is released when a function returns. */
static NOINLINE void use_alloca(size_t size)
{
    use(alloca(size));
}

static void alloca_one(size_t times)
{
    for (size_t i = 0; i < times; i++)
        use_alloca(ONE);
}

static NOINLINE void use_scratch(size_t size)
{
    LOAM_SCRATCH_SCOPE
    {
        use(loam_scratch(size));
    }
}

static void scratch_function_one(size_t times)
{
    for (size_t i = 0; i < times; i++)
        use_scratch(ONE);
}

static void malloc_one(size_t times)
{
    for (size_t i = 0; i < times; i++) {
        void *piece = malloc(ONE);
        use(piece);
        free(piece);
    }
}

static void apr_one(size_t times)
{
    for (size_t i = 0; i < times; i++) {
        use(apr_palloc(pool, ONE));
        apr_pool_clear(pool);
    }
}

static void obstack_one(size_t times)
{
    for (size_t i = 0; i < times; i++) {
        void *piece = obstack_alloc(&obstack, ONE);
        use(piece);
        obstack_free(&obstack, piece);
    }
}

static void talloc_one(size_t times)
{
    for (size_t i = 0; i < times; i++) {
        void *piece = talloc_size(NULL, ONE);
        use(piece);
        talloc_free(piece);
    }
}

/* --- one scope, many allocations --- */

static void scratch_many(size_t times)
{
    for (size_t i = 0; i < times; i++) {
        LOAM_SCRATCH_SCOPE
        {
            for (int j = 0; j < MANY; j++)
                use(loam_scratch(sizes[j]));
        }
    }
}

static void region_many(size_t times)
{
    for (size_t i = 0; i < times; i++) {
        LOAM_REGION_SCOPE(region)
        {
            for (int j = 0; j < MANY; j++)
                use(loam_region_alloc(region, sizes[j]));
        }
    }
}

static NOINLINE void use_alloca_many(void)
{
    for (int j = 0; j < MANY; j++)
        use(alloca(sizes[j]));
}

static void alloca_many(size_t times)
{
    for (size_t i = 0; i < times; i++)
        use_alloca_many();
}

static void malloc_many(size_t times)
{
    void *pieces[MANY];

    for (size_t i = 0; i < times; i++) {
        for (int j = 0; j < MANY; j++)
            use(pieces[j] = malloc(sizes[j]));
        for (int j = MANY; j-- > 0;)
            free(pieces[j]);
    }
}

static void apr_many(size_t times)
{
    for (size_t i = 0; i < times; i++) {
        for (int j = 0; j < MANY; j++)
            use(apr_palloc(pool, sizes[j]));
        apr_pool_clear(pool);
    }
}

static void obstack_many(size_t times)
{
    for (size_t i = 0; i < times; i++) {
        void *first = obstack_alloc(&obstack, 1);
        for (int j = 0; j < MANY; j++)
            use(obstack_alloc(&obstack, sizes[j]));
        obstack_free(&obstack, first);
    }
}

static void talloc_many(size_t times)
{
    for (size_t i = 0; i < times; i++) {
        void *parent = talloc_new(NULL);
        for (int j = 0; j < MANY; j++)
            use(talloc_size(parent, sizes[j]));
        talloc_free(parent);
    }
}

static struct subject one[] = {
    {.name = "loam_scratch, LOAM_SCRATCH_SCOPE", .run = scratch_one},
    {.name = "  the same in a function", .run = scratch_function_one},
    {.name = "loam_region_alloc, LOAM_REGION_SCOPE", .run = region_one},
    {.name = "alloca in a function", .run = alloca_one},
    {.name = "malloc, free", .run = malloc_one},
    {.name = "apr_palloc, apr_pool_clear", .run = apr_one},
    {.name = "obstack_alloc, obstack_free", .run = obstack_one},
    {.name = "talloc_size, talloc_free", .run = talloc_one},
};

static struct subject many[] = {
    {.name = "loam_scratch, LOAM_SCRATCH_SCOPE", .run = scratch_many},
    {.name = "loam_region_alloc, LOAM_REGION_SCOPE", .run = region_many},
    {.name = "alloca in a function", .run = alloca_many},
    {.name = "malloc, free", .run = malloc_many},
    {.name = "apr_palloc, apr_pool_clear", .run = apr_many},
    {.name = "obstack_alloc, obstack_free", .run = obstack_many},
    {.name = "talloc_new, talloc_size, talloc_free", .run = talloc_many},
};

int main(void)
{
    region = loam_region_create();
    if (!region || apr_initialize() || apr_pool_create(&pool, NULL)) {
        fputs("kit_bench_region: no memory\n", stderr);
        return 1;
    }
    obstack_init(&obstack);
    draw_sizes();
    rounds_run(one, sizeof(one) / sizeof(one[0]), 1000000);
    rounds_print("region: a scope with 48 bytes", one, sizeof(one) / sizeof(one[0]));
    rounds_run(many, sizeof(many) / sizeof(many[0]), 10000);
    rounds_print("region: 100 pieces of 16 to 512 bytes", many, sizeof(many) / sizeof(many[0]));
    loam_region_destroy(region);
    return 0;
}
