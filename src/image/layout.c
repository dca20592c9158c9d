/*
 * layout.c - see layout.h.
 *
 * Mappings come in the order of addresses, so those of an ELF file follow the one that has its header. The file's
 * program headers say what each is; where the kernel or the loader has split or protected one since, it stays what it
 * was.
 *
 * A thread's stack is the mapping that its stack pointer is in. While it runs, that is not known; but its control block
 * lies at the upper end, a word that holds its own address, and again two words on.
 *
 * Source: elf(5); "ELF Handling For Thread-Local Storage", section 3.4.6, for the control block on x86-64.
 */
#include "image/layout.h"

#include <elf.h>
#include <string.h>

enum {
    BLOCK_SEARCH = 16384, /* bytes below a stack's end that may hold a control block: static TLS lies above it */
    PIECE = 2048,         /* bytes that are looked at together; of a block, those in which its thread's id is */
    HEADERS_MAX = 64,
    HEAPS_AT_ONCE = 128,
    BLOCKS_MAX = 65536, /* a chain that is longer is damaged */
    BLOCK_SELF = 2,     /* the word that holds its address, as the first one does */
};

const char *const segment_names[SEGMENT_KINDS] = {
    [LOAM_SEGMENT_TEXT] = "text",
    [LOAM_SEGMENT_READ_ONLY] = "read-only data",
    [LOAM_SEGMENT_DATA] = "data",
    [LOAM_SEGMENT_BSS] = "bss",
    [LOAM_SEGMENT_BREAK] = "program break",
    [LOAM_SEGMENT_HEAP] = "loam heap",
    [LOAM_SEGMENT_RESERVE] = "loam reserve",
    [LOAM_SEGMENT_RECORDS] = "loam records",
    [LOAM_SEGMENT_ANONYMOUS] = "anonymous",
    [LOAM_SEGMENT_FILE] = "mapped file",
    [LOAM_SEGMENT_SHARED] = "shared memory",
    [LOAM_SEGMENT_STACK] = "stack",
    [LOAM_SEGMENT_GUARD] = "stack guard",
    [LOAM_SEGMENT_INACCESSIBLE] = "inaccessible",
    [LOAM_SEGMENT_KERNEL] = "kernel",
};

