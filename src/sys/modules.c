/* modules.c - see modules.h. */
#include "sys/modules.h"

#include "base/base.h"

#include <dlfcn.h>
#include <link.h>

#ifdef DLFO_STRUCT_HAS_EH_DBASE
extern int _dl_find_object(void *pc, struct dl_find_object *out) __attribute__((weak));

/* Whether that can be told; *loaded: there is a file at `pc`, and *table its unwind table. */
static bool find_at_once(const void *pc, bool *loaded, const unsigned char **table)
{
    struct dl_find_object found;

    if (!_dl_find_object)
        return false;
    *loaded = _dl_find_object((void *)pc, &found) == 0;
    *table = *loaded ? found.dlfo_eh_frame : NULL;
    return true;
}
#else
static bool find_at_once(const void *pc, bool *loaded, const unsigned char **table)
{
    (void)pc;
    (void)loaded;
    (void)table;
    return false;
}
#endif

bool modules_is_loaded(const void *pc)
{
    const unsigned char *table;
    bool loaded = false;

    return find_at_once(pc, &loaded, &table) && loaded;
}

struct search {
    uintptr_t pc;
    const unsigned char *table;
    const char *name;
    uintptr_t base;
    uintptr_t end;
};

static int look(struct dl_phdr_info *info, size_t size, void *context)
{
    struct search *search = context;
    const unsigned char *table = NULL;
    uintptr_t end = 0;
    bool here = false;

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_LOAD) {
            here = here || search->pc - start < header->p_memsz;
            end = max_size(end, start + header->p_memsz);
        }
        if (header->p_type == PT_GNU_EH_FRAME)
            table = (const unsigned char *)start;
    }
    if (here) {
        search->table = table;
        search->name = info->dlpi_name;
        search->base = info->dlpi_addr;
        search->end = end;
    }
    return here;
}

const unsigned char *modules_unwind_table(const void *pc)
{
    struct search search = {.pc = (uintptr_t)pc};
    bool loaded;

    if (!find_at_once(pc, &loaded, &search.table))
        dl_iterate_phdr(look, &search);
    return search.table;
}

const char *modules_name(const void *pc, uintptr_t *offset)
{
    struct search search = {.pc = (uintptr_t)pc};

    dl_iterate_phdr(look, &search);
    *offset = search.pc - search.base;
    return search.name;
}

void modules_library(const void *pc, uintptr_t *start, uintptr_t *size)
{
    struct search search = {.pc = (uintptr_t)pc};

    dl_iterate_phdr(look, &search);
    bool is_library = search.name && search.name[0];
    *start = is_library ? search.base : 0;
    *size = is_library ? search.end - search.base : 0;
}
