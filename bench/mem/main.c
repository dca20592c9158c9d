/* main.c - mem-bench PART [ROUTINE]: see bench.h. */
#define _GNU_SOURCE
#include "bench.h"

#include <loam/mem.h>

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

struct subject subjects[SUBJECTS] = {
    {"libc", memcpy, memmove, memset, memcmp, memchr, memrchr, memmem},
    {"loam", loam_memcpy, loam_memmove, loam_memset, loam_memcmp, loam_memchr, loam_memrchr, loam_memmem},
};
char *to_area, *from_area;
static uint32_t random_state = 1;

double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

uint32_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

void print_figure(const char *part, const char *routine, const char *who, const char *what, double ns)
{
    printf("%s\t%s\t%s\t%s\t%.3f\n", part, routine, who, what, ns);
}

/* One processor for the whole run: another would begin with empty caches. */
static void stay(void)
{
    cpu_set_t set;
    int cpu = sched_getcpu();

    CPU_ZERO(&set);
    CPU_SET(cpu < 0 ? 0 : cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

static char *make_area(void)
{
    char *area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return area == MAP_FAILED ? NULL : memset(area, 0, AREA);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(const char *routine);
    } parts[] = {{"size", part_size},     {"large", part_large},     {"cold", part_cold},     {"random", part_random},
                 {"search", part_search}, {"adverse", part_adverse}, {"linear", part_linear}, {"limit", part_limit}};

    stay();
    to_area = make_area();
    from_area = make_area();
    if (argc < 2 || !to_area || !from_area) {
        fputs(argc < 2 ? "usage: mem-bench PART [ROUTINE]\n" : "mem-bench: no memory\n", stderr);
        return 2;
    }
    for (size_t p = 0; p < sizeof(parts) / sizeof(parts[0]); p++)
        if (strcmp(parts[p].name, argv[1]) == 0) {
            parts[p].run(argc > 2 ? argv[2] : NULL);
            return 0;
        }
    fprintf(stderr, "mem-bench: there is no part %s\n", argv[1]);
    return 2;
}
