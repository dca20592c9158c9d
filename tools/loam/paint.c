/* paint.c - see paint.h. */
#include "paint.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct paint plain = {"", "", "", "", ""};
static const struct paint ansi = {"\033[1m", "\033[2m", "\033[32m", "\033[33m", "\033[0m"};

const struct paint *paint_for(FILE *out)
{
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
    bool coloured = isatty(fileno(out)) && !(no_colour && *no_colour) && terminal && strcmp(terminal, "dumb") != 0;

    return coloured ? &ansi : &plain;
}

void paint_name(FILE *out, const char *name)
{
    for (const char *at = name; *at; at++)
        fputc((unsigned char)*at < ' ' || *at == '\177' ? '?' : *at, out);
}

int paint_columns(uint64_t part, uint64_t whole, int width)
{
    int n = whole ? (int)((double)part / (double)whole * width + 0.5) : 0;

    if (n > width)
        n = width;
    return n == 0 && part ? 1 : n;
}

static void repeat(FILE *out, char c, int count)
{
    while (count-- > 0)
        fputc(c, out);
}

void paint_bar(FILE *out, const struct paint *paint, uint64_t used, uint64_t whole, int length)
{
    int filled = paint_columns(used, whole, length);

    fputs(paint->used, out);
    repeat(out, '#', filled);
    fprintf(out, "%s%s", paint->end, paint->unused);
    repeat(out, '.', length - filled);
    fputs(paint->end, out);
}
