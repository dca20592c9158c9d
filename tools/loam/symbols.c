/* symbols.c - see symbols.h. */
#include "symbols.h"

#include <elfutils/libdwfl.h>
#include <err.h>
#include <stdlib.h>

struct symbols {
    Dwfl *dwfl;
    Elf *core; /* NULL for a process */
};

static const Dwfl_Callbacks of_process = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
};

static const Dwfl_Callbacks of_core = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
};

/* Tell libdw which files are mapped where. */
static bool report(struct symbols *symbols, const struct target *target, const char *executable)
{
    if (!target->is_core)
        return dwfl_linux_proc_report(symbols->dwfl, target->pid) == 0;
    symbols->core = elf_begin(target->core.fd, ELF_C_READ_MMAP, NULL);
    return symbols->core && dwfl_core_file_report(symbols->dwfl, symbols->core, executable) >= 0;
}

struct symbols *symbols_open(const struct target *target, const char *executable)
{
    struct symbols *symbols = calloc(1, sizeof(*symbols));

    if (!symbols) {
        warn("symbols");
        return NULL;
    }
    symbols->dwfl = dwfl_begin(target->is_core ? &of_core : &of_process);
    if (symbols->dwfl && report(symbols, target, executable) && dwfl_report_end(symbols->dwfl, NULL, NULL) == 0)
        return symbols;
    warnx("%s: no symbols: %s", target->name, dwfl_errmsg(-1));
    symbols_close(symbols);
    return NULL;
}

Dwfl_Module *symbols_module(struct symbols *symbols, uintptr_t address)
{
    return dwfl_addrmodule(symbols->dwfl, address);
}

void symbols_name(struct symbols *symbols, uintptr_t address, uintptr_t inside, struct symbol *out)
{
    GElf_Sym entry;

    *out = (struct symbol){.name = NULL};
    Dwfl_Module *module = symbols_module(symbols, inside);
    if (!module)
        return;
    const char *file = NULL;
    const char *name = dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, &file, NULL);
    out->module = file ? file : name;
    out->name = dwfl_module_addrinfo(module, address, &out->offset, &entry, NULL, NULL, NULL);
}

void symbols_find(struct symbols *symbols, uintptr_t address, uintptr_t inside, struct symbol *out)
{
    symbols_name(symbols, address, inside, out);
    Dwfl_Module *module = symbols_module(symbols, inside);
    Dwfl_Line *line = module ? dwfl_module_getsrc(module, address) : NULL;
    if (line)
        out->file = dwfl_lineinfo(line, NULL, &out->line, NULL, NULL, NULL);
}

void symbols_close(struct symbols *symbols)
{
    if (!symbols)
        return;
    if (symbols->dwfl)
        dwfl_end(symbols->dwfl);
    if (symbols->core)
        elf_end(symbols->core);
    free(symbols);
}
