/*
 * shared.c - the contract of loam/shared.h, but for names (shared_names.c) and what goes wrong: shared_harm.c,
 * shared_step.c, shared_kill.c.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared_pair.h"

#include "child.h"
#include "seed.h"

enum { STEPS = 200000, OBJECTS = 3000 };

/* --- blocks --- */

static void test_blocks_of_every_size(void **state)
{
    struct pair *pair = *state;

    for (size_t size = 0; size < 200000; size = size * 9 / 8 + 1) {
        unsigned char *block = loam_shared_alloc(pair->a, size);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 16, 0);
        size_t usable = loam_shared_usable_size(pair->a, block);
        assert_true(usable >= size && (size < 32 || usable < size + size / 4 + 65536));
        memset(block, 0xa5, usable);
        assert_int_equal(loam_shared_free(pair->a, block), 0);
    }
    assert_int_equal(measure(pair->a).blocks, 0);
}

static void test_blocks_are_seen_by_all_and_freed_by_any(void **state)
{
    struct pair *pair = *state;
    const size_t sizes[] = {20, 3000, 300000};

    for (int i = 0; i < 3; i++) {
        char *mine = loam_shared_calloc(pair->a, 1, sizes[i]);
        strcpy(mine, "seen");
        char *theirs = over(pair->a, pair->b, mine);
        assert_ptr_not_equal(mine, theirs);
        assert_string_equal(theirs, "seen");
        assert_int_equal(loam_shared_free(pair->b, theirs), 0);
        assert_int_equal(loam_shared_free(pair->a, mine), -EINVAL);
        assert_int_equal(loam_shared_free(pair->b, theirs), -EINVAL);
    }
    assert_int_equal(measure(pair->a).blocks, 0);
}

static void test_what_others_freed_is_used_again(void **state)
{
    struct pair *pair = *state;

    for (int round = 0; round < 200; round++)
        for (int i = 0; i < 500; i++) {
            void *block = loam_shared_alloc(pair->a, 1000);
            assert_non_null(block);
            assert_int_equal(loam_shared_free(pair->b, over(pair->a, pair->b, block)), 0);
        }
    assert_true(measure(pair->a).backed < 4 * MIB);
}

static void test_what_is_no_block_is_not_freed(void **state)
{
    struct pair *pair = *state;
    char *small = loam_shared_alloc(pair->a, 100), *large = loam_shared_alloc(pair->a, 100000);
    char elsewhere[16];

    assert_int_equal(loam_shared_free(pair->a, NULL), 0);
    assert_int_equal(loam_shared_free(pair->a, small + 16), -EINVAL);
    assert_int_equal(loam_shared_free(pair->a, large + 65536), -EINVAL);
    assert_int_equal(loam_shared_free(pair->a, large + 16), -EINVAL);
    assert_int_equal(loam_shared_free(pair->a, elsewhere), -EINVAL);
    assert_int_equal(loam_shared_free(pair->a, (void *)8), -EINVAL);
    assert_int_equal(loam_shared_usable_size(pair->a, small + 1), 0);
    assert_int_equal(loam_shared_free(pair->a, small), 0);
    assert_int_equal(loam_shared_free(pair->a, small), -EINVAL);
    assert_int_equal(loam_shared_free(pair->a, large), 0);
    assert_int_equal(loam_shared_free(pair->a, large), -EINVAL);
}

static void test_alignment(void **state)
{
    struct pair *pair = *state;

    for (size_t alignment = 1; alignment <= 4096; alignment *= 2)
        for (size_t size = 1; size < 50000; size = size * 3 + 1)
            assert_int_equal((uintptr_t)loam_shared_aligned(pair->a, alignment, size) % alignment, 0);
    assert_null(loam_shared_aligned(pair->a, 8192, 1));
    assert_int_equal(errno, EINVAL);
    assert_null(loam_shared_aligned(pair->a, 24, 1));
}

