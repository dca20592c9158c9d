/*
 * trap.h - the handler that turns a fault on a guard page into a report.
 *
 * Every other fault is the program's: its own handler, or the kernel's default, gets it as if ours were not there. The
 * kernel's record of the action has ours with the program's flags and mask; what the program set is kept here, and
 * shown to it when it asks.
 */
#ifndef LOAM_SAMPLE_TRAP_H
#define LOAM_SAMPLE_TRAP_H

#include <signal.h>

/* Take over SIGSEGV; once, when there is a guard page that it may hit. */
void trap_start(void);

/* sigaction(2) and signal(2) of the program's. Thread-safe and async-signal-safe. */
int trap_sigaction(int number, const struct sigaction *action, struct sigaction *before);

/* In a forked child: the process that may change actions is this one. */
void trap_after_fork(void);

#endif
