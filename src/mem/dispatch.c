/* dispatch.c - see dispatch.h. */
#include "mem/dispatch.h"

#include "cpu/features.h"
#include "mem/mem.h"

#include <string.h>

unsigned ATOMIC dispatch_level;
size_t ATOMIC dispatch_short;

static const char *const names[] = {
    [LEVEL_UNKNOWN] = "",  [LEVEL_WORD] = "word",     [LEVEL_SSE2] = "sse2",
    [LEVEL_AVX2] = "avx2", [LEVEL_AVX512] = "avx512", [LEVEL_NEON] = "neon",
};

static enum level best_level(void)
{
#if defined(__x86_64__)
    struct cpu_features features = cpu_features();
    if (features.avx512)
        return LEVEL_AVX512;
    return features.avx2 ? LEVEL_AVX2 : LEVEL_SSE2;
#elif defined(__aarch64__)
    return LEVEL_NEON;
#else
    return LEVEL_WORD;
#endif
}

static void set_level(enum level level)
{
    __atomic_store_n(&dispatch_level, level, __ATOMIC_RELAXED);
    __atomic_store_n(&dispatch_short, level == LEVEL_NEWEST ? NEWEST_VECTOR : 0, __ATOMIC_RELAXED);
}

/* Levels of x86-64 are in the order in which they came: a processor has all before its best. */
static bool has_level(enum level level)
{
    enum level best = best_level();
    return level == LEVEL_WORD || level == best || (level >= LEVEL_SSE2 && level < best && best <= LEVEL_AVX512);
}

bool dispatch_force(const char *name)
{
    for (enum level level = LEVEL_WORD; level < LENGTH(names); level++)
        if (strcmp(name, names[level]) == 0 && has_level(level)) {
            set_level(level);
            return true;
        }
    return false;
}

/* The level that `other` routines go by: at the first call of all, one that every processor has. */
static enum level other_level(void)
{
    enum level level = __atomic_load_n(&dispatch_level, __ATOMIC_RELAXED);

    if (UNLIKELY(level == LEVEL_UNKNOWN))
        set_level(best_level());
    return level;
}

#if defined(__x86_64__)
#define OTHER(routine, ...)                                                                                            \
    switch (other_level()) {                                                                                           \
    case LEVEL_AVX2:                                                                                                   \
        return routine##_avx2(__VA_ARGS__);                                                                            \
    case LEVEL_WORD:                                                                                                   \
        return routine##_word(__VA_ARGS__);                                                                            \
    default:                                                                                                           \
        return routine##_sse2(__VA_ARGS__);                                                                            \
    }
#else
#define OTHER(routine, ...)                                                                                            \
    other_level();                                                                                                     \
    return routine##_word(__VA_ARGS__)
#endif

void *copy_other(void *to, const void *from, size_t n)
{
    OTHER(copy, to, from, n);
}

void *set_other(void *to, int byte, size_t n)
{
    OTHER(set, to, byte, n);
}

int compare_other(const void *a, const void *b, size_t n)
{
    OTHER(compare, a, b, n);
}

void *find_other(const void *in, int byte, size_t n)
{
    OTHER(find, in, byte, n);
}

void *find_last_other(const void *in, int byte, size_t n)
{
    OTHER(find_last, in, byte, n);
}

void *search_other(const void *in, size_t n, const void *what, size_t m)
{
    OTHER(search, in, n, what, m);
}