static void test_the_limit_is_enomem_and_what_is_freed_serves_again(void **state)
{
    struct pair *pair = *state;
    size_t first = 0, again = 0;
    void *blocks[300];

    assert_null(loam_shared_alloc(pair->a, SIZE_MAX));
    assert_int_equal(errno, ENOMEM);
    assert_null(loam_shared_alloc(pair->a, 257 * MIB));
    assert_null(loam_shared_calloc(pair->a, SIZE_MAX / 2, 3));
    while ((blocks[first] = loam_shared_alloc(pair->a, MIB)))
        first++;
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(first, 256);
    assert_null(loam_shared_alloc(pair->b, 32));
    for (size_t i = 0; i < first; i++)
        assert_int_equal(loam_shared_free(pair->a, blocks[i]), 0);
    while (loam_shared_alloc(pair->b, 100))
        again++;
    assert_true(again > (size_t)256 * MIB / 112 * 99 / 100);
}

static void test_trim_gives_memory_back(void **state)
{
    struct pair *pair = *state;
    struct stat before, after;
    void *block = loam_shared_alloc(pair->a, 20 * MIB);

    memset(block, 1, 20 * MIB);
    loam_shared_free(pair->a, block);
    fstat(loam_shared_fd(pair->a), &before);
    uint64_t backed = measure(pair->a).backed;
    assert_true(loam_shared_trim(pair->b) >= (uint64_t)20 * MIB);
    assert_true(measure(pair->a).backed + 20 * MIB <= backed);
    fstat(loam_shared_fd(pair->a), &after);
    assert_true(after.st_blocks * 512 + 20 * (off_t)MIB <= before.st_blocks * 512);
    char *zeroes = loam_shared_alloc(pair->a, 20 * MIB);
    assert_int_equal(zeroes[MIB], 0);
}

/* --- cells --- */

static void test_publish_and_take(void **state)
{
    struct pair *pair = *state;
    struct loam_shared_cell *cell = loam_shared_root(pair->a, "cell"), *same = loam_shared_root(pair->b, "cell");
    char *block = loam_shared_alloc(pair->a, 50);

    strcpy(block, "published");
    assert_null(loam_shared_take(pair->b, same));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(loam_shared_publish(pair->a, cell, block), 0);
    assert_string_equal(loam_shared_peek(pair->b, same), "published");
    assert_int_equal(loam_shared_publish(pair->a, cell, block), -EPERM);
    char *other = loam_shared_alloc(pair->a, 50);
    assert_int_equal(loam_shared_publish(pair->a, cell, other), -EEXIST);
    char *taken = loam_shared_take(pair->b, same);
    assert_string_equal(taken, "published");
    assert_null(loam_shared_peek(pair->a, cell));
    assert_int_equal(loam_shared_publish(pair->a, cell, block), -EPERM);
    assert_int_equal(loam_shared_publish(pair->b, same, taken), 0);
    assert_ptr_equal(loam_shared_take(pair->a, cell), block);
}

static void test_a_cell_must_be_in_the_heap_and_so_must_the_block(void **state)
{
    struct pair *pair = *state;
    struct loam_shared_cell elsewhere = {0};
    struct loam_shared_cell *cell = loam_shared_root(pair->a, "cell");

    assert_int_equal(loam_shared_publish(pair->a, &elsewhere, loam_shared_alloc(pair->a, 1)), -EINVAL);
    assert_null(loam_shared_take(pair->a, &elsewhere));
    assert_int_equal(errno, EINVAL);
    assert_int_equal(loam_shared_publish(pair->a, cell, &elsewhere), -EINVAL);
    assert_int_equal(loam_shared_publish(pair->a, cell, NULL), -EINVAL);
    assert_null(loam_shared_peek(pair->a, cell));
}

