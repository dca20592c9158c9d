/*
 * trap.c - see trap.h.
 *
 * A child of vfork(2) shares this memory but not the actions: what it sets, it sets in the kernel alone. It is told by
 * its process id.
 */
#include "sample/trap.h"

#include "base/base.h"
#include "sample/finding.h"
#include "sample/guarded.h"
#include "sample/stacks.h"
#include "sys/action.h"
#include "sys/lock.h"
#include "sys/sys.h"

#include <errno.h>
#include <ucontext.h>

enum { FAULT_WAS_WRITE = 2 /* bit of the error code that the processor pushes for a page fault */ };

static struct {
    struct lock lock;
    ATOMIC bool started;
    int process;

    /* What the program wants done: one is current, the other is written to. */
    struct sigaction actions[2];
    ATOMIC int current;
} trap;

static const struct sigaction *wanted(void)
{
    return &trap.actions[__atomic_load_n(&trap.current, __ATOMIC_ACQUIRE)];
}

static void want(const struct sigaction *action)
{
    int other = !trap.current;

    trap.actions[other] = *action;
    __atomic_store_n(&trap.current, other, __ATOMIC_RELEASE);
}

static bool is_handler(const struct sigaction *action)
{
    return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

/* --- faults --- */

static struct frame frame_of(const ucontext_t *context, bool *write)
{
#if defined(__x86_64__)
    const greg_t *r = context->uc_mcontext.gregs;
    *write = r[REG_ERR] & FAULT_WAS_WRITE;
    return (struct frame){.pc = (uintptr_t)r[REG_RIP], .sp = (uintptr_t)r[REG_RSP], .bp = (uintptr_t)r[REG_RBP]};
#else
    (void)context;
    *write = false;
    return (struct frame){0};
#endif
}

/* The stack of a fault begins with the instruction that made it. */
static uint32_t stack_of(struct frame frame)
{
    uintptr_t calls[UNWIND_MAX] = {frame.pc + 1}; /* as if it were a call */
    return stacks_keep(calls, 1 + unwind(frame, true, calls + 1, STACKS_DEPTH - 1));
}

static enum finding_kind kind_of(const struct checked *object, uintptr_t address)
{
    if (*object->life == LIFE_FREED)
        return FINDING_AFTER_FREE;
    return address < object->start ? FINDING_UNDERFLOW : FINDING_OVERFLOW;
}

/* Returns whether the program can go on where it was. */
static bool report(const void *address, const ucontext_t *context)
{
    struct checked object;
    bool write;
    struct frame frame = frame_of(context, &write);

    if (!guarded_near(address, &object))
        return false;
    struct finding finding =
        checked_finding_at(kind_of(&object, (uintptr_t)address), &object, address, stack_of(frame));
    finding.access = write ? ACCESS_WRITE : ACCESS_READ;
    return finding_tell(&finding) && slots_open(address) == 0;
}

static const struct sigaction default_action = {.sa_handler = SIG_DFL};

/* The program's handler, or the end: with the default action the instruction faults once more, and the core is its. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    struct sigaction action = *wanted();

    if (action.sa_handler == SIG_IGN && info->si_code <= 0)
        return; /* sent by another process, and ignored */
    if (!is_handler(&action)) {
        sys_sigaction(number, &default_action, NULL);
        if (info->si_code <= 0)
            raise(number); /* it waits until this handler returns */
        return;
    }
    if (action.sa_flags & (int)SA_RESETHAND)
        trap_sigaction(number, &default_action, NULL);
    if (action.sa_flags & SA_SIGINFO)
        action.sa_sigaction(number, info, context);
    else
        action.sa_handler(number);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    bool done = info->si_code > 0 && slots_own(info->si_addr) && report(info->si_addr, context);

    errno = saved;
    if (!done)
        pass_on(number, info, context);
}

/* --- actions --- */

/* Our handler, under the conditions that the program's would run under. */
static struct sigaction ours(const struct sigaction *action)
{
    struct sigaction result = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};

    if (is_handler(action)) {
        result.sa_flags = (action->sa_flags & ~(int)SA_RESETHAND) | SA_SIGINFO;
        result.sa_mask = action->sa_mask;
    }
    return result;
}

static int set(const struct sigaction *action, struct sigaction *before)
{
    struct sigaction previous = *wanted();
    int result = 0;

    if (action) {
        struct sigaction handler = ours(action);
        want(action);
        result = sys_sigaction(SIGSEGV, &handler, NULL);
    }
    if (before)
        *before = previous;
    return result;
}

/* The lock is held by a thread that no handler has interrupted: all signals wait meanwhile. */
int trap_sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
    sigset_t all, mask;

    if (number != SIGSEGV || !__atomic_load_n(&trap.started, __ATOMIC_ACQUIRE) || trap.process != sys_pid())
        return sys_sigaction(number, action, before);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask);
    lock_take(&trap.lock);
    int result = set(action, before);
    lock_give(&trap.lock);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return result;
}

void trap_start(void)
{
    struct sigaction before;

    trap.process = sys_pid();
    if (sys_sigaction(SIGSEGV, NULL, &before) < 0)
        return;
    if (set(&before, NULL) == 0)
        __atomic_store_n(&trap.started, true, __ATOMIC_RELEASE);
}

void trap_after_fork(void)
{
    trap.process = sys_pid();
    lock_init(&trap.lock);
}
