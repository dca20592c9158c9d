/*
 * unwind.c - see unwind.h.
 *
 * Rules are kept by address. An entry is two words, written and read without a lock by any thread: the rule, and the
 * address with the rule's bits flipped in, so that halves of two entries do not pass for a whole one.
 * Source: R. Hyatt, T. Mann, "A lockless transposition table implementation for parallel search", 2002.
 */
#include "sample/unwind.h"

#include "base/base.h"
#include "cpu/cpu.h"
#include "sample/cfi.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>

enum {
    WORD = sizeof(uintptr_t),
    SIGNAL_SP = 160, /* where the kernel's frame has the registers: struct ucontext of <asm/ucontext.h>, x86-64 */
    SIGNAL_BP = 120,
    SIGNAL_PC = 168,
    PLT_PUSHED = 11, /* bytes of a stub after which the stack pointer has moved */
    PLT_SIZE = 16,
};

struct kept_rule {
    ATOMIC uint64_t key; /* address ^ rule */
    ATOMIC uint64_t rule;
};

static struct {
    struct kept_rule *rules;
    size_t mask;
} table;

/* Pages of the thread's stack that are known to be there. What is above a live frame stays. */
static CPU_THREAD_LOCAL uintptr_t known_start, known_end;

int unwind_start(size_t rules)
{
    intptr_t memory = sys_map(align_up(rules * sizeof(*table.rules), PAGE_SIZE));

    if (memory < 0)
        return -ENOMEM;
    table.rules = (struct kept_rule *)memory;
    table.mask = rules - 1;
    return 0;
}

static struct cfi_rule rule_at(uintptr_t pc)
{
    struct kept_rule *kept = &table.rules[(pc * 0x9e3779b97f4a7c15 >> 40) & table.mask];
    uint64_t word = __atomic_load_n(&kept->rule, __ATOMIC_RELAXED);
    struct cfi_rule rule;

    if (LIKELY((__atomic_load_n(&kept->key, __ATOMIC_RELAXED) ^ word) == pc)) {
        memcpy(&rule, &word, sizeof(rule));
        return rule;
    }
    rule = cfi_find(pc);
    if (rule.kind == CFI_UNKNOWN)
        return rule; /* the C library may not have started, and know more later */
    memcpy(&word, &rule, sizeof(word));
    __atomic_store_n(&kept->rule, word, __ATOMIC_RELAXED);
    __atomic_store_n(&kept->key, pc ^ word, __ATOMIC_RELAXED);
    return rule;
}

static NOINLINE bool learn_page(uintptr_t address)
{
    uintptr_t page = align_down(address, PAGE_SIZE);
    uintptr_t word;

    if (sys_copy(&word, (const void *)page, sizeof(word)) < 0)
        return false;
    if (page == known_end) {
        known_end += PAGE_SIZE;
    } else if (page + PAGE_SIZE == known_start) {
        known_start = page;
    } else {
        known_start = page;
        known_end = page + PAGE_SIZE;
    }
    return true;
}

/* Returns false when there is no word at this address. */
INLINE bool load(uintptr_t address, uintptr_t *out)
{
    if (UNLIKELY(address % WORD != 0))
        return false;
    if (UNLIKELY(address - known_start >= known_end - known_start) && !learn_page(address))
        return false;
    *out = *(const uintptr_t *)address;
    return true;
}

static bool cfa_of(const struct frame *frame, struct cfi_rule rule, uintptr_t *cfa)
{
    switch (rule.kind) {
    case CFI_SP:
        *cfa = frame->sp + (uintptr_t)(intptr_t)rule.cfa;
        return true;
    case CFI_BP:
        *cfa = frame->bp + (uintptr_t)(intptr_t)rule.cfa;
        return true;
    case CFI_BP_LOAD:
        return load(frame->bp + (uintptr_t)(intptr_t)rule.cfa, cfa);
    case CFI_PLT:
        *cfa = frame->sp + WORD + (frame->pc % PLT_SIZE >= PLT_PUSHED ? WORD : 0);
        return true;
    default:
        return false;
    }
}

/* The frame that a signal interrupted. */
static bool interrupted(struct frame *frame)
{
    uintptr_t sp = frame->sp;

    return load(sp + SIGNAL_PC, &frame->pc) && load(sp + SIGNAL_BP, &frame->bp) && load(sp + SIGNAL_SP, &frame->sp);
}

/* Where there is no rule, the code may keep frame pointers, as what a just-in-time compiler makes often does. */
static bool by_frame_pointer(struct frame *frame)
{
    uintptr_t bp = frame->bp;

    if (bp < frame->sp || !load(bp + WORD, &frame->pc) || !load(bp, &frame->bp))
        return false;
    frame->sp = bp + 2 * WORD;
    return true;
}

/* Go to the caller. Returns false at the end, or where the stack is broken: frames lie above each other. */
static bool step(struct frame *frame, struct cfi_rule rule)
{
    uintptr_t cfa;

    if (UNLIKELY(rule.kind == CFI_UNKNOWN))
        return by_frame_pointer(frame);
    if (!cfa_of(frame, rule, &cfa) || cfa <= frame->sp)
        return false;
    uintptr_t bp = frame->bp;
    if (rule.saved != CFI_KEPT && !load((rule.saved == CFI_AT_CFA ? cfa : bp) + (uintptr_t)(intptr_t)rule.bp, &bp))
        return false;
    if (!load(cfa - WORD, &frame->pc))
        return false;
    frame->bp = bp;
    frame->sp = cfa;
    return true;
}

/* A return address is after the call: the rule is that of the instruction before. */
size_t unwind(struct frame frame, bool exact, uintptr_t *calls, size_t max)
{
    size_t count = 0;

    while (count < max) {
        struct cfi_rule rule = rule_at(frame.pc - !exact);
        exact = rule.kind == CFI_SIGNAL;
        if (!(exact ? interrupted(&frame) : step(&frame, rule)) || !frame.pc)
            break;
        calls[count++] = frame.pc;
    }
    return count;
}
