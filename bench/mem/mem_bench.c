/*
 * mem_bench.c - the routines of raw memory beside the C library's, in one process.
 *
 *   mem_bench PART [ROUTINE...]
 *
 * Prints a line for each measurement: part, routine, who, what, ns. Every subject is measured in turn within each round, and the
 * best of the rounds is its figure: what disturbs a run only ever makes it slower.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <loam/mem.h>

enum { ROUNDS = 9, SUBJECTS = 2, CALLS = 1 << 14 };

typedef void *copy_fn(void *, const void *, size_t);
typedef void *set_fn(void *, int, size_t);
typedef int compare_fn(const void *, const void *, size_t);
typedef void *find_fn(const void *, int, size_t);
typedef void *search_fn(const void *, size_t, const void *, size_t);

/* Called through a pointer that the compiler cannot see through, as a program calls by its procedure linkage table. */
static struct subject {
    const char *name;
    copy_fn *volatile memcpy, *volatile memmove;
    set_fn *volatile memset;
    compare_fn *volatile memcmp;
    find_fn *volatile memchr, *volatile memrchr;
    search_fn *volatile memmem;
} subjects[SUBJECTS] = {
    {"libc", memcpy, memmove, memset, memcmp, memchr, memrchr, memmem},
    {"loam", loam_memcpy, loam_memmove, loam_memset, loam_memcmp, loam_memchr, loam_memrchr, loam_memmem},
};

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint32_t random_state = 1;

static uint32_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

/* One operation: `which` routine of the subject on n bytes. */
enum routine { MEMCPY, MEMMOVE, MEMSET, MEMCMP, MEMCHR, MEMRCHR, ROUTINES };

static const char *const routine_names[ROUTINES] = {"memcpy", "memmove", "memset", "memcmp", "memchr", "memrchr"};

struct place {
    uint32_t to, from, size;
};

static char *to_area, *from_area;
static uint64_t sink;

/* The cost of a call, ns: `count` calls at the places, over and over. The routine is known outside the loop. */
static double time_places(const struct subject *s, enum routine routine, const struct place *places, size_t count, size_t calls)
{
    size_t mask = count - 1;
    double start = now_ns();

#define EACH(call)                                                                                                     \
    for (size_t i = 0; i < calls; i++) {                                                                               \
        const struct place *p = &places[i & mask];                                                                     \
        char *to = to_area + p->to, *from = from_area + p->from;                                                       \
        (void)to, (void)from;                                                                                          \
        call;                                                                                                          \
    }                                                                                                                  \
    break
    switch (routine) {
    case MEMCPY:
        EACH(s->memcpy(to, from, p->size));
    case MEMMOVE:
        EACH(s->memmove(to, from, p->size));
    case MEMSET:
        EACH(s->memset(to, 0, p->size));
    case MEMCMP:
        EACH(sink += (unsigned)s->memcmp(to, from, p->size));
    case MEMCHR: /* the byte is the last one */
        EACH(sink += (uintptr_t)s->memchr(from, 1, p->size));
    case MEMRCHR:
        EACH(sink += (uintptr_t)s->memrchr(from, 1, p->size));
    default:
        break;
    }
#undef EACH
    return (now_ns() - start) / (double)calls;
}

static void measure(const char *part, const char *what, enum routine routine, const struct place *places, size_t count,
                    size_t calls)
{
    double best[SUBJECTS];

    for (int r = 0; r < ROUNDS; r++)
        for (int s = 0; s < SUBJECTS; s++) {
            double t = time_places(&subjects[s], routine, places, count, calls);
            best[s] = r == 0 || t < best[s] ? t : best[s];
        }
    for (int s = 0; s < SUBJECTS; s++)
        printf("%s\t%s\t%s\t%s\t%.3f\n", part, routine_names[routine], subjects[s].name, what, best[s]);
    fflush(stdout);
}

static size_t calls_for(size_t size)
{
    size_t calls = ((size_t)1 << 24) / (size + 256);
    return calls > 20000 ? 20000 : calls < 3 ? 3 : calls;
}

/* --- parts --- */

static void part_sizes(enum routine routine)
{
    for (size_t size = 0; size <= 4096; size += size < 256 ? 1 : size < 1024 ? 16 : 64)
        for (int aligned = 1; aligned >= 0; aligned--) {
            struct place place = {.to = 64 + (aligned ? 0 : 7), .from = 64 + (aligned ? 0 : 27), .size = (uint32_t)size};
            char what[64];
            snprintf(what, sizeof(what), "%zu %s", size, aligned ? "aligned" : "unaligned");
            measure("size", what, routine, &place, 1, calls_for(size));
        }
}

