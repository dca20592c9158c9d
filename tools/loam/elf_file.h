/*
 * elf_file.h - what an ELF file is, as far as preloading a library into it is concerned.
 */
#ifndef LOAM_TOOLS_ELF_FILE_H
#define LOAM_TOOLS_ELF_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct elf_file {
    /* The processor that it is for. */
    uint8_t class; /* ELFCLASS32, ELFCLASS64 */
    uint8_t order; /* ELFDATA2LSB, ELFDATA2MSB */
    uint16_t machine;

    /* Read only when class and order are those of this command. */
    uint16_t type;         /* ET_EXEC, ET_DYN, ... */
    char loader[PATH_MAX]; /* the program that loads its libraries; empty when it has none: it is static */
};

/* Read of `fd` into *out. Returns 0; -ENOEXEC when it is no ELF file, or a broken one; or -errno of pread(2). */
int elf_file_read(int fd, struct elf_file *out);

bool elf_file_same_processor(const struct elf_file *a, const struct elf_file *b);

/* Whether it is of this command's own class and byte order, so that `type` and `loader` are known. */
bool elf_file_native(const struct elf_file *file);

#endif