static int get(const struct layout *layout, uintptr_t address, void *to, size_t size)
{
    const struct image_source *source = layout->input.source;
    return source ? source->read(source->context, address, to, size) : -1;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool holds(const struct mapping *m, uintptr_t address)
{
    return address >= m->start && address < m->end;
}

/* --- ELF files --- */

static bool is_elf(const Elf64_Ehdr *header)
{
    return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 && header->e_ident[EI_CLASS] == ELFCLASS64 &&
           header->e_phentsize == sizeof(Elf64_Phdr);
}

static void add_load(struct layout *layout, uintptr_t bias, const Elf64_Phdr *p)
{
    uintptr_t start = bias + p->p_vaddr;

    if (p->p_type != PT_LOAD || layout->load_count == LAYOUT_LOADS || p->p_memsz > UINTPTR_MAX - start ||
        p->p_filesz > p->p_memsz)
        return;
    struct layout_load *load = &layout->loads[layout->load_count++];
    *load = (struct layout_load){
        .start = align_down(start, PAGE_SIZE),
        .end = align_up(start + p->p_memsz, PAGE_SIZE),
        .file_end = start + p->p_filesz,
        .writable = p->p_flags & PF_W,
        .executable = p->p_flags & PF_X,
    };
    layout->module_end = max_size(layout->module_end, load->end);
}

/* Program header number `index` of the file at `start`. */
static bool get_header(const struct layout *layout, uintptr_t start, const Elf64_Ehdr *elf, size_t index,
                       Elf64_Phdr *out)
{
    return get(layout, start + elf->e_phoff + index * sizeof(*out), out, sizeof(*out)) == 0;
}

/* What to add to the addresses that the file was linked for: its first load has the lowest one. */
static uintptr_t bias_of(const struct layout *layout, uintptr_t start, const Elf64_Ehdr *elf, size_t count)
{
    Elf64_Phdr header;

    for (size_t i = 0; i < count && get_header(layout, start, elf, i, &header); i++)
        if (header.p_type == PT_LOAD)
            return start - align_down(header.p_vaddr - header.p_offset, PAGE_SIZE);
    return start;
}

/* The mapping is of a file's beginning: if that is an ELF file, what follows is of it. */
static void enter_module(struct layout *layout, const struct mapping *m)
{
    Elf64_Ehdr elf;
    Elf64_Phdr header;

    if (get(layout, m->start, &elf, sizeof(elf)) < 0 || !is_elf(&elf) || elf.e_phoff > m->end - m->start)
        return;
    size_t count = min_size(elf.e_phnum, HEADERS_MAX);
    uintptr_t bias = bias_of(layout, m->start, &elf, count);
    layout->module_start = layout->module_end = m->start;
    layout->load_count = 0;
    strcpy(layout->module, m->path);
    for (size_t i = 0; i < count && get_header(layout, m->start, &elf, i, &header); i++)
        add_load(layout, bias, &header);
}

static bool in_module(const struct layout *layout, const struct mapping *m)
{
    return m->start >= layout->module_start && m->start < layout->module_end &&
           (!m->path[0] || strcmp(m->path, layout->module) == 0);
}

static enum loam_segment_kind kind_in_load(const struct layout_load *load, const struct mapping *m)
{
    if (load->executable)
        return LOAM_SEGMENT_TEXT;
    if (!load->writable)
        return LOAM_SEGMENT_READ_ONLY;
    return m->start >= load->file_end ? LOAM_SEGMENT_BSS : LOAM_SEGMENT_DATA;
}

static enum loam_segment_kind kind_in_module(const struct layout *layout, const struct mapping *m)
{
    for (unsigned i = 0; i < layout->load_count; i++) {
        const struct layout_load *load = &layout->loads[i];
        if (m->start < load->start || m->start >= load->end)
            continue;
        if (m->end > load->end && m->end - load->end > load->end - m->start)
            return LOAM_SEGMENT_ANONYMOUS; /* the kernel has joined a BSS and what was mapped above it: most is that */
        return kind_in_load(load, m);
    }
    return m->readable ? LOAM_SEGMENT_READ_ONLY : LOAM_SEGMENT_INACCESSIBLE;
}

/* --- stacks --- */

/* The id of one of the threads that stands in a control block, or 0. */
static int block_thread(const struct layout *layout, uintptr_t block)
{
    int words[PIECE / sizeof(int)];

    if (get(layout, block, words, sizeof(words)) < 0)
        return 0;
    for (size_t i = 0; i < LENGTH(words); i++)
        for (size_t t = 0; words[i] && t < layout->input.thread_count; t++)
            if (words[i] == layout->input.threads[t].id)
                return words[i];
    return 0;
}

/* The same of the control block that begins in [start, end), if there is one. */
static int find_block_in(const struct layout *layout, uintptr_t start, uintptr_t end)
{
    uintptr_t words[PIECE / sizeof(uintptr_t)];
    int thread = 0;

    if (get(layout, start, words, end - start) < 0)
        return 0;
    for (size_t i = (end - start) / sizeof(words[0]) - BLOCK_SELF; !thread && i-- > 0;) {
        uintptr_t block = start + i * sizeof(words[0]);
        if (words[i] == block && words[i + BLOCK_SELF] == block)
            thread = block_thread(layout, block);
    }
    return thread;
}

/* The id of the thread whose control block lies at the mapping's upper end, or 0. */
static int find_block(const struct layout *layout, const struct mapping *m)
{
    uintptr_t least = m->end - min_size(BLOCK_SEARCH, m->end - m->start);
    int thread = 0;

    for (uintptr_t end = m->end; !thread && end - least >= PIECE;
         end -= PIECE / 2) /* one may cross the border of two */
        thread = find_block_in(layout, end - PIECE, end);
    return thread;
}

/* Whether the mapping is a stack; *thread is the thread's id, if that is known. */
static bool is_stack(const struct layout *layout, const struct mapping *m, int *thread)
{
    const struct layout_input *in = &layout->input;

    *thread = 0;
    if (begins(m->path, "[stack")) {
        *thread = in->thread_count ? in->threads[0].id : 0;
        return true;
    }
    if (!m->readable || !m->writable || m->shared || (m->path[0] && !begins(m->path, "[anon:")))
        return false;
    for (size_t i = 0; i < in->thread_count; i++) {
        if (!holds(m, in->threads[i].stack_pointer))
            continue;
        if (*thread) {
            *thread = 0; /* of two at least: a heap, whose owner lays stacks in it */
            return false;
        }
        *thread = in->threads[i].id;
    }
    if (!*thread && in->thread_count > 1)
        *thread = find_block(layout, m);
    if (*thread && *thread == in->threads[0].id && !holds(m, in->threads[0].stack_pointer))
        *thread = 0; /* the main thread's block lies in a mapping of its own */
    return *thread != 0;
}

/* --- the heap --- */

/* Whether a heap's own memory, with its magazines, lies in the mapping. */
static bool holds_heap(const struct image *heap, const struct mapping *m)
{
    uintptr_t addresses[HEAPS_AT_ONCE];

    for (size_t done = 0; done < heap->heaps; done += HEAPS_AT_ONCE) {
        size_t count = min_size(heap->heaps - done, HEAPS_AT_ONCE);
        if (image_get(heap, heap->heap_list + done * sizeof(addresses[0]), addresses, count * sizeof(addresses[0])) < 0)
            return false;
        for (size_t i = 0; i < count; i++)
            if (holds(m, addresses[i]))
                return true;
    }
    return false;
}

static bool holds_block(const struct image *heap, const struct mapping *m)
{
    uintptr_t block = heap->blocks;

    for (int i = 0; block && i < BLOCKS_MAX; i++)
        if (holds(m, block))
            return true;
        else if (image_get(heap, block, &block, sizeof(block)) < 0)
            return false;
    return false;
}

static bool overlaps(struct image_span span, const struct mapping *m)
{
    return span.size && span.start < m->end && m->start < span.start + span.size;
}

static bool is_records(const struct image *heap, const struct mapping *m)
{
    for (unsigned i = 0; i < heap->range_count; i++) {
        const struct image_range *range = &heap->ranges[i];
        if (holds(m, range->map) || holds(m, range->records) || holds(m, range->chunks))
            return true;
    }
    return overlaps(heap->slot_records, m) || overlaps(heap->facts, m) || overlaps(heap->stacks, m) ||
           holds_heap(heap, m) || holds_block(heap, m);
}

static bool in_heap(const struct image *heap, const struct mapping *m, enum loam_segment_kind *kind)
{
    bool objects = overlaps((struct image_span){heap->slot_area, heap->slot_area_size}, m);

    for (unsigned i = 0; i < heap->range_count; i++)
        objects = objects || overlaps((struct image_span){heap->ranges[i].base, heap->ranges[i].size}, m);
    if (objects) {
        *kind = m->readable ? LOAM_SEGMENT_HEAP : LOAM_SEGMENT_RESERVE;
        return true;
    }
    *kind = LOAM_SEGMENT_RECORDS;
    return !m->path[0] && m->readable && is_records(heap, m);
}

/* --- what a mapping is --- */

static bool is_shared_memory(const char *path)
{
    static const char *const names[] = {"/dev/shm/", "/memfd:", "/SYSV", "/dev/zero", "[anon_shmem:", "/i915"};

    for (size_t i = 0; i < LENGTH(names); i++)
        if (begins(path, names[i]))
            return true;
    return !path[0];
}

static enum loam_segment_kind kind_of(struct layout *layout, const struct mapping *m, int *thread)
{
    enum loam_segment_kind kind;

    *thread = 0;
    if (layout->input.heap && in_heap(layout->input.heap, m, &kind))
        return kind;
    if (m->path[0] == '/' && m->offset == 0 && m->readable && !m->shared)
        enter_module(layout, m);
    if (is_stack(layout, m, thread))
        return LOAM_SEGMENT_STACK;
    if (in_module(layout, m))
        return kind_in_module(layout, m);
    if (begins(m->path, "[heap]"))
        return LOAM_SEGMENT_BREAK;
    if (m->path[0] == '[' && !begins(m->path, "[anon"))
        return LOAM_SEGMENT_KERNEL;
    if (!m->readable && !m->writable && !m->executable)
        return LOAM_SEGMENT_INACCESSIBLE;
    if (m->shared && is_shared_memory(m->path))
        return LOAM_SEGMENT_SHARED;
    return m->path[0] == '/' ? LOAM_SEGMENT_FILE : LOAM_SEGMENT_ANONYMOUS;
}

static void fetch(struct layout *layout)
{
    layout->has_next = layout->input.next(layout->input.context, &layout->next);
}

void layout_begin(struct layout *layout, const struct layout_input *input)
{
    layout->input = *input;
    layout->module_start = layout->module_end = 0;
    layout->load_count = 0;
    fetch(layout);
}

bool layout_next(struct layout *layout, struct segment *out)
{
    int thread;

    if (!layout->has_next)
        return false;
    out->mapping = layout->next;
    out->kind = kind_of(layout, &out->mapping, &out->thread);
    if (out->kind == LOAM_SEGMENT_BSS)
        strcpy(out->mapping.path, layout->module);
    fetch(layout);
    if (out->kind == LOAM_SEGMENT_INACCESSIBLE && layout->has_next && layout->next.start == out->mapping.end &&
        is_stack(layout, &layout->next, &thread)) {
        out->kind = LOAM_SEGMENT_GUARD;
        out->thread = thread;
    }
    return true;
}
