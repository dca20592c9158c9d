/*
 * action.h - the C library's own sigaction(2), which programs that run on loam do not reach by that name.
 */
#ifndef LOAM_SYS_ACTION_H
#define LOAM_SYS_ACTION_H

#include <signal.h>

int sys_sigaction(int number, const struct sigaction *action, struct sigaction *before) __asm__("__sigaction");

#endif
