/* search.c - memmem: in text and in a program, in what is hard for it, and over the size of the haystack. */
#define _GNU_SOURCE
#include "bench.h"

#include <stdio.h>
#include <string.h>

enum { HAY = 32 * 1024, NEEDLES = 16, NEEDLE_MAX = 4096, CALLS = 3, WHAT = 64 };

static char needles[NEEDLES][NEEDLE_MAX];

/* Letters as often as English has them, and the space. */
static char draw_letter(void)
{
    static const char letters[] =
        "eeeeeeeeeeeetttttttttaaaaaaaaooooooooiiiiiiinnnnnnnsssssshhhhhhrrrrrrddddlllcccuuummmwwffggyyppbbvk"
        "                  ";
    return letters[random_next() % (sizeof(letters) - 1)];
}

static void draw(char *to, size_t n, char (*symbol)(void))
{
    for (size_t i = 0; i < n; i++)
        to[i] = symbol();
}

static char draw_two(void)
{
    return "ab"[random_next() & 1];
}

static double time_search(const struct subject *s, const char *hay, size_t n, const char *needle, size_t m)
{
    double start = now_ns();

    for (int i = 0; i < CALLS; i++)
        if (s->memmem(hay, n, needle, m))
            return -1; /* all of the haystack is to be searched */
    return (now_ns() - start) / CALLS;
}

/* ns for a KiB of the haystack: the mean over the needles, of which those that are in it do not count. */
static void measure(const char *part, const char *what, const char *hay, size_t n, size_t m, int count)
{
    double total[SUBJECTS] = {0};
    int used = 0;

    for (int k = 0; k < count; k++) {
        double best[SUBJECTS];
        for (int round = 0; round < ROUNDS; round++)
            for (int s = 0; s < SUBJECTS; s++) {
                double t = time_search(&subjects[s], hay, n, needles[k], m);
                best[s] = round == 0 || t < best[s] ? t : best[s];
            }
        used += best[0] >= 0;
        for (int s = 0; s < SUBJECTS && best[0] >= 0; s++)
            total[s] += best[s];
    }
    for (int s = 0; s < SUBJECTS && used; s++)
        print_figure(part, "memmem", subjects[s].name, what, total[s] / used / (double)n * 1024);
    fflush(stdout);
}

/* Needles that are drawn as the text is, which then is changed where it has one. */
static void make_absent(char *hay, size_t n, const char *needle, size_t m)
{
    for (char *p; (p = memmem(hay, n, needle, m));)
        p[m - 1] = p[m - 1] == 'x' ? 'q' : 'x';
}

void part_search(const char *routine)
{
    static const size_t sizes[] = {2, 3, 4, 5, 8, 12, 16, 20, 40, 100, 250};
    char *hay = to_area, what[WHAT];

    (void)routine;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t m = sizes[i];
        draw(hay, HAY, draw_letter);
        for (int k = 0; k < NEEDLES; k++)
            draw(needles[k], m, draw_letter);
        for (int k = 0; k < NEEDLES; k++)
            make_absent(hay, HAY, needles[k], m);
        snprintf(what, sizeof(what), "letters %zu", m);
        measure("search", what, hay, HAY, m, NEEDLES);
    }
    memcpy(hay, (const char *)((uintptr_t)memcpy & ~(uintptr_t)0xfff), HAY); /* the machine code of the C library */
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t m = sizes[i];
        for (int k = 0; k < NEEDLES; k++) {
            memcpy(needles[k], hay + random_next() % (HAY - m), m);
            needles[k][m - 1] ^= 0x55;
        }
        snprintf(what, sizeof(what), "program %zu", m);
        measure("search", what, hay, HAY, m, NEEDLES);
    }
}

/* --- what is hard --- */

static void all_but_start(char *hay, size_t n, char *needle, size_t m)
{
    memset(hay, 'a', n);
    memset(needle, 'a', m);
    needle[0] = 'b';
}

static void all_but_end(char *hay, size_t n, char *needle, size_t m)
{
    memset(hay, 'a', n);
    memset(needle, 'a', m);
    needle[m - 1] = 'b';
}

static void periods(char *hay, size_t n, char *needle, size_t m)
{
    memset(hay, 'a', n);
    for (size_t i = m - 1; i < n; i += m)
        hay[i] = 'b';
    memset(needle, 'a', m);
    needle[m / 2] = needle[m - 1] = 'b';
}

static void alternating(char *hay, size_t n, char *needle, size_t m)
{
    for (size_t i = 0; i < n; i++)
        hay[i] = "ab"[i & 1];
    memcpy(needle, hay, m);
    needle[m / 2] ^= 3;
}

static void two_symbols(char *hay, size_t n, char *needle, size_t m)
{
    draw(hay, n, draw_two);
    draw(needle, m, draw_two);
}

static void runs(char *hay, size_t n, char *needle, size_t m)
{
    memset(hay, 'a', n);
    for (size_t i = 0; i < n; i += 1 + random_next() % m)
        hay[i] = 'b';
    memset(needle, 'a', m);
}

/* Fibonacci's word, in which each part recurs but is never a period; the needle fails at its last byte. */
static void fibonacci(char *hay, size_t n, char *needle, size_t m)
{
    size_t before = 1, length = 2;

    hay[0] = 'a', hay[1] = 'b';
    while (length < n) {
        size_t more = before < n - length ? before : n - length;
        memcpy(hay + length, hay, more);
        before = length;
        length += more;
    }
    memcpy(needle, hay + 1, m);
    needle[m - 1] ^= 3;
}

static const struct {
    const char *name;
    void (*make)(char *hay, size_t n, char *needle, size_t m);
} hard[] = {{"a...a in b a...", all_but_start},
            {"a...a in a...b", all_but_end},
            {"periods", periods},
            {"abab...", alternating},
            {"two symbols", two_symbols},
            {"runs", runs},
            {"Fibonacci", fibonacci}};

enum { HARD = sizeof(hard) / sizeof(hard[0]) };

void part_adverse(const char *routine)
{
    char what[WHAT];

    (void)routine;
    for (size_t m = 4; m <= NEEDLE_MAX; m *= 4)
        for (size_t h = 0; h < HARD; h++) {
            hard[h].make(to_area, HAY, needles[0], m);
            snprintf(what, sizeof(what), "%s, %zu", hard[h].name, m);
            measure("adverse", what, to_area, HAY, m, 1);
        }
}

/* The figure is for a KiB: it must not rise with the haystack. */
void part_linear(const char *routine)
{
    char what[WHAT];

    (void)routine;
    for (size_t n = 1 << 13; n <= (size_t)1 << 24; n *= 2)
        for (size_t h = 0; h < HARD; h++) {
            hard[h].make(to_area, n, needles[0], 1024);
            snprintf(what, sizeof(what), "%s, %zu", hard[h].name, n);
            measure("linear", what, to_area, n, 1024, 1);
        }
}