static void test_a_stack(void **state)
{
    struct pair *pair = *state;
    struct loam_shared_cell *top = loam_shared_root(pair->a, "stack"), *same = loam_shared_root(pair->b, "stack");

    for (unsigned i = 0; i < 1000; i++) {
        struct loam_shared *heap = i % 2 ? pair->a : pair->b;
        struct node *node = loam_shared_alloc(heap, sizeof(*node));
        node->number = i;
        assert_int_equal(loam_shared_push(heap, i % 2 ? top : same, node, &node->next), 0);
    }
    for (unsigned i = 1000; i-- > 0;) {
        struct node *node = loam_shared_pop(pair->a, top, offsetof(struct node, next));
        assert_int_equal(node->number, i);
        assert_int_equal(loam_shared_free(pair->a, node), 0);
    }
    assert_null(loam_shared_pop(pair->b, same, offsetof(struct node, next)));
    struct node *node = loam_shared_alloc(pair->a, sizeof(*node)), *other = loam_shared_alloc(pair->a, sizeof(*node));
    struct loam_shared_cell local;
    assert_int_equal(loam_shared_push(pair->a, top, node, &other->next), -EINVAL); /* not in the block */
    assert_int_equal(loam_shared_push(pair->a, top, node, &local), -EINVAL);
    assert_int_equal(loam_shared_push(pair->a, top, node, NULL), -EINVAL);
    assert_int_equal(loam_shared_push(pair->a, top, node, (struct loam_shared_cell *)((char *)node + 4)), -EINVAL);
    assert_int_equal(loam_shared_push(pair->a, top, node, &node->next), 0);
    assert_null(loam_shared_pop(pair->a, top, 4096)); /* not in the block */
    assert_int_equal(errno, EINVAL);
    assert_null(loam_shared_pop(pair->a, top, 3));
    assert_ptr_equal(loam_shared_pop(pair->a, top, offsetof(struct node, next)), node);
}

/* --- who holds what --- */

static void test_what_is_held_goes_with_its_holder(void **state)
{
    struct pair *pair = *state;
    struct loam_shared *third;

    assert_int_equal(loam_shared_open_fd(loam_shared_fd(pair->a), &third), 0);
    assert_int_equal(measure(pair->a).participants, 3);
    for (int i = 0; i < 1000; i++)
        assert_non_null(loam_shared_alloc(third, (size_t)i * 50));
    struct loam_shared_cell *cell = loam_shared_root(third, "cell");
    assert_int_equal(loam_shared_publish(third, cell, loam_shared_alloc(third, 7000)), 0);
    assert_int_equal(loam_shared_keep(third, loam_shared_alloc(third, 40)), 0);
    assert_int_equal(loam_shared_keep(third, loam_shared_alloc(third, 400000)), 0);
    assert_int_equal(measure(pair->a).blocks, 1003);
    loam_shared_close(third);
    assert_int_equal(measure(pair->a).blocks, 3);
    assert_int_equal(measure(pair->a).held, 0);
    assert_int_equal(measure(pair->a).participants, 2);
}

static void test_keep_is_for_the_holder(void **state)
{
    struct pair *pair = *state;
    void *block = loam_shared_alloc(pair->a, 10);

    assert_int_equal(loam_shared_keep(pair->b, over(pair->a, pair->b, block)), -EPERM);
    assert_int_equal(loam_shared_keep(pair->a, block), 0);
    assert_int_equal(loam_shared_keep(pair->a, block), -EPERM);
    assert_int_equal(loam_shared_keep(pair->a, (char *)block + 16), -EINVAL);
    assert_int_equal(loam_shared_free(pair->b, over(pair->a, pair->b, block)), 0);
}

static void test_slabs_outlive_their_owner(void **state)
{
    struct pair *pair = *state;
    struct loam_shared *third;
    void *blocks[OBJECTS];

    assert_int_equal(loam_shared_open_fd(loam_shared_fd(pair->a), &third), 0);
    for (int i = 0; i < OBJECTS; i++) {
        void *block = loam_shared_alloc(third, 200);
        assert_int_equal(loam_shared_keep(third, block), 0);
        blocks[i] = over(third, pair->a, block);
    }
    loam_shared_close(third);
    for (int i = 0; i < OBJECTS; i += 2)
        assert_int_equal(loam_shared_free(pair->a, blocks[i]), 0);
    uint64_t backed = measure(pair->a).backed;
    for (int i = 0; i < OBJECTS; i += 2)
        assert_non_null(loam_shared_alloc(pair->a, 200));
    assert_int_equal(measure(pair->a).backed, backed);
    assert_int_equal(measure(pair->a).blocks, OBJECTS);
}

/* --- references --- */

