/*
 * cfi.c - see cfi.h.
 *
 * The file's table (.eh_frame_hdr) is sorted by address and leads to an entry (FDE) for a function, that to what is
 * common to several (CIE). Both have a little program each; it is run until the row for the instruction is complete.
 * What an entry says is believed, as the C++ run-time library does; what is not understood makes the rule unknown.
 */
#include "sample/cfi.h"

#include "base/base.h"
#include "sys/modules.h"

#include <string.h>

enum {
    REGISTER_BP = 6, /* DWARF's numbers on x86-64 */
    REGISTER_SP = 7,
    REGISTER_RETURN = 16,

    POINTER_OMIT = 0xff,
    POINTER_FORMAT = 0x0f,
    POINTER_RELATIVE = 0x70,
    POINTER_TO_HERE = 0x10,
    FORMAT_ABSOLUTE = 0x00,
    FORMAT_U4 = 0x03,
    FORMAT_U8 = 0x04,
    FORMAT_S4 = 0x0b,
    FORMAT_S8 = 0x0c,

    HEADER_VERSION = 1,
    HEADER_FRAMES = 0x1b, /* how a linker writes the table: addresses relative to here, of 4 bytes, */
    HEADER_COUNT = FORMAT_U4,
    HEADER_TABLE = 0x3b, /* and to the table */

    OP_LOAD = 0x06, /* DW_OP_deref */
    OP_BP = 0x70 + REGISTER_BP,
    OP_SP = 0x70 + REGISTER_SP,
    PLT_LENGTH = 11, /* of the expression that linkers give their stubs */

    REMEMBERED = 8, /* rows that a program may put aside */
};

/* A place in an entry, and where it ends. */
struct cursor {
    const unsigned char *at, *end;
};

/* What a row says of the registers that matter. */
struct row {
    struct cfi_rule rule;
    bool ends; /* the return address is undefined */
};

struct entry {
    struct cursor program;
    struct cursor common; /* the CIE's program */
    uintptr_t start;      /* of the function */
    uint64_t code_align;
    int64_t data_align;
    bool signal;
};

static uint64_t read_sized(struct cursor *c, size_t size)
{
    uint64_t value = 0;

    if ((size_t)(c->end - c->at) < size) {
        c->at = c->end;
        return 0;
    }
    memcpy(&value, c->at, size);
    c->at += size;
    return value;
}

static uint8_t read_byte(struct cursor *c)
{
    return (uint8_t)read_sized(c, 1);
}

/* A number of seven bits a byte; *shift is how many there were, and *last the last byte. */
static uint64_t read_leb(struct cursor *c, unsigned *shift, uint8_t *last)
{
    uint64_t value = 0;

    *shift = 0;
    do {
        *last = read_byte(c);
        if (*shift < WORD_BITS)
            value |= (uint64_t)(*last & 0x7f) << *shift;
        *shift += 7;
    } while (*last & 0x80);
    return value;
}

static uint64_t read_uleb(struct cursor *c)
{
    unsigned shift;
    uint8_t last;

    return read_leb(c, &shift, &last);
}

static int64_t read_sleb(struct cursor *c)
{
    unsigned shift;
    uint8_t last;
    uint64_t value = read_leb(c, &shift, &last);

    if (shift < WORD_BITS && last & 0x40)
        value |= ~0ull << shift;
    return (int64_t)value;
}

/* A pointer in the given encoding; relative to the place where it stands, or to nothing. */
static uintptr_t read_pointer(struct cursor *c, uint8_t encoding)
{
    uintptr_t base = (encoding & POINTER_RELATIVE) == POINTER_TO_HERE ? (uintptr_t)c->at : 0;

    switch (encoding & POINTER_FORMAT) {
    case FORMAT_ABSOLUTE:
    case FORMAT_U8:
    case FORMAT_S8:
        return base + read_sized(c, 8);
    case FORMAT_U4:
        return base + read_sized(c, 4);
    case FORMAT_S4:
        return base + (uintptr_t)(int32_t)read_sized(c, 4);
    default:
        c->at = c->end;
        return 0;
    }
}

/* --- entries --- */

/* The FDE for `pc`, or NULL. The table has pairs of a function's start and its FDE, both relative to the table. */
static const unsigned char *search_table(const unsigned char *table, uintptr_t pc)
{
    struct cursor c = {.at = table + 4, .end = table + 12};

    if (table[0] != HEADER_VERSION || table[1] != HEADER_FRAMES || table[2] != HEADER_COUNT || table[3] != HEADER_TABLE)
        return NULL;
    read_sized(&c, 4);
    size_t low = 0, high = read_sized(&c, 4);
    const int32_t(*pairs)[2] = (const void *)c.at;
    int64_t wanted = (int64_t)(pc - (uintptr_t)table);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pairs[middle][0] <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? table + pairs[low - 1][1] : NULL;
}

