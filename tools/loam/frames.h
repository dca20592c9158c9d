/*
 * frames.h - the functions, files and lines that the addresses of a call stack stand for.
 */
#ifndef LOAM_TOOLS_FRAMES_H
#define LOAM_TOOLS_FRAMES_H

#include "image/watched.h"
#include "symbols.h"

#include <stdio.h>

enum { FRAME_TEXT = 512 };

/* One function: several share an address where some were inlined into others. */
struct frame {
    char function[FRAME_TEXT]; /* demangled; empty when it is not known */
    const char *file;          /* of the source; NULL without debugging information */
    int line;
    const char *module; /* path of the ELF file, or NULL */
    uintptr_t offset;   /* of the address, from where the file is loaded */
    bool inlined;
};

struct frames {
    struct frame *items; /* the innermost first */
    size_t count;
};

/*
 * Look up every call of a stack, down to main(): what called that is the C library's start. Calls inside loam's own
 * library are left out. Returns 0 or -ENOMEM; frames_free() either way.
 */
int frames_find(struct symbols *symbols, const struct image_stack *stack, struct frames *out);

void frames_free(struct frames *frames);

/* A line each, with `indent` before it. */
void frames_print(FILE *out, const struct frames *frames, const char *indent);

/* A JSON array. */
void frames_print_json(FILE *out, const struct frames *frames);

#endif