static void part_large(enum routine routine)
{
    for (size_t size = 8192; size <= (size_t)64 << 20; size *= 2)
        for (int aligned = 1; aligned >= 0; aligned--) {
            struct place place = {.to = 64 + (aligned ? 0 : 7), .from = 64 + (aligned ? 0 : 27), .size = (uint32_t)size};
            char what[64];
            snprintf(what, sizeof(what), "%zu %s", size, aligned ? "aligned" : "unaligned");
            measure("large", what, routine, &place, 1, calls_for(size));
        }
}

/* Places all over an area that no cache holds. */
static void part_cold(enum routine routine)
{
    static struct place places[CALLS];

    for (size_t size = 1; size <= 4096; size *= 2) {
        char what[64];
        for (size_t i = 0; i < CALLS; i++)
            places[i] = (struct place){random_next() % (60u << 20), random_next() % (60u << 20), (uint32_t)size};
        snprintf(what, sizeof(what), "%zu cold", size);
        measure("cold", what, routine, places, CALLS, CALLS);
    }
}

static uint32_t draw_program(void)
{
    /* Halves below 16, quarters up to 32 and 64 ... of each its places are equally likely. */
    unsigned order = 4;
    while (order < 10 && (random_next() & 1))
        order++;
    uint32_t low = order == 4 ? 0 : 1u << (order - 1);
    return low + random_next() % ((1u << order) - low);
}

static void part_random(enum routine routine)
{
    static struct place places[CALLS];
    static const char *const names[] = {"0..15", "0..31", "0..63", "0..127", "0..255", "program"};

    bool finds = routine == MEMCHR || routine == MEMRCHR;

    for (unsigned d = 0; d < 6; d++) {
        uint32_t used = 64;
        for (size_t i = 0; i < CALLS; i++) {
            uint32_t size = d < 5 ? random_next() % (16u << d) : draw_program();
            places[i] = (struct place){random_next() % 8192, random_next() % 8192, size};
            if (!finds)
                continue;
            /* Each has its own bytes, of which the last, or the first, is the one that is looked for. */
            places[i].from = used;
            if (size)
                from_area[routine == MEMCHR ? used + size - 1 : used] = 1;
            used += size + random_next() % 16;
        }
        measure("random", names[d], routine, places, CALLS, CALLS);
        memset(from_area, 0, used);
    }
}

/* --- memmem --- */

enum { TEXT = 64 * 1024, NEEDLES = 16 };

/* Letters as often as English has them, and the space. */
static char draw_letter(void)
{
    static const char letters[] = "eeeeeeeeeeeetttttttttaaaaaaaaooooooooiiiiiiinnnnnnnsssssshhhhhhrrrrrrddddlllcccuuummmwwffggyyppbbvk"
                                  "                  ";
    return letters[random_next() % (sizeof(letters) - 1)];
}

static void fill_letters(char *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = draw_letter();
}

static double time_search(const struct subject *s, const char *text, size_t n, const char *needle, size_t m, bool *found)
{
    int calls = 3;
    double start = now_ns();

    for (int i = 0; i < calls; i++)
        *found = s->memmem(text, n, needle, m) != NULL;
    return (now_ns() - start) / calls;
}

static void measure_search(const char *part, const char *what, const char *text, size_t n, char needles[][4096], size_t m,
                           int count)
{
    double total[SUBJECTS] = {0};
    int used = 0;

    for (int k = 0; k < count; k++) {
        double best[SUBJECTS];
        bool found = false;
        for (int r = 0; r < ROUNDS; r++)
            for (int s = 0; s < SUBJECTS; s++) {
                double t = time_search(&subjects[s], text, n, needles[k], m, &found);
                best[s] = r == 0 || t < best[s] ? t : best[s];
            }
        if (found)
            continue; /* the whole text is to be searched */
        used++;
        for (int s = 0; s < SUBJECTS; s++)
            total[s] += best[s];
    }
    for (int s = 0; s < SUBJECTS && used; s++)
        printf("%s\tmemmem\t%s\t%s\t%.3f\n", part, subjects[s].name, what, total[s] / used / (double)n * 1024);
    fflush(stdout);
}

/* Needles that are drawn as the text is, but are not in it: of those that are, a byte is changed to one that ends it. */
static void make_absent(char *text, size_t n, char *needle, size_t m)
{
    for (char *p; (p = memmem(text, n, needle, m));)
        p[m - 1] = p[m - 1] == 'x' ? 'q' : 'x';
}

