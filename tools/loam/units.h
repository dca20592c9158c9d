/*
 * units.h - figures as people read them.
 *
 * Each function returns its text by value, to be used as printf("%s", units_bytes(n).text).
 */
#ifndef LOAM_TOOLS_UNITS_H
#define LOAM_TOOLS_UNITS_H

#include <stdint.h>

struct units_text {
    char text[32];
};

/* "512 B", "1.5 KiB", "64.0 MiB". At most 10 characters. */
struct units_text units_bytes(uint64_t bytes);

/* "1,234,567". At most 26 characters. */
struct units_text units_count(uint64_t count);

/* As units_count() up to seven digits, then "12.3 M", "4.5 G". At most 9 characters. */
struct units_text units_short(uint64_t count);

/* "0.45 ms", "12.3 ms", "1.24 s", "2 min 03 s", "1 h 02 min" */
struct units_text units_time(uint64_t nanoseconds);

#endif
