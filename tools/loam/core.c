/*
 * core.c - see core.h.
 *
 * A core file has a load segment for each mapping, and notes: the registers of each thread, which files were mapped
 * where, the auxiliary vector. It may have been cut off, by a limit or a full disk: what lies past its end is not
 * there.
 *
 * Source: core(5), elf(5), elf_core_dump() of Linux for the notes' formats.
 */
#include "core.h"

#include "list.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { STACK_POINTER = 19 }; /* its place among the registers: user_regs_struct of sys/user.h */
#else
enum { STACK_POINTER = 31 };
#endif

/* --- what is where --- */

static int add_piece(struct core *core, const GElf_Phdr *p)
{
    uint64_t end;

    if (p->p_memsz == 0 || __builtin_add_overflow(p->p_vaddr, p->p_memsz, &end) || p->p_filesz > p->p_memsz)
        return p->p_memsz == 0 ? 0 : -EBADMSG;
    struct core_piece *piece = &core->pieces[core->piece_count++];
    *piece = (struct core_piece){.file_offset = p->p_offset, .file_size = p->p_filesz};
    piece->mapping = (struct mapping){
        .start = p->p_vaddr,
        .end = end,
        .readable = p->p_flags & PF_R,
        .writable = p->p_flags & PF_W,
        .executable = p->p_flags & PF_X,
    };
    if (piece->file_offset >= core->size)
        piece->file_size = 0;
    else if (piece->file_size > core->size - piece->file_offset)
        piece->file_size = core->size - piece->file_offset;
    piece->mapping.memory.resident = piece->file_size;
    return 0;
}

static int compare(const void *a, const void *b)
{
    uintptr_t left = ((const struct core_piece *)a)->mapping.start,
              right = ((const struct core_piece *)b)->mapping.start;
    return left < right ? -1 : left > right;
}

static int read_pieces(struct core *core, Elf *elf)
{
    size_t count;
    GElf_Phdr p;
    int error = 0;

    if (elf_getphdrnum(elf, &count) < 0 || count > core->size / sizeof(Elf64_Phdr))
        return -EBADMSG;
    core->pieces = calloc(count + 1, sizeof(*core->pieces));
    if (!core->pieces)
        return -ENOMEM;
    for (size_t i = 0; !error && i < count; i++) {
        if (!gelf_getphdr(elf, (int)i, &p))
            return -EBADMSG;
        if (p.p_type == PT_LOAD)
            error = add_piece(core, &p);
    }
    qsort(core->pieces, core->piece_count, sizeof(*core->pieces), compare);
    for (size_t i = 1; !error && i < core->piece_count; i++)
        if (core->pieces[i].mapping.start < core->pieces[i - 1].mapping.end)
            error = -EBADMSG;
    return error;
}

