/*
 * main.c - run one workload.
 *
 *   loam-bench-workload NAME[:PARAMETER] [SCALE]
 *
 * SCALE multiplies the amount of work; it is 1 when left out. Prints nothing when all is well.
 */
#include "workload.h"

#include <stdio.h>

static const struct workload workloads[] = {
    {"cold", cold_run},       {"hot", hot_run},         {"burst", burst_run},       {"producer", producer_run},
    {"larson", larson_run},   {"grow", grow_run},       {"mixed", mixed_run},       {"trees", trees_run},
    {"strings", strings_run}, {"churn", churn_run},     {"factor", factor_run},     {"logic", logic_run},
    {"zeroed", zeroed_run},   {"aligned", aligned_run}, {"exchange", exchange_run}, {"phases", phases_run},
    {"sharing", sharing_run}, {"swell", swell_run},     {"server", server_run},     {"start", start_run},
    {"queue", queue_run},     {"nothing", nothing_run},
};

enum { WORKLOAD_COUNT = sizeof(workloads) / sizeof(*workloads) };

static _Noreturn void usage(void)
{
    fprintf(stderr, "usage: loam-bench-workload NAME[:PARAMETER] [SCALE]\nworkloads:");
    for (int i = 0; i < WORKLOAD_COUNT; i++)
        fprintf(stderr, " %s", workloads[i].name);
    fprintf(stderr, "\n");
    exit(2);
}

static const struct workload *find(const char *name, size_t length)
{
    for (int i = 0; i < WORKLOAD_COUNT; i++)
        if (strlen(workloads[i].name) == length && memcmp(workloads[i].name, name, length) == 0)
            return &workloads[i];
    usage();
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3)
        usage();
    const char *colon = strchrnul(argv[1], ':');
    struct job job = {.parameter = *colon ? colon + 1 : NULL, .scale = argc > 2 ? atof(argv[2]) : 1};
    if (!(job.scale > 0))
        usage();
    find(argv[1], (size_t)(colon - argv[1]))->run(&job);
    return 0;
}
