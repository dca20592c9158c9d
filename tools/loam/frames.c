/* frames.c - see frames.h. */
#include "frames.h"

#include "json.h"
#include "list.h"
#include "paint.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <inttypes.h>
#include <libiberty/demangle.h>
#include <string.h>

static struct frame *add(struct frames *frames)
{
    struct frame *larger = list_grow(frames->items, frames->count, sizeof(*larger));

    if (!larger)
        return NULL;
    frames->items = larger;
    struct frame *frame = &larger[frames->count++];
    *frame = (struct frame){.line = 0};
    return frame;
}

/* C++ and Rust have names that linkers understand. */
static void set_function(struct frame *frame, const char *name)
{
    char *readable = name ? cplus_demangle(name, DMGL_AUTO) : NULL;

    snprintf(frame->function, sizeof(frame->function), "%s", readable ? readable : name ? name : "");
    free(readable);
}

/* The name that the linker knows the function of a DIE by, or the one in the source. */
static const char *name_of(Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    Dwarf_Attribute *found = dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute);

    if (!found)
        found = dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute);
    const char *name = found ? dwarf_formstring(found) : NULL;
    return name ? name : dwarf_diename(die);
}

static bool is_function(Dwarf_Die *die)
{
    int tag = dwarf_tag(die);
    return tag == DW_TAG_inlined_subroutine || tag == DW_TAG_subprogram || tag == DW_TAG_entry_point;
}

/* Where an inlined function was called: in the one around it. */
static void set_call_place(struct frame *frame, Dwarf_Die *compilation, Dwarf_Die *inlined)
{
    Dwarf_Attribute attribute;
    Dwarf_Word file = 0, line = 0;
    Dwarf_Files *files;
    size_t count;

    dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file);
    dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line);
    if (dwarf_getsrcfiles(compilation, &files, &count) == 0 && file < count)
        frame->file = dwarf_filesrc(files, file, NULL, NULL);
    frame->line = (int)line;
}

/*
 * Add a frame for each function that the address is in by the debugging information: the innermost has the line of the
 * address, and each further one the line that the one before was called at. Returns how many, or -ENOMEM.
 */
static int add_functions(struct frames *frames, Dwfl_Module *module, uintptr_t address, const struct frame *base)
{
    Dwarf_Addr bias;
    Dwarf_Die *compilation = dwfl_module_addrdie(module, address, &bias), *inner = NULL, *around = NULL;
    int inner_count = compilation ? dwarf_getscopes(compilation, address - bias, &inner) : 0;
    int count = inner_count > 0 ? dwarf_getscopes_die(&inner[0], &around) : 0;
    struct frame place = *base;
    int added = 0;

    for (int i = 0; i < count; i++) {
        if (!is_function(&around[i]))
            continue;
        struct frame *frame = add(frames);
        if (!frame) {
            added = -ENOMEM;
            break;
        }
        *frame = place;
        set_function(frame, name_of(&around[i]));
        added++;
        if (dwarf_tag(&around[i]) != DW_TAG_inlined_subroutine)
            break;
        frame->inlined = true;
        set_call_place(&place, compilation, &around[i]);
    }
    free(inner);
    free(around);
    return added;
}

static bool is_loam(const char *module)
{
    const char *name = module ? strrchr(module, '/') : NULL;
    return name && strncmp(name, "/libloam.so", strlen("/libloam.so")) == 0;
}

/* Nobody looks for a mistake in its lines, and they take longer to read than all others. */
static bool is_c_library(const char *module)
{
    const char *name = module ? strrchr(module, '/') : NULL;
    return name &&
           (strncmp(name, "/libc.so", strlen("/libc.so")) == 0 || strncmp(name, "/libc-", strlen("/libc-")) == 0);
}

/* A return address stands for the call before it. */
static int add_call(struct frames *frames, struct symbols *symbols, uintptr_t call)
{
    uintptr_t address = call - 1;
    Dwfl_Module *module = symbols_module(symbols, address);
    struct frame base = {.offset = call};
    struct symbol symbol;

    symbols_name(symbols, address, address, &symbol);
    if (is_loam(symbol.module))
        return 0;
    base.module = symbol.module;
    if (module) {
        Dwarf_Addr start;
        dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, NULL, NULL);
        base.offset = call - start;
    }
    if (module && !is_c_library(symbol.module)) {
        symbols_find(symbols, address, address, &symbol);
        base.file = symbol.file;
        base.line = symbol.line;
        int added = add_functions(frames, module, address, &base);
        if (added)
            return added < 0 ? added : 0;
    }
    struct frame *frame = add(frames);
    if (!frame)
        return -ENOMEM;
    *frame = base;
    set_function(frame, symbol.name);
    return 0;
}

int frames_find(struct symbols *symbols, const struct image_stack *stack, struct frames *out)
{
    int error = 0;

    *out = (struct frames){.items = NULL};
    for (size_t i = 0; !error && i < stack->count; i++) {
        error = add_call(out, symbols, stack->calls[i]);
        if (out->count && strcmp(out->items[out->count - 1].function, "main") == 0)
            break;
    }
    return error;
}

void frames_free(struct frames *frames)
{
    free(frames->items);
    *frames = (struct frames){.items = NULL};
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void frames_print(FILE *out, const struct frames *frames, const char *indent)
{
    const struct paint *paint = paint_for(out);

    for (size_t i = 0; i < frames->count; i++) {
        const struct frame *f = &frames->items[i];
        fprintf(out, "%s%s ", indent, i ? "by" : "at");
        paint_name(out, f->function[0] ? f->function : "?");
        fputs(paint->faint, out);
        if (f->file)
            fprintf(out, "  %s:%d", base_name(f->file), f->line);
        else if (f->module)
            fprintf(out, "  %s+0x%" PRIxPTR, base_name(f->module), f->offset);
        else
            fprintf(out, "  0x%" PRIxPTR, f->offset);
        fprintf(out, "%s%s\n", f->inlined ? "  (inlined)" : "", paint->end);
    }
    if (!frames->count)
        fprintf(out, "%s%s(its stack is not known)%s\n", indent, paint->faint, paint->end);
}

void frames_print_json(FILE *out, const struct frames *frames)
{
    fputc('[', out);
    for (size_t i = 0; i < frames->count; i++) {
        const struct frame *f = &frames->items[i];
        fprintf(out, "%s{\"function\":", i ? "," : "");
        json_string(out, f->function);
        if (f->file) {
            fprintf(out, ",\"file\":");
            json_string(out, f->file);
            fprintf(out, ",\"line\":%d", f->line);
        }
        if (f->module) {
            fprintf(out, ",\"module\":");
            json_string(out, f->module);
        }
        fprintf(out, ",\"offset\":%" PRIuPTR ",\"inlined\":%s}", f->offset, f->inlined ? "true" : "false");
    }
    fputc(']', out);
}
