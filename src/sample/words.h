/*
 * words.h - what findings are called, by the process itself and by who reads them from outside.
 */
#ifndef LOAM_SAMPLE_WORDS_H
#define LOAM_SAMPLE_WORDS_H

/* Each of the enums of finding.h and origin.h; "" for other values. */
const char *words_kind(unsigned kind);       /* enum finding_kind: "use after free" */
const char *words_access(unsigned access);   /* enum finding_access: "read" */
const char *words_routine(unsigned routine); /* enum routine: "malloc" */
const char *words_freeing(unsigned routine); /* what frees objects of it: "free" */

/* What the thread was doing when a finding of the kind was made: "freed again". */
const char *words_deed(unsigned kind);

#endif
