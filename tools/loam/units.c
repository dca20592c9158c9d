/* units.c - see units.h. */
#include "units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    SHORT_MAX = 9999999, /* what units_short() writes in full */
    NS_PER_MS = 1000000,
    NS_PER_S = 1000000000,
    S_PER_MIN = 60,
    S_PER_H = 3600,
};

/* One decimal and the first unit in which `value` stays below `step`, as it is written: 1023.96 is no "1024.0". */
static struct units_text scaled(double value, double step, const char *const *units)
{
    struct units_text out;

    while (value >= step - 0.05 && units[1]) {
        value /= step;
        units++;
    }
    snprintf(out.text, sizeof(out.text), "%.1f %s", value, *units);
    return out;
}

struct units_text units_bytes(uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", NULL};
    struct units_text out;

    if (bytes >= 1024)
        return scaled((double)bytes / 1024, 1024, units);
    snprintf(out.text, sizeof(out.text), "%" PRIu64 " B", bytes);
    return out;
}

struct units_text units_count(uint64_t count)
{
    struct units_text out;
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
    char *to = out.text;

    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

struct units_text units_short(uint64_t count)
{
    static const char *const units[] = {"M", "G", "T", "P", "E", NULL};

    return count <= SHORT_MAX ? units_count(count) : scaled((double)count / 1e6, 1000, units);
}

struct units_text units_time(uint64_t ns)
{
    struct units_text out;
    uint64_t s = ns / NS_PER_S;
    double ms = (double)ns / NS_PER_MS;

    if (ns < NS_PER_MS)
        snprintf(out.text, sizeof(out.text), "%.2f ms", ms);
    else if (s == 0)
        snprintf(out.text, sizeof(out.text), ms < 99.95 ? "%.1f ms" : "%.0f ms", ms);
    else if (s < S_PER_MIN)
        snprintf(out.text, sizeof(out.text), "%.2f s", (double)ns / NS_PER_S);
    else if (s < S_PER_H)
        snprintf(out.text, sizeof(out.text), "%" PRIu64 " min %02" PRIu64 " s", s / S_PER_MIN, s % S_PER_MIN);
    else
        snprintf(out.text, sizeof(out.text), "%" PRIu64 " h %02" PRIu64 " min", s / S_PER_H, s % S_PER_H / S_PER_MIN);
    return out;
}
