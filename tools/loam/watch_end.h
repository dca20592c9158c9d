/*
 * watch_end.h - run a program, and look at it when it is about to end.
 */
#ifndef LOAM_TOOLS_WATCH_END_H
#define LOAM_TOOLS_WATCH_END_H

#include "target.h"

/*
 * Run the program, as it is, with the arguments `argv`; call `look` when it is about to end, for whatever reason, with
 * its memory still there. Returns its exit status, or dies of its signal; EXIT_OWN_FAILURE and the like of program.h
 * when it could not be started; or what `look` returned, if that is not 0.
 */
int watch_end(char **argv, int (*look)(void *context, struct target *target), void *context);

#endif
