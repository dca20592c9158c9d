/*
 * features.c - see features.h.
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, CPUID, and volume 1, 13.3 and 14.3,
 * on what XGETBV says of the registers that the kernel saves.
 */
#include "cpu/features.h"

#if defined(__x86_64__)

#include <cpuid.h>

/* Registers that must be saved: those of SSE and AVX; and for AVX-512 masks, upper halves and upper sixteen. */
enum { SAVES_AVX = 0x06, SAVES_AVX512 = 0xe6 };

static unsigned saved_registers(void)
{
    unsigned low, high;

    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool all_of(unsigned word, unsigned bits)
{
    return (word & bits) == bits;
}

struct cpu_features cpu_features(void)
{
    struct cpu_features features = {false, false};
    unsigned a, b, c, d;

    /* A virtual machine's processor takes microseconds for each question. */
    __cpuid(1, a, b, c, d);
    if (!all_of(c, bit_OSXSAVE | bit_AVX))
        return features;
    unsigned saved = saved_registers();
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return features;
    features.avx2 = all_of(saved, SAVES_AVX) && all_of(b, bit_AVX2 | bit_BMI | bit_BMI2);
    features.avx512 = features.avx2 && all_of(saved, SAVES_AVX512) &&
                      all_of(b, bit_AVX512F | bit_AVX512BW | bit_AVX512VL) && (c & bit_AVX512VBMI2);
    return features;
}

#else

struct cpu_features cpu_features(void)
{
    return (struct cpu_features){false, false};
}

#endif
