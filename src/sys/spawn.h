/* spawn.h - run another program and wait for it, from any state of this one. */
#ifndef LOAM_SYS_SPAWN_H
#define LOAM_SYS_SPAWN_H

/*
 * Run the program at `path`, with this process's environment but for what would start it on loam. It may read this
 * process's memory. Nothing is allocated, no handler of fork runs, and no wait of the program's sees it.
 * Async-signal-safe. Returns its exit status, 128 and the number of the signal that killed it, or -errno.
 */
int spawn_and_wait(const char *path, const char *const arguments[]);

#endif
