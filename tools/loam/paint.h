/*
 * paint.h - what a terminal shows in colours, and any other output without.
 */
#ifndef LOAM_TOOLS_PAINT_H
#define LOAM_TOOLS_PAINT_H

#include <stdint.h>
#include <stdio.h>

/* Escape sequences, or empty strings. */
struct paint {
    const char *title;
    const char *faint;
    const char *used;
    const char *unused;
    const char *end; /* of any */
};

/* Colours when `out` is a terminal that has them, unless $NO_COLOR is set (no-color.org). */
const struct paint *paint_for(FILE *out);

/* A name from elsewhere: control characters, which could move the cursor, become question marks. */
void paint_name(FILE *out, const char *name);

/* `part` of `whole` as a share of `width` columns; what is there at all is to be seen. */
int paint_columns(uint64_t part, uint64_t whole, int width);

/* A bar of `length` columns, `used` of `whole` in it. */
void paint_bar(FILE *out, const struct paint *paint, uint64_t used, uint64_t whole, int length);

#endif
