/*
 * elf_file.c - see elf_file.h.
 *
 * The file is whatever the user named: every offset and size in it is checked before use.
 * Source: elf(5); load_elf_binary() of Linux, for what it accepts.
 */
#include "elf_file.h"

#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum {
    OWN_CLASS = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32,
    OWN_ORDER = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB,
    SEGMENTS_SIZE_MAX = 65536, /* bytes of program headers that Linux accepts */
};

/* The first fields have the same place in 32-bit and 64-bit files. */
static_assert(offsetof(Elf32_Ehdr, e_machine) == offsetof(Elf64_Ehdr, e_machine), "e_machine can be read of both");

/* All `size` bytes at `offset`. Returns 0, -ENOEXEC when the file ends before, or -errno. */
static int read_at(int fd, uint64_t offset, void *to, size_t size)
{
    if (offset > INT64_MAX)
        return -ENOEXEC; /* no off_t */
    ssize_t n = pread(fd, to, size, (off_t)offset);
    if (n < 0)
        return -errno;
    return (size_t)n == size ? 0 : -ENOEXEC;
}

static int read_loader(int fd, const ElfW(Phdr) * segment, struct elf_file *out)
{
    size_t size = segment->p_filesz;

    if (size < 2 || size > sizeof(out->loader))
        return -ENOEXEC;
    int error = read_at(fd, segment->p_offset, out->loader, size);
    if (error)
        return error;
    return out->loader[size - 1] == '\0' ? 0 : -ENOEXEC;
}

static int read_segments(int fd, const ElfW(Ehdr) * header, struct elf_file *out)
{
    ElfW(Phdr) segment;

    if (header->e_phentsize != sizeof(segment) || header->e_phnum > SEGMENTS_SIZE_MAX / sizeof(segment))
        return -ENOEXEC;
    for (size_t i = 0; i < header->e_phnum; i++) {
        uint64_t offset;
        if (__builtin_add_overflow(header->e_phoff, i * sizeof(segment), &offset))
            return -ENOEXEC;
        int error = read_at(fd, offset, &segment, sizeof(segment));
        if (error)
            return error;
        if (segment.p_type == PT_INTERP)
            return read_loader(fd, &segment, out);
    }
    return 0;
}

int elf_file_read(int fd, struct elf_file *out)
{
    ElfW(Ehdr) header;
    struct elf_file file = {0};

    int error = read_at(fd, 0, &header, offsetof(ElfW(Ehdr), e_version));
    if (error)
        return error;
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return -ENOEXEC;
    file.class = header.e_ident[EI_CLASS];
    file.order = header.e_ident[EI_DATA];
    file.machine = header.e_machine;
    if (elf_file_native(&file)) {
        error = read_at(fd, 0, &header, sizeof(header));
        if (!error)
            error = read_segments(fd, &header, &file);
        if (error)
            return error;
        file.type = header.e_type;
    }
    *out = file;
    return 0;
}

bool elf_file_same_processor(const struct elf_file *a, const struct elf_file *b)
{
    return a->class == b->class && a->order == b->order && a->machine == b->machine;
}

bool elf_file_native(const struct elf_file *file)
{
    return file->class == OWN_CLASS && file->order == OWN_ORDER;
}
