/*
 * finding.h - a misuse of memory that was caught, and telling of it.
 *
 * A finding is told by this process in one paragraph and its stacks as addresses; or, where a reporter is set
 * (`loam report`), by another process, which reads the finding from this one's memory, and adds functions and lines.
 * Nothing is allocated.
 */
#ifndef LOAM_SAMPLE_FINDING_H
#define LOAM_SAMPLE_FINDING_H

#include "base/base.h"
#include "sample/origin.h"

enum finding_kind {
    FINDING_OVERFLOW,      /* an access past the end of a live object, at once */
    FINDING_UNDERFLOW,     /* before its start */
    FINDING_AFTER_FREE,    /* an access to a freed object */
    FINDING_BROKEN_AFTER,  /* the bytes after an object had been written to, when somebody looked */
    FINDING_BROKEN_BEFORE, /* those before it */
    FINDING_BROKEN_FREED,  /* a freed object had been written to */
    FINDING_DOUBLE_FREE,
    FINDING_INVALID_FREE,    /* of what is not the start of an object */
    FINDING_MISMATCH,        /* freed by another family of functions than it was allocated by */
    FINDING_WRONG_SIZE,      /* freed with another size */
    FINDING_INVALID_POINTER, /* given to realloc or malloc_usable_size */
    FINDING_OVERLAP,         /* of memcpy's arguments */
    FINDING_COUNT
};

enum finding_access { ACCESS_UNKNOWN, ACCESS_READ, ACCESS_WRITE };

struct finding {
    uint32_t size; /* of this struct, bytes: a reader of another version must not guess */
    uint8_t kind;
    uint8_t access;
    uint8_t routine; /* enum routine, that it was to be freed by */
    uint8_t taken_by_routine;
    int32_t process;
    int32_t thread;
    uintptr_t address; /* of the access or the argument */
    size_t length;     /* bytes of the access; 0: not known */
    uintptr_t object;  /* its start; 0: there is none near */
    size_t object_size;
    struct origin origin;
    uint32_t stack;    /* number of the stack that led here */
    char function[20]; /* of the C library, whose arguments were wrong; else empty */
};

struct findings {
    char reporter[512]; /* path of the program that tells; empty: this process does it by itself */
    bool strict;        /* tell also of what does no harm here: an object freed by another family's function */
    bool keep_going;    /* after a finding, as far as that is safe */
    int status;         /* otherwise: exit status; -1: die of the signal */
};

extern HIDDEN struct findings findings;

/*
 * Tell of a finding, once for each stack that leads to one of its kind. Sets its thread and process. Returns when the
 * program is to go on: it has been told to, or the finding was suppressed. Otherwise the process ends, as
 * `findings.status` has it; or, with a status of -1, the caller is to end it: false.
 */
bool finding_tell(struct finding *finding);

/* The same, and abort where the process is to die of a signal. */
void finding_stop(struct finding *finding);

/*
 * Run the reporter on this process, with a word of what to do and the address of its subject. Returns its exit status,
 * or -errno.
 */
int findings_report(const char *what, uintptr_t subject);

/* In a forked child: nobody is telling anything. */
void finding_after_fork(void);

#endif
