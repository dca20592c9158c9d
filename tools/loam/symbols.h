/*
 * symbols.h - the names of functions and variables, and the lines that they come from, by libdw.
 */
#ifndef LOAM_TOOLS_SYMBOLS_H
#define LOAM_TOOLS_SYMBOLS_H

#include "target.h"

struct symbols;

struct symbol {
    const char *name;   /* of what the address lies in; NULL when it has none */
    uint64_t offset;    /* in it */
    const char *module; /* path of the ELF file; NULL when it is in none */
    const char *file;   /* of the source; NULL without debugging information */
    int line;
};

/*
 * Get ready to look symbols up; `executable` is the program that a core file is of, or NULL where it says so itself.
 * NULL, after a message, when the target's ELF files cannot be told.
 */
struct symbols *symbols_open(const struct target *target, const char *executable);

/*
 * What lies at `address`, of the ELF file that `inside` lies in: libdw does not know the addresses of BSS as a file's
 * own. The strings are valid until symbols_close().
 */
void symbols_find(struct symbols *symbols, uintptr_t address, uintptr_t inside, struct symbol *out);

/* The same without file and line, which are slow to find. */
void symbols_name(struct symbols *symbols, uintptr_t address, uintptr_t inside, struct symbol *out);

/* The module of libdw that an address lies in; NULL for none. */
struct Dwfl_Module *symbols_module(struct symbols *symbols, uintptr_t address);

void symbols_close(struct symbols *symbols);

#endif
