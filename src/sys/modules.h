/*
 * modules.h - the ELF files that this process is made of, as the dynamic linker knows them.
 *
 * Thread-safe. Where the C library has _dl_find_object (glibc 2.35), async-signal-safe as well; else the linker's own
 * lock is taken, which a thread that holds it may take again.
 */
#ifndef LOAM_SYS_MODULES_H
#define LOAM_SYS_MODULES_H

#include <stdbool.h>
#include <stdint.h>

/* The unwind table (PT_GNU_EH_FRAME) of the file whose code `pc` is in; NULL when there is none. */
const unsigned char *modules_unwind_table(const void *pc);

/*
 * Whether the file that `pc` is in has been loaded to the end: one that is just being loaded has addresses yet to be
 * filled in. False where that cannot be told.
 */
bool modules_is_loaded(const void *pc);

/* Path of the file, and the offset of `pc` from where it is loaded; NULL when it is in none. "" is the program. */
const char *modules_name(const void *pc, uintptr_t *offset);

/* The addresses of the library that `pc` is in: none, if that is in the program itself. */
void modules_library(const void *pc, uintptr_t *start, uintptr_t *size);

#endif