/* The piece that holds `address`, or NULL. */
static struct core_piece *find(const struct core *core, uintptr_t address)
{
    size_t low = 0, high = core->piece_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (core->pieces[middle].mapping.end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < core->piece_count && core->pieces[low].mapping.start <= address ? &core->pieces[low] : NULL;
}

int core_read(void *context, uintptr_t address, void *to, size_t size)
{
    const struct core *core = context;

    while (size) {
        const struct core_piece *piece = find(core, address);
        uint64_t offset = piece ? address - piece->mapping.start : 0;
        if (!piece || offset >= piece->file_size)
            return -EFAULT;
        ssize_t n =
            pread(core->fd, to, min_size(size, piece->file_size - offset), (off_t)(piece->file_offset + offset));
        if (n <= 0)
            return n < 0 ? -errno : -EFAULT;
        to = (char *)to + n;
        address += (uintptr_t)n;
        size -= (size_t)n;
    }
    return 0;
}

/* --- notes --- */

/* Name the mappings that are of the file. Returns whether the core has any there. */
static bool name_mappings(const struct core *core, uintptr_t start, uintptr_t end, uint64_t offset, const char *name)
{
    bool any = false;

    for (struct core_piece *piece = core->pieces; piece < core->pieces + core->piece_count; piece++) {
        struct mapping *m = &piece->mapping;
        if (m->start >= end || m->end <= start)
            continue;
        any = true;
        if (m->start < start || m->end > end)
            continue;
        m->offset = offset + (m->start - start);
        memccpy(m->path, name, '\0', sizeof(m->path) - 1);
    }
    return any;
}

/* gcore(1) leaves out what has not been changed: that it was mapped is known, and not how. */
static void add_file(struct core *core, uintptr_t start, uintptr_t end, uint64_t offset, const char *name)
{
    struct core_piece *larger = reallocarray(core->pieces, core->piece_count + 1, sizeof(*larger));

    if (!larger)
        return;
    core->pieces = larger;
    struct core_piece *piece = &larger[core->piece_count++];
    *piece = (struct core_piece){.mapping = {.start = start, .end = end, .readable = true, .offset = offset}};
    memccpy(piece->mapping.path, name, '\0', sizeof(piece->mapping.path) - 1);
}

/* How many, the unit of offsets; then start, end and offset of each; then their names, each with its zero byte. */
static void take_files(struct core *core, const unsigned char *note, size_t size)
{
    uint64_t head[2], entry[3];

    if (size < sizeof(head))
        return;
    memcpy(head, note, sizeof(head));
    if (head[0] > (size - sizeof(head)) / sizeof(entry))
        return;
    const unsigned char *at = note + sizeof(head);
    const char *name = (const char *)at + head[0] * sizeof(entry), *end = (const char *)note + size;
    for (uint64_t i = 0; i < head[0]; i++, at += sizeof(entry)) {
        size_t length = strnlen(name, (size_t)(end - name));
        if (name + length == end)
            return;
        memcpy(entry, at, sizeof(entry));
        if (entry[0] < entry[1] && !name_mappings(core, entry[0], entry[1], entry[2] * head[1], name))
            add_file(core, entry[0], entry[1], entry[2] * head[1], name);
        name += length + 1;
    }
    qsort(core->pieces, core->piece_count, sizeof(*core->pieces), compare);
}

static void take_thread(struct core *core, const unsigned char *note, size_t size)
{
    struct elf_prstatus status;

    if (size < sizeof(status))
        return;
    memcpy(&status, note, sizeof(status));
    struct layout_thread *larger = list_grow(core->threads, core->thread_count, sizeof(*larger));
    if (!larger)
        return;
    core->threads = larger;
    core->threads[core->thread_count++] =
        (struct layout_thread){.id = status.pr_pid, .stack_pointer = status.pr_reg[STACK_POINTER]};
}

/* Words that may be pointers. */
static void take_registers(struct core *core, const unsigned char *note, size_t size)
{
    size_t words = size / sizeof(uintptr_t);

    if (!words)
        return;
    uintptr_t *larger = reallocarray(core->registers, core->register_count + words, sizeof(*larger));
    if (!larger)
        return;
    memcpy(larger + core->register_count, note, words * sizeof(*larger));
    core->registers = larger;
    core->register_count += words;
}

static void take_process(struct core *core, const unsigned char *note, size_t size)
{
    struct elf_prpsinfo info;

    if (size < sizeof(info))
        return;
    memcpy(&info, note, sizeof(info));
    core->pid = info.pr_pid;
    memccpy(core->program, info.pr_fname, '\0', min_size(sizeof(info.pr_fname), sizeof(core->program) - 1));
}

static void take_auxiliary(const struct core *core, const unsigned char *note, size_t size)
{
    Elf64_auxv_t entry;

    for (; size >= sizeof(entry); note += sizeof(entry), size -= sizeof(entry)) {
        memcpy(&entry, note, sizeof(entry));
        struct core_piece *piece = entry.a_type == AT_SYSINFO_EHDR ? find(core, entry.a_un.a_val) : NULL;
        if (piece)
            strcpy(piece->mapping.path, "[vdso]");
    }
}

static void take_note(struct core *core, unsigned type, const unsigned char *note, size_t size)
{
    switch (type) {
    case NT_PRSTATUS:
        take_thread(core, note, size);
        take_registers(core, note, size);
        break;
    case NT_FPREGSET:
        take_registers(core, note, size);
        break;
    case NT_PRPSINFO:
        take_process(core, note, size);
        break;
    case NT_FILE:
        take_files(core, note, size);
        break;
    case NT_AUXV:
        take_auxiliary(core, note, size);
        break;
    default:
        break;
    }
}

static void read_notes(struct core *core, Elf *elf, const GElf_Phdr *p)
{
    Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)p->p_offset, p->p_filesz, ELF_T_NHDR);
    size_t offset = 0, name, content;
    GElf_Nhdr note;

    while (data && offset < data->d_size && (offset = gelf_getnote(data, offset, &note, &name, &content)) > 0)
        if (note.n_namesz == sizeof("CORE") && memcmp((char *)data->d_buf + name, "CORE", sizeof("CORE")) == 0)
            take_note(core, note.n_type, (unsigned char *)data->d_buf + content, note.n_descsz);
}

static void read_all_notes(struct core *core, Elf *elf)
{
    size_t count;
    GElf_Phdr p;

    if (elf_getphdrnum(elf, &count) < 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (gelf_getphdr(elf, (int)i, &p) && p.p_type == PT_NOTE)
            read_notes(core, elf, &p);
}

/* --- opening --- */

static int read_core(struct core *core, Elf *elf)
{
    GElf_Ehdr header;

    if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header) || header.e_type != ET_CORE)
        return -ENOEXEC;
    if (header.e_ident[EI_CLASS] != ELFCLASS64)
        return -ENOTSUP;
    int error = read_pieces(core, elf);
    if (!error)
        read_all_notes(core, elf);
    return error;
}

static int open_core(const char *path, struct core *core)
{
    struct stat status;

    elf_version(EV_CURRENT);
    core->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (core->fd < 0 || fstat(core->fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return S_ISDIR(status.st_mode) ? -EISDIR : -ENOEXEC;
    core->size = (uint64_t)status.st_size;
    Elf *elf = elf_begin(core->fd, ELF_C_READ, NULL);
    if (!elf)
        return -ENOEXEC;
    int error = read_core(core, elf);
    elf_end(elf);
    return error;
}

static const char *describe(int error)
{
    switch (error) {
    case -ENOEXEC:
        return "it is not a core file";
    case -ENOTSUP:
        return "it is the core file of a 32-bit process, which this command does not read";
    case -EBADMSG:
        return "the core file is damaged: its headers do not fit each other";
    default:
        return strerror(-error);
    }
}

int core_open(const char *path, struct core *out)
{
    *out = (struct core){.fd = -1};
    int error = open_core(path, out);
    if (!error)
        return 0;
    warnx("%s: %s", path, describe(error));
    core_close(out);
    return error;
}

void core_close(struct core *core)
{
    if (core->fd >= 0)
        close(core->fd);
    free(core->pieces);
    free(core->threads);
    free(core->registers);
    *core = (struct core){.fd = -1};
}