static void part_search(void)
{
    static const size_t sizes[] = {2, 3, 4, 5, 8, 12, 16, 20, 40, 100, 250};
    static char needles[NEEDLES][4096];
    char *text = to_area;
    char what[64];

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t m = sizes[i];
        fill_letters(text, TEXT);
        for (int k = 0; k < NEEDLES; k++)
            fill_letters(needles[k], m);
        for (int k = 0; k < NEEDLES; k++)
            make_absent(text, TEXT, needles[k], m);
        snprintf(what, sizeof(what), "letters %zu", m);
        measure_search("search", what, text, TEXT, needles, m, NEEDLES);
    }
    /* A program: this one's C library. */
    memcpy(text, (char *)((uintptr_t)memcpy & ~(uintptr_t)4095), TEXT);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t m = sizes[i];
        for (int k = 0; k < NEEDLES; k++) {
            memcpy(needles[k], text + random_next() % (TEXT - m), m);
            needles[k][m - 1] ^= 0x55;
        }
        snprintf(what, sizeof(what), "program %zu", m);
        measure_search("search", what, text, TEXT, needles, m, NEEDLES);
    }
}

static void adversary(const char *name, size_t m, char *text, char needles[][4096])
{
    char what[64];
    snprintf(what, sizeof(what), "%s %zu", name, m);
    measure_search("adverse", what, text, TEXT, needles, m, 1);
}

static void part_adverse(void)
{
    static char needles[1][4096];
    char *needle = needles[0], *text = to_area;

    for (size_t m = 4; m <= 4096; m *= 4) {
        memset(text, 'a', TEXT);
        memset(needle, 'a', m);
        needle[0] = 'b';
        adversary("b at start", m, text, needles);
        memset(needle, 'a', m);
        needle[m - 1] = 'b';
        adversary("b at end", m, text, needles);
        memset(needle, 'a', m);
        needle[m / 2] = 'b';
        for (size_t i = m - 1; i < TEXT; i += m)
            text[i] = 'b';
        needle[m - 1] = 'b';
        adversary("periods", m, text, needles);
        for (size_t i = 0; i < TEXT; i++)
            text[i] = "ab"[i & 1];
        for (size_t i = 0; i < m; i++)
            needle[i] = "ab"[i & 1];
        needle[m / 2] ^= 3;
        adversary("abab", m, text, needles);
        for (size_t i = 0; i < TEXT; i++)
            text[i] = "ab"[random_next() & 1];
        for (size_t i = 0; i < m; i++)
            needle[i] = "ab"[random_next() & 1];
        adversary("two symbols", m, text, needles);
        memset(text, 'a', TEXT);
        for (size_t i = 0; i < TEXT; i += 1 + random_next() % m)
            text[i] = 'b';
        memset(needle, 'a', m);
        adversary("runs", m, text, needles);
        /* Fibonacci's word, and a needle of it that fails late. */
        size_t a = 1, b = 2;
        text[0] = 'a', text[1] = 'b';
        while (b < TEXT) {
            size_t c = a + b < TEXT ? a : TEXT - b;
            memmove(text + b, text, c);
            size_t next = b + c;
            a = b, b = next;
        }
        memcpy(needle, text + 1, m);
        needle[m - 1] ^= 3;
        adversary("Fibonacci", m, text, needles);
        memcpy(needle, text + 1, m);
        needle[0] ^= 3;
        adversary("Fibonacci's start", m, text, needles);
    }
}

/* Time over the size of the haystack, for needles that are hard: it must be a line. */
static void part_linear(void)
{
    static char needles[1][4096];
    char *needle = needles[0], *text = to_area;

    for (size_t n = 1 << 12; n <= (size_t)1 << 25; n *= 2) {
        char what[64];
        for (size_t i = 0; i < n; i++)
            text[i] = "ab"[random_next() & 1];
        for (size_t i = 0; i < 1024; i++)
            needle[i] = "ab"[random_next() & 1];
        snprintf(what, sizeof(what), "two symbols %zu", n);
        measure_search("linear", what, text, n, needles, 1024, 1);
        memset(text, 'a', n);
        for (size_t i = 1023; i < n; i += 1024)
            text[i] = 'b';
        memset(needle, 'a', 1024);
        needle[512] = needle[1023] = 'b';
        snprintf(what, sizeof(what), "periods %zu", n);
        measure_search("linear", what, text, n, needles, 1024, 1);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(enum routine);
    } parts[] = {{"size", part_sizes}, {"large", part_large}, {"cold", part_cold}, {"random", part_random}};
    size_t area = (size_t)65 << 20;

    to_area = mmap(NULL, area, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    from_area = mmap(NULL, area, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(to_area, 0, area);
    memset(from_area, 0, area);
    if (argc > 1 && strcmp(argv[1], "search") == 0)
        part_search();
    if (argc > 1 && strcmp(argv[1], "adverse") == 0)
        part_adverse();
    if (argc > 1 && strcmp(argv[1], "linear") == 0)
        part_linear();
    for (size_t p = 0; argc > 1 && p < sizeof(parts) / sizeof(parts[0]); p++)
        for (int r = 0; strcmp(parts[p].name, argv[1]) == 0 && r < ROUTINES; r++)
            if (argc == 2 || strcmp(argv[2], routine_names[r]) == 0)
                parts[p].run((enum routine)r);
    return sink == 1;
}
