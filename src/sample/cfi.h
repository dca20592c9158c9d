/*
 * cfi.h - how to get from a frame of the stack to its caller's: the rule that the compiler left for an instruction.
 *
 * Of all that DWARF's call frame information can say, compilers use little for the two registers that lead to the next
 * frame. So a rule is four numbers, and can be kept in a table.
 * Source: DWARF 5, section 6.4; System V ABI for x86-64, section 3.7; Linux Standard Base 5, "Exception Frames".
 */
#ifndef LOAM_SAMPLE_CFI_H
#define LOAM_SAMPLE_CFI_H

#include "base/base.h"

/* What the canonical frame address (CFA), the stack pointer before the call, is. */
enum cfi_kind {
    CFI_UNKNOWN, /* there is no rule: perhaps the code keeps frame pointers */
    CFI_SP,      /* stack pointer + cfa */
    CFI_BP,      /* frame pointer + cfa */
    CFI_BP_LOAD, /* the word at frame pointer + cfa: a function that aligned its stack */
    CFI_PLT,     /* a stub of the dynamic linker */
    CFI_SIGNAL,  /* the kernel's frame, that a signal handler returns into */
    CFI_END,     /* nobody called this */
};

/* Where the caller's frame pointer is. */
enum cfi_saved {
    CFI_KEPT,   /* in its register */
    CFI_AT_CFA, /* at CFA + bp */
    CFI_AT_BP,  /* at frame pointer + bp */
};

struct cfi_rule {
    uint8_t kind;
    uint8_t saved;
    int16_t bp;
    int32_t cfa;
};

static_assert(sizeof(struct cfi_rule) == 8, "one word, to be read at once");

/* The rule at `pc`. Takes no lock of loam's, and allocates nothing. */
struct cfi_rule cfi_find(uintptr_t pc);

#endif