/* The bytes of an entry after its length. */
static struct cursor entry_at(const unsigned char *at)
{
    struct cursor c = {.at = at, .end = at + 4};
    uint64_t length = read_sized(&c, 4);

    c.end = c.at + (length < UINT32_MAX ? length : 0);
    return c;
}

/* Read a CIE. Returns false when it is of an unknown kind; *encoding is that of its FDEs' pointers. */
static bool read_common(const unsigned char *at, struct entry *entry, uint8_t *encoding)
{
    struct cursor c = entry_at(at);

    read_sized(&c, 4); /* identifies a CIE */
    uint8_t version = read_byte(&c);
    const char *augmentation = (const char *)c.at;
    while (read_byte(&c))
        ;
    entry->code_align = read_uleb(&c);
    entry->data_align = read_sleb(&c);
    if (version == 1)
        read_byte(&c);
    else
        read_uleb(&c);
    *encoding = FORMAT_ABSOLUTE;
    if (augmentation[0] != 'z')
        return augmentation[0] == '\0';
    size_t length = read_uleb(&c);
    const unsigned char *program = c.at + length;
    for (const char *letter = augmentation + 1; *letter; letter++) {
        if (*letter == 'R')
            *encoding = read_byte(&c);
        else if (*letter == 'P')
            read_pointer(&c, read_byte(&c) & POINTER_FORMAT);
        else if (*letter == 'L')
            read_byte(&c);
        else if (*letter == 'S')
            entry->signal = true;
    }
    entry->common = (struct cursor){.at = program, .end = c.end};
    return program <= c.end;
}

/* Read an FDE. Returns false when it is not for `pc`. */
static bool read_entry(const unsigned char *at, uintptr_t pc, struct entry *entry)
{
    struct cursor c = entry_at(at);
    const unsigned char *common = c.at;
    uint8_t encoding;

    common -= (uint32_t)read_sized(&c, 4);
    if (!read_common(common, entry, &encoding))
        return false;
    entry->start = read_pointer(&c, encoding);
    size_t size = read_pointer(&c, encoding & POINTER_FORMAT);
    if (pc - entry->start >= size)
        return false;
    if (*(const char *)(common + 9) == 'z') { /* after length, identifier and version */
        size_t length = read_uleb(&c);
        c.at += length;
    }
    entry->program = c;
    return c.at <= c.end;
}

/* --- programs --- */

static void set_offset(struct row *row, uint64_t reg, int64_t offset)
{
    if (reg == REGISTER_BP) {
        row->rule.saved = CFI_AT_CFA;
        row->rule.bp = (int16_t)offset;
    }
}

static void set_kept(struct row *row, uint64_t reg, const struct row *initial)
{
    if (reg == REGISTER_BP) {
        row->rule.saved = initial->rule.saved;
        row->rule.bp = initial->rule.bp;
    }
}

static void set_base(struct row *row, uint64_t reg)
{
    row->rule.kind = reg == REGISTER_SP ? CFI_SP : reg == REGISTER_BP ? CFI_BP : CFI_UNKNOWN;
}

/* The CFA by an expression: a stub's, or a word at an offset from the frame pointer. */
static void set_base_expression(struct row *row, struct cursor *c)
{
    size_t length = read_uleb(c);
    struct cursor e = {.at = c->at, .end = c->at + length};

    c->at += length;
    uint8_t first = read_byte(&e);
    int64_t offset = read_sleb(&e);
    row->rule.kind = CFI_UNKNOWN;
    if (first == OP_SP && length == PLT_LENGTH)
        row->rule.kind = CFI_PLT;
    else if (first == OP_BP && read_byte(&e) == OP_LOAD && e.at == e.end)
        row->rule.kind = CFI_BP_LOAD;
    row->rule.cfa = (int32_t)offset;
}

/* Where a register is saved, by an expression: at an offset from the frame pointer. */
static void set_expression(struct row *row, uint64_t reg, struct cursor *c)
{
    size_t length = read_uleb(c);
    struct cursor e = {.at = c->at, .end = c->at + length};

    c->at += length;
    if (reg != REGISTER_BP)
        return;
    uint8_t first = read_byte(&e);
    row->rule.bp = (int16_t)read_sleb(&e);
    row->rule.saved = CFI_AT_BP;
    if (first != OP_BP || e.at != e.end)
        row->rule.kind = CFI_UNKNOWN;
}

