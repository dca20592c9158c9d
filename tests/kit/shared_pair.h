/* shared_pair.h - what tests of loam/shared.h begin with. After <cmocka.h>. */
#ifndef LOAM_TEST_SHARED_PAIR_H
#define LOAM_TEST_SHARED_PAIR_H

#include <loam/shared.h>

#include "base/base.h"

struct node {
    struct loam_shared_cell next;
    unsigned number;
};

/* Two attachments to one heap, at different addresses: what two processes have. */
struct pair {
    struct loam_shared *a, *b;
};

static inline struct loam_shared_stats measure(struct loam_shared *heap)
{
    struct loam_shared_stats stats;

    loam_shared_measure(heap, &stats);
    return stats;
}

/* Where the other attachment has it. */
static inline void *over(struct loam_shared *from, struct loam_shared *to, void *address)
{
    return loam_shared_at(to, loam_shared_offset(from, address), 1);
}

static inline int set_up(void **state)
{
    static struct pair pair;

    assert_int_equal(loam_shared_anonymous(256 * MIB, &pair.a), 0);
    assert_int_equal(loam_shared_open_fd(loam_shared_fd(pair.a), &pair.b), 0);
    *state = &pair;
    return 0;
}

static inline int tear_down(void **state)
{
    struct pair *pair = *state;

    assert_int_equal(loam_shared_validate(pair->a), 0);
    loam_shared_close(pair->b);
    assert_int_equal(loam_shared_validate(pair->a), 0);
    loam_shared_close(pair->a);
    return 0;
}

/* A test with a pair, whose heap must be whole at the end. */
#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
