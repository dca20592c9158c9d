/*
 * options.h - LOAM_OPTIONS=name=value,name=value,...
 *
 * Read once, before the first allocation; ignored in set-uid programs. What is not understood is
 * told in one line on stderr and otherwise ignored.
 */
#ifndef LOAM_MALLOC_OPTIONS_H
#define LOAM_MALLOC_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum { OPTION_PATH = 512 };

struct options {
    bool brk;                  /* source=brk: memory comes from the program break, not from mmap */
    bool hardened;             /* exact checks at each call, random placement, memory zeroed on free */
    bool huge_pages;           /* hugepages: memory in huge pages, where the kernel has them */
    uint64_t purge_ms;         /* purge=MS: idle time after which memory goes back to the kernel */
    char summary[OPTION_PATH]; /* summary=DIR: leave a record of the process there at its end */
};

extern __attribute__((visibility("hidden"))) struct options options;

void options_read(void);

#endif