static void skip_block(struct cursor *c)
{
    size_t length = read_uleb(c);
    c->at += length;
}

/* What is under way while a program runs. */
struct state {
    struct row row, initial, remembered[REMEMBERED];
    size_t depth;
    uintptr_t at; /* instruction that the row begins at */
};

/* One instruction that says where a register is: its number comes first. Returns false for one that is not known. */
static bool step_register(struct state *s, const struct entry *entry, struct cursor *c, uint8_t code)
{
    uint64_t reg = read_uleb(c);

    switch (code) {
    case 0x05: /* offset_extended */
        set_offset(&s->row, reg, (int64_t)read_uleb(c) * entry->data_align);
        return true;
    case 0x11: /* offset_extended_sf */
        set_offset(&s->row, reg, read_sleb(c) * entry->data_align);
        return true;
    case 0x06: /* restore_extended */
        set_kept(&s->row, reg, &s->initial);
        return true;
    case 0x07: /* undefined */
        s->row.ends |= reg == REGISTER_RETURN;
        return true;
    case 0x08: /* same_value */
        if (reg == REGISTER_BP)
            s->row.rule.saved = CFI_KEPT;
        return true;
    case 0x09: /* register */
        read_uleb(c);
        return reg != REGISTER_BP && reg != REGISTER_RETURN;
    case 0x10: /* expression */
        set_expression(&s->row, reg, c);
        return true;
    case 0x16: /* val_expression */
        skip_block(c);
        return reg != REGISTER_BP && reg != REGISTER_RETURN;
    default:
        return false;
    }
}

/* One instruction of the extended kind. Returns false for one that is not known. */
static bool step_extended(struct state *s, const struct entry *entry, struct cursor *c, uint8_t code)
{
    switch (code) {
    case 0x00: /* nop */
        return true;
    case 0x02: /* advance_loc1, 2 and 4 */
        s->at += read_sized(c, 1) * entry->code_align;
        return true;
    case 0x03:
        s->at += read_sized(c, 2) * entry->code_align;
        return true;
    case 0x04:
        s->at += read_sized(c, 4) * entry->code_align;
        return true;
    case 0x0a: /* remember_state */
        if (s->depth == REMEMBERED)
            return false;
        s->remembered[s->depth++] = s->row;
        return true;
    case 0x0b: /* restore_state */
        if (s->depth == 0)
            return false;
        s->row = s->remembered[--s->depth];
        return true;
    case 0x0c: /* def_cfa */
        set_base(&s->row, read_uleb(c));
        s->row.rule.cfa = (int32_t)read_uleb(c);
        return true;
    case 0x0d: /* def_cfa_register */
        set_base(&s->row, read_uleb(c));
        return true;
    case 0x0e: /* def_cfa_offset */
        s->row.rule.cfa = (int32_t)read_uleb(c);
        return true;
    case 0x0f: /* def_cfa_expression */
        set_base_expression(&s->row, c);
        return true;
    case 0x2e: /* GNU_args_size */
        read_uleb(c);
        return true;
    default:
        return step_register(s, entry, c, code);
    }
}

/* Run a program up to the row for `pc`. Returns false when it is not understood. */
static bool run(struct state *s, const struct entry *entry, struct cursor c, uintptr_t pc)
{
    while (c.at < c.end && s->at <= pc) {
        uint8_t code = read_byte(&c);
        uint8_t low = code & 0x3f;
        switch (code >> 6) {
        case 1: /* advance_loc */
            s->at += low * entry->code_align;
            break;
        case 2: /* offset */
            set_offset(&s->row, low, (int64_t)read_uleb(&c) * entry->data_align);
            break;
        case 3: /* restore */
            set_kept(&s->row, low, &s->initial);
            break;
        default:
            if (!step_extended(s, entry, &c, code))
                return false;
        }
    }
    return true;
}

struct cfi_rule cfi_find(uintptr_t pc)
{
    static const struct cfi_rule unknown = {.kind = CFI_UNKNOWN};
    const unsigned char *table = modules_unwind_table((const void *)pc);
    const unsigned char *found = table ? search_table(table, pc) : NULL;
    struct entry entry = {0};
    struct state s = {0};

    if (!found || !read_entry(found, pc, &entry))
        return unknown;
    if (entry.signal)
        return (struct cfi_rule){.kind = CFI_SIGNAL};
    s.at = entry.start;
    if (!run(&s, &entry, entry.common, pc))
        return unknown;
    s.initial = s.row;
    if (!run(&s, &entry, entry.program, pc))
        return unknown;
    return s.row.ends ? (struct cfi_rule){.kind = CFI_END} : s.row.rule;
}