static void test_offsets_and_references(void **state)
{
    struct pair *pair = *state;
    struct loam_shared_ref *ref = loam_shared_calloc(pair->a, 2, sizeof(*ref));
    uint64_t offset = loam_shared_offset(pair->a, ref);

    assert_null(loam_shared_ref_get(ref));
    loam_shared_ref_set(ref, &ref[1]);
    struct loam_shared_ref *there = over(pair->a, pair->b, ref);
    assert_ptr_equal(loam_shared_ref_get(there), &there[1]);
    loam_shared_ref_set(ref, NULL);
    assert_null(loam_shared_ref_get(there));
    assert_ptr_equal(loam_shared_at(pair->a, offset, 16), ref);
    struct loam_shared_cell *root = loam_shared_root(pair->a, "root");
    assert_ptr_equal(over(pair->a, pair->b, root), loam_shared_root(pair->b, "root"));
    assert_int_equal(loam_shared_offset(pair->a, NULL), 0);
    assert_null(loam_shared_at(pair->a, 0, 1));
    assert_null(loam_shared_at(pair->a, 64, 1));
    assert_null(loam_shared_at(pair->a, UINT64_MAX, 1));
    assert_null(loam_shared_at(pair->a, offset, SIZE_MAX));
    assert_null(loam_shared_at(pair->a, offset, 256 * MIB + 1));
}

/* --- at random: blocks of two attachments, each with a pattern --- */

struct object {
    unsigned char *data; /* as the first attachment has it */
    size_t size;
    unsigned char mark;
};

static void fill(struct object *object)
{
    object->data[0] = object->data[object->size - 1] = object->mark;
    for (size_t i = 0; i < object->size; i += 512)
        object->data[i] = object->mark;
}

static void check(const struct object *object)
{
    assert_int_equal(object->data[0], object->mark);
    assert_int_equal(object->data[object->size - 1], object->mark);
    for (size_t i = 0; i < object->size; i += 512)
        assert_int_equal(object->data[i], object->mark);
}

static size_t draw_size(uint64_t *seed)
{
    return 1 + seed_next(seed) % ((size_t)1 << seed_next(seed) % 19);
}

static void test_at_random(void **state)
{
    struct pair *pair = *state;
    static struct object objects[OBJECTS];
    uint64_t seed = seed_take(), live = 0;

    memset(objects, 0, sizeof(objects));
    for (int step = 0; step < STEPS; step++) {
        struct object *object = &objects[seed_next(&seed) % OBJECTS];
        struct loam_shared *heap = seed_next(&seed) % 2 ? pair->a : pair->b;
        if (object->data) {
            check(object);
            assert_int_equal(loam_shared_free(heap, over(pair->a, heap, object->data)), 0);
            object->data = NULL;
            live--;
            continue;
        }
        object->size = draw_size(&seed);
        object->mark = (unsigned char)seed_next(&seed);
        object->data = over(heap, pair->a, loam_shared_alloc(heap, object->size));
        if (object->data) {
            fill(object);
            live++;
        }
    }
    assert_int_equal(measure(pair->a).blocks, live);
    for (int i = 0; i < OBJECTS; i++)
        if (objects[i].data)
            check(&objects[i]);
}

/* --- threads and forks --- */

struct crew {
    struct loam_shared *heap;
    bool own; /* each thread attaches by itself */
    _Atomic unsigned wrong;
};

static void *work(void *context)
{
    struct crew *crew = context;
    struct loam_shared *heap = crew->heap;
    uint64_t seed = (uintptr_t)&seed;

    if (crew->own && loam_shared_open_fd(loam_shared_fd(crew->heap), &heap) != 0)
        return crew;
    struct loam_shared_cell *cell = loam_shared_root(heap, "work");
    for (int i = 0; i < 3000; i++) {
        struct node *node = loam_shared_alloc(heap, sizeof(*node) + seed_next(&seed) % 500);
        node->number = (unsigned)i;
        loam_shared_push(heap, cell, node, &node->next);
        node = loam_shared_pop(heap, cell, offsetof(struct node, next));
        if (node)
            crew->wrong += loam_shared_free(heap, node) != 0;
        void *large = loam_shared_alloc(heap, 70000);
        crew->wrong += !large || loam_shared_free(heap, large) != 0;
    }
    if (crew->own)
        loam_shared_close(heap);
    return NULL;
}

