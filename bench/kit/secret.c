/* secret.c - secrets of loam beside sodium_malloc: time of an allocate/free pair, and locked memory. */
#include <loam/secret.h>

#include "rounds.h"

#include <sodium.h>

#include <string.h>

enum { SIZE = 32, KEYS = 10000, PAIRS = 2000 };

static struct loam_secret_group *group;

static void *allocate(void *secret)
{
    if (!secret)
        abort();
    return secret;
}

/* The secret is written once, as a key is. */
static void pair_loam(size_t times)
{
    for (size_t i = 0; i < times; i++) {
        void *secret = allocate(loam_secret_alloc(group, SIZE));
        use(memset(secret, 1, SIZE));
        loam_secret_free(secret);
    }
}

static void pair_sodium(size_t times)
{
    for (size_t i = 0; i < times; i++) {
        void *secret = allocate(sodium_malloc(SIZE));
        use(memset(secret, 1, SIZE));
        sodium_free(secret);
    }
}

static void compare_time(const char *title)
{
    struct subject subjects[] = {{.name = "loam_secret_alloc", .run = pair_loam},
                                 {.name = "sodium_malloc", .run = pair_sodium}};

    rounds_run(subjects, 2, PAIRS);
    rounds_print(title, subjects, 2);
}

/* VmLck. */
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

/* Loam's stay. */
static void compare_locked(void)
{
    static void *keys[KEYS];
    long before = locked_kib();

    for (int i = 0; i < KEYS; i++)
        keys[i] = allocate(sodium_malloc(SIZE));
    long sodium = locked_kib() - before;
    for (int i = 0; i < KEYS; i++)
        sodium_free(keys[i]);
    before = locked_kib();
    for (int i = 0; i < KEYS; i++)
        allocate(loam_secret_alloc(group, SIZE));
    long loam = locked_kib() - before;
    printf("%-44s %10s %26s\n", "locked for 10,000 keys of 32 bytes", "KiB", "ratio");
    printf("  %-42s %10ld %26.2f\n  %-42s %10ld %26.2f\n\n", "loam_secret_alloc", loam, 1.0, "sodium_malloc", sodium,
           (double)sodium / (double)loam);
}

int main(void)
{
    group = loam_secret_group_create("bench", 0);
    if (!group || sodium_init() < 0)
        return 1;
    compare_time("a pair of 32 bytes, none alive");
    compare_locked();
    compare_time("a pair of 32 bytes, 10,000 of loam's alive");
    return 0;
}
