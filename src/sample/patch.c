/*
 * patch.c - see patch.h.
 *
 * A file's relocations name, for each word of its table of addresses, the symbol whose address belongs there; whether
 * the dynamic linker has looked it up already or not, ours takes its place. The table may have been made read-only
 * (PT_GNU_RELRO): it is writable meanwhile. A word is written at once, so that others may call through it. A file that
 * is just being loaded, by this thread or another, is left for the next time: the linker has yet to write to it.
 * Source: System V ABI, "Dynamic Linking"; its supplement for x86-64, section 4.4; ld.so(8).
 */
#include "sample/patch.h"

#include "base/base.h"
#include "sys/lock.h"
#include "sys/modules.h"
#include "sys/sys.h"

#include <link.h>
#include <string.h>

/* What there is to know of a file's relocations. */
struct file {
    uintptr_t base;
    const ElfW(Sym) * symbols;
    const char *strings;
    const ElfW(Rela) * tables[2]; /* of calls, and of other addresses */
    size_t counts[2];
    uintptr_t relro, relro_size; /* whole pages */
};

struct job {
    const struct patch *patches;
    size_t count;
    unsigned long long loaded; /* files that have been loaded, as of this call */
    bool all_loaded;
    bool complete; /* none was left out */
};

static struct {
    struct lock lock;
    unsigned long long loaded; /* as of the last call */
} seen;

static int compare(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}

/* By insertion: they are few, and qsort(3) may allocate. */
void patch_sort(struct patch *patches, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct patch moved = patches[i];
        size_t at = i;
        for (; at > 0 && compare(patches[at - 1].name, moved.name) > 0; at--)
            patches[at] = patches[at - 1];
        patches[at] = moved;
    }
}

static const struct patch *find(const struct job *job, const char *name)
{
    size_t low = 0, high = job->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(job->patches[middle].name, name);
        if (order == 0)
            return *job->patches[middle].real ? &job->patches[middle] : NULL;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* glibc has made the addresses in the dynamic section absolute, musl has not. */
static const void *address(const struct file *file, uintptr_t value)
{
    return (const void *)(value < file->base ? value + file->base : value);
}

static void read_dynamic(struct file *file, const ElfW(Dyn) * dynamic)
{
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        switch (dynamic->d_tag) {
        case DT_SYMTAB:
            file->symbols = address(file, dynamic->d_un.d_ptr);
            break;
        case DT_STRTAB:
            file->strings = address(file, dynamic->d_un.d_ptr);
            break;
        case DT_JMPREL:
            file->tables[0] = address(file, dynamic->d_un.d_ptr);
            break;
        case DT_PLTRELSZ:
            file->counts[0] = dynamic->d_un.d_val / sizeof(ElfW(Rela));
            break;
        case DT_RELA:
            file->tables[1] = address(file, dynamic->d_un.d_ptr);
            break;
        case DT_RELASZ:
            file->counts[1] = dynamic->d_un.d_val / sizeof(ElfW(Rela));
            break;
        }
    }
}

static bool names_function(const ElfW(Rela) * relocation)
{
#if defined(__x86_64__)
    unsigned type = ELF64_R_TYPE(relocation->r_info);
    return type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT;
#else
    (void)relocation;
    return false;
#endif
}

static void patch_table(const struct job *job, const struct file *file, const ElfW(Rela) * table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!names_function(&table[i]))
            continue;
        const char *name = file->strings + file->symbols[ELF64_R_SYM(table[i].r_info)].st_name;
        const struct patch *patch = find(job, name);
        if (patch)
            __atomic_store_n((void **)(file->base + table[i].r_offset), patch->ours, __ATOMIC_RELEASE);
    }
}

static void patch_file(const struct job *job, const struct file *file)
{
    if (!file->symbols || !file->strings)
        return;
    if (file->relro_size && sys_protect_rw((void *)file->relro, file->relro_size) < 0)
        return;
    for (size_t i = 0; i < LENGTH(file->tables); i++)
        if (file->tables[i])
            patch_table(job, file, file->tables[i], file->counts[i]);
    if (file->relro_size)
        sys_protect_ro((void *)file->relro, file->relro_size);
}

/* Ours, and those that a check would lead into endless recursion, or that nobody's bug is in. */
static bool is_exempt(const struct dl_phdr_info *info)
{
    static const char *const names[] = {"/libc.so.", "/ld-linux", "/ld-musl", "linux-vdso", "/libc.musl"};

    for (size_t i = 0; i < LENGTH(names); i++)
        if (strstr(info->dlpi_name, names[i]))
            return true;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD &&
            (uintptr_t)&seen - info->dlpi_addr - info->dlpi_phdr[i].p_vaddr < info->dlpi_phdr[i].p_memsz)
            return true;
    return false;
}

static int visit(struct dl_phdr_info *info, size_t size, void *context)
{
    struct job *job = context;
    struct file file = {.base = info->dlpi_addr};
    const ElfW(Dyn) *dynamic = NULL;

    (void)size;
    if (info->dlpi_adds == seen.loaded)
        return 1; /* nothing new */
    job->loaded = info->dlpi_adds;
    if (is_exempt(info))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_DYNAMIC)
            dynamic = (const ElfW(Dyn) *)start;
        if (header->p_type == PT_GNU_RELRO) {
            file.relro = align_down(start, PAGE_SIZE);
            file.relro_size = align_down(start + header->p_memsz, PAGE_SIZE) - file.relro;
        }
    }
    if (!dynamic)
        return 0;
    if (!job->all_loaded && !modules_is_loaded(dynamic)) {
        job->complete = false;
        return 0;
    }
    read_dynamic(&file, dynamic);
    patch_file(job, &file);
    return 0;
}

void patch_all(const struct patch *patches, size_t count, bool all_loaded)
{
    struct job job = {.patches = patches, .count = count, .all_loaded = all_loaded, .complete = true};

    if (!lock_try(&seen.lock))
        return; /* somebody is at it */
    job.loaded = seen.loaded;
    dl_iterate_phdr(visit, &job);
    if (job.complete)
        seen.loaded = job.loaded;
    lock_give(&seen.lock);
}
