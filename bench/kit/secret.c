/*
 * secret.c - secrets of loam beside sodium_malloc: time of an allocate/free pair, and locked memory.
 *
 * Rounds of the two alternate, and the median of each is shown: what else the machine does meets both.
 */
#include <loam/secret.h>

#include <sodium.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { ROUNDS = 21, SIZE = 32, KEYS = 10000, LOAM_PAIRS = 200000, SODIUM_PAIRS = 2000 };

static struct loam_secret_group *group;
static void *keys[KEYS];

static void *loam_new(void)
{
    return loam_secret_alloc(group, SIZE);
}

static void *sodium_new(void)
{
    return sodium_malloc(SIZE);
}

static const struct subject {
    const char *name;
    void *(*allocate)(void);
    void (*release)(void *secret);
    int pairs;
} subjects[] = {
    {"loam_secret_alloc", loam_new, loam_secret_free, LOAM_PAIRS},
    {"sodium_malloc", sodium_new, sodium_free, SODIUM_PAIRS},
};

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Nanoseconds of a pair; the secret is written once, as a key is. */
static double time_pairs(const struct subject *subject)
{
    double start = now_ns();

    for (int i = 0; i < subject->pairs; i++) {
        unsigned char *secret = subject->allocate();
        if (!secret)
            abort();
        memset(secret, i, SIZE);
        __asm__ volatile("" : : "r"(secret) : "memory");
        subject->release(secret);
    }
    return (now_ns() - start) / subject->pairs;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void compare_time(const char *when)
{
    double rounds[2][ROUNDS];

    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < 2; i++)
            rounds[i][round] = time_pairs(&subjects[i]);
    for (int i = 0; i < 2; i++) {
        qsort(rounds[i], ROUNDS, sizeof(double), compare);
        printf("%-18s %10.1f ns a pair of %d bytes, %s\n", subjects[i].name, rounds[i][ROUNDS / 2], SIZE, when);
    }
    printf("%-18s %10.1f times\n", "ratio", rounds[1][ROUNDS / 2] / rounds[0][ROUNDS / 2]);
}

/* VmLck, in KiB. */
static long locked_kib(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    long kib = -1;

    while (status && fgets(line, sizeof(line), status))
        if (sscanf(line, "VmLck: %ld", &kib) == 1)
            break;
    if (status)
        fclose(status);
    return kib;
}

/* Those that are alive stay so, to time pairs beside them. */
static void compare_locked(void)
{
    long kib[2];

    for (int i = 2; i-- > 0;) { /* loam's last: its keys stay */
        long before = locked_kib();
        for (int key = 0; key < KEYS; key++)
            if (!(keys[key] = subjects[i].allocate()))
                abort();
        kib[i] = locked_kib() - before;
        for (int key = 0; i == 1 && key < KEYS; key++)
            subjects[i].release(keys[key]);
    }
    for (int i = 0; i < 2; i++)
        printf("%-18s %10ld KiB locked for %d keys of %d bytes\n", subjects[i].name, kib[i], KEYS, SIZE);
    printf("%-18s %10.1f times\n", "ratio", (double)kib[1] / (double)kib[0]);
}

int main(void)
{
    group = loam_secret_group_create("bench", 0);
    if (!group || sodium_init() < 0)
        return 1;
    compare_time("none alive");
    compare_locked();
    compare_time("10000 of loam's alive");
    return 0;
}