static void run_crew(struct crew *crew)
{
    pthread_t threads[4];
    void *result;

    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, crew), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &result);
        assert_null(result);
    }
    assert_int_equal(crew->wrong, 0);
    assert_int_equal(measure(crew->heap).blocks, 0);
}

static void test_threads_with_one_attachment(void **state)
{
    struct crew crew = {.heap = ((struct pair *)*state)->a};
    run_crew(&crew);
}

static void test_threads_with_an_attachment_each(void **state)
{
    struct crew crew = {.heap = ((struct pair *)*state)->a, .own = true};
    run_crew(&crew);
}

static void allocate_in_child(void *context)
{
    struct pair *pair = context;
    char *block = loam_shared_peek(pair->a, loam_shared_root(pair->a, "parent's"));

    REQUIRE(strcmp(block, "of the parent") == 0);
    for (int i = 0; i < 2000; i++)
        REQUIRE(loam_shared_alloc(pair->a, (size_t)i) != NULL);
    char *own = loam_shared_alloc(pair->b, 30);
    strcpy(own, "of the child");
    REQUIRE(loam_shared_publish(pair->b, loam_shared_root(pair->b, "child's"), own) == 0);
    REQUIRE(loam_shared_validate(pair->a) == 0);
    REQUIRE(measure(pair->a).participants == 4);
    _exit(0); /* without a word: what it holds is recovered */
}

static void test_a_forked_child_is_a_participant_of_its_own(void **state)
{
    struct pair *pair = *state;
    char *block = loam_shared_alloc(pair->a, 60);
    void *held = loam_shared_alloc(pair->a, 60);

    strcpy(block, "of the parent");
    loam_shared_publish(pair->a, loam_shared_root(pair->a, "parent's"), block);
    assert_child_succeeds(allocate_in_child, pair);
    assert_int_equal(measure(pair->a).dead, 2);
    assert_true(measure(pair->a).lost > 0);
    assert_int_equal(loam_shared_recover(pair->a), 2);
    assert_string_equal(loam_shared_peek(pair->b, loam_shared_root(pair->b, "child's")), "of the child");
    assert_int_equal(measure(pair->a).blocks, 3);
    assert_int_equal(loam_shared_free(pair->a, held), 0);
}

static void test_as_many_participants_as_there_can_be(void **state)
{
    struct pair *pair = *state;
    struct loam_shared *more[253], *one;

    for (int i = 0; i < 253; i++)
        assert_int_equal(loam_shared_open_fd(loam_shared_fd(pair->a), &more[i]), 0);
    assert_int_equal(loam_shared_open_fd(loam_shared_fd(pair->a), &one), -EUSERS);
    for (int i = 0; i < 253; i++)
        loam_shared_close(more[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAIR(test_blocks_of_every_size),
        WITH_PAIR(test_blocks_are_seen_by_all_and_freed_by_any),
        WITH_PAIR(test_what_others_freed_is_used_again),
        WITH_PAIR(test_what_is_no_block_is_not_freed),
        WITH_PAIR(test_alignment),
        WITH_PAIR(test_the_limit_is_enomem_and_what_is_freed_serves_again),
        WITH_PAIR(test_trim_gives_memory_back),
        WITH_PAIR(test_publish_and_take),
        WITH_PAIR(test_a_cell_must_be_in_the_heap_and_so_must_the_block),
        WITH_PAIR(test_a_stack),
        WITH_PAIR(test_what_is_held_goes_with_its_holder),
        WITH_PAIR(test_keep_is_for_the_holder),
        WITH_PAIR(test_slabs_outlive_their_owner),
        WITH_PAIR(test_offsets_and_references),
        WITH_PAIR(test_at_random),
        WITH_PAIR(test_a_forked_child_is_a_participant_of_its_own),
        WITH_PAIR(test_as_many_participants_as_there_can_be),
        /* Last: once there has been a second thread, locks are taken for good. */
        WITH_PAIR(test_threads_with_one_attachment),
        WITH_PAIR(test_threads_with_an_attachment_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
