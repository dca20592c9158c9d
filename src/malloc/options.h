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

enum lock_kind { LOCK_NONE, LOCK_HEAP, LOCK_FUTURE, LOCK_ALL };

struct options {
    bool brk;                   /* source=brk: memory comes from the program break, not from mmap */
    bool hardened;              /* exact checks at each call, random placement, memory zeroed on free */
    bool huge_pages;            /* hugepages: memory in huge pages, where the kernel has them */
    enum lock_kind lock;        /* lock=heap|future|all: of the process, what is kept in memory */
    uint64_t purge_ms;          /* purge=MS: idle time after which memory goes back to the kernel */
    uint64_t sample;            /* sample=BYTES: about one allocation per so many is a tripwire; 0: none */
    bool sample_set;            /* it was given: then samples may cost what they do */
    bool no_guards;             /* guards=0: watched objects lie between protected pages, as on kernels before 6.13 */
    bool check;                 /* every allocation is one */
    bool no_leaks;              /* leaks=0: check does not look for leaks at the end */
    bool keep_going;            /* after a report of check */
    bool at_start;              /* place=start: with check, objects lie behind their guard, not before it */
    uint64_t slowdown;          /* slowdown=N: check may take so many times the program's own time */
    uint64_t memory;            /* memory=MIB: that check may take in addition; 0: a quarter of the machine's */
    uint64_t status;            /* status=N: exit status after a report of check */
    char reporter[OPTION_PATH]; /* reporter=FILE: the program that tells of what was found */
    uint64_t seed;              /* seed=N: of what is drawn at random; 0: another one each time */
    char summary[OPTION_PATH];  /* summary=DIR: leave a record of the process there at its end */
};

extern __attribute__((visibility("hidden"))) struct options options;

void options_read(void);

#endif
