/*
 * trees.c - build binary trees of many depths and tear them down, beside one that stays.
 *
 * Source: GCBench of J. Ellis, P. Kovac and H. Boehm, in the form that the Computer Language Benchmarks Game gives it
 *         ("binary-trees"), with malloc and free for each node.
 */
#include "workload.h"

enum {
    DEPTH_MIN = 4,
    DEPTH_MAX = 16,
    DEPTH_STEP = 2,
    NODES = 5000000, /* made at each depth */
};

struct node {
    struct node *left, *right;
};

static struct node *build(int depth)
{
    struct node *node = malloc(sizeof(*node));

    if (!node)
        fail_no_memory(sizeof(*node));
    node->left = depth > 0 ? build(depth - 1) : NULL;
    node->right = depth > 0 ? build(depth - 1) : NULL;
    return node;
}

/* Returns how many nodes there were. */
static size_t tear_down(struct node *node)
{
    if (!node)
        return 0;
    size_t count = 1 + tear_down(node->left) + tear_down(node->right);
    free(node);
    return count;
}

static size_t nodes_of(int depth)
{
    return ((size_t)2 << depth) - 1;
}

static void fell(struct node *tree, int depth)
{
    if (tear_down(tree) != nodes_of(depth))
        fail_corrupted(tree, sizeof(*tree));
}

void trees_run(const struct job *job)
{
    size_t nodes = job_amount(job, NODES);
    struct node *stays = build(DEPTH_MAX);

    for (int depth = DEPTH_MIN; depth <= DEPTH_MAX; depth += DEPTH_STEP)
        for (size_t left = nodes / nodes_of(depth) + 1; left > 0; left--)
            fell(build(depth), depth);
    fell(stays, DEPTH_MAX);
}
