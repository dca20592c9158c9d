/*
 * features.h - which instruction sets the processor has and the kernel lets programs use.
 */
#ifndef LOAM_CPU_FEATURES_H
#define LOAM_CPU_FEATURES_H

#include <stdbool.h>

struct cpu_features {
    bool avx2;   /* and BMI1 and BMI2, which came with it */
    bool avx512; /* F, BW and VL; and VBMI2, so that it is none of those that slow down when they use 64-byte vectors */
};

/* Asks the processor. Safe before relocation and in signal handlers. */
struct cpu_features cpu_features(void);

#endif
