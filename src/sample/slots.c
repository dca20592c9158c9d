/* slots.c - see slots.h. */
#include "sample/slots.h"

#include "sample/canary.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>

enum {
    BAND_SHIFT_MIN = 26,
    LIMIT_PART = 16,             /* of RLIMIT_AS, that may be taken */
    BAND_SLOTS_MIN = 3,          /* a band of fewer is none */
    READY_BYTES = 256 * 1024,    /* that are made accessible at a time */
    DESCRIBED_BYTES = 32 * 1024, /* of records, likewise */
    HOLD_MIN = 8,                /* free slots of any band that are held back */
    BAND_MARGIN = 1024 * 1024,   /* bytes before the first slot: for accesses that far before its object */
    ALIGN_MAX_USUAL = 16,        /* bytes that most objects are aligned to */
    PROTECTED_MAX = 16 * 1024, /* live slots without guards: half of vm.max_map_count's default, at two mappings each */
};

struct slots slots;

/* Where addresses are limited, most are left to the program. */
static intptr_t reserve(unsigned *band_shift)
{
    uint64_t limit = sys_address_limit();
    intptr_t base = -ENOMEM;

    while (limit != UINT64_MAX && *band_shift >= BAND_SHIFT_MIN &&
           (uint64_t)BAND_MAX << *band_shift > limit / LIMIT_PART)
        --*band_shift;
    for (; *band_shift >= BAND_SHIFT_MIN; --*band_shift) {
        base = sys_reserve((size_t)BAND_MAX << *band_shift);
        if (base >= 0)
            break;
    }
    return base;
}

static void describe_band(struct band *band, uintptr_t base, size_t size, unsigned order)
{
    band->base = base + BAND_MARGIN;
    band->stride = (PAGE_SIZE << order) + PAGE_SIZE;
    band->count = (uint32_t)((size - BAND_MARGIN) / band->stride);
}

static size_t record_bytes(const struct band *band)
{
    return align_up(band->count * sizeof(struct slot), PAGE_SIZE);
}

/* Addresses for the records of all slots; they become accessible as slots are made. Returns 0 or -ENOMEM. */
static int reserve_records(uint32_t bands)
{
    size_t size = 0;

    for (uint32_t i = 0; i < bands; i++)
        size += record_bytes(&slots.bands[i]);
    intptr_t records = sys_reserve(size);
    if (records < 0)
        return -ENOMEM;
    slots.records = (struct slot *)records;
    slots.records_size = size;
    for (uint32_t i = 0; i < bands; i++) {
        slots.bands[i].slots = (struct slot *)records;
        records += (intptr_t)record_bytes(&slots.bands[i]);
    }
    return 0;
}

/*
 * Try the first page, which is no slot's. Returns 0 or -ENOMEM: where all memory of the process is locked, mlockall(2),
 * a page is there at once, and would stay so when its object is gone.
 */
static int try_page(void *page, bool guards)
{
    unsigned char there = 0;

    if (sys_protect_rw(page, PAGE_SIZE) < 0 || (sys_resident(page, PAGE_SIZE, &there) == 0 && there & 1))
        return -ENOMEM;
    slots.guards = guards && sys_guard(page, PAGE_SIZE) == 0;
    return 0;
}

int slots_start(unsigned band_shift, uint32_t hold, bool guards)
{
    intptr_t base = reserve(&band_shift);

    if (base < 0)
        return -ENOMEM;
    size_t size = (size_t)1 << band_shift;
    uint32_t count = 0;
    for (; count < BAND_MAX && ((PAGE_SIZE << count) + PAGE_SIZE) * BAND_SLOTS_MIN < size; count++)
        describe_band(&slots.bands[count], (uintptr_t)base + count * size, size, count);
    if (try_page((void *)base, guards) < 0 || reserve_records(count) < 0)
        return -ENOMEM;
    __atomic_store_n(&slots.base, (uintptr_t)base, __ATOMIC_RELAXED);
    slots.band_shift = band_shift;
    slots.band_count = count;
    slots.hold = hold;
    __atomic_store_n(&slots.size, count * size, __ATOMIC_RELEASE);
    return 0;
}

/* --- queues --- */

static struct slot *pop(struct band *band)
{
    struct slot *slot = &band->slots[band->first - 1];

    band->first = slot->next;
    if (!band->first)
        band->last = 0;
    band->free--;
    return slot;
}

static void push(struct band *band, struct slot *slot)
{
    uint32_t number = (uint32_t)(slot - band->slots) + 1;

    slot->next = 0;
    if (band->last)
        band->slots[band->last - 1].next = number;
    else
        band->first = number;
    band->last = number;
    band->free++;
}

/* Make the pages of the next few slots accessible, behind guards. Returns 0 or -errno. */
static int make_ready(struct band *band)
{
    size_t wanted = max_size(1, READY_BYTES / band->stride);
    uint32_t count = (uint32_t)min_size(wanted, band->count - band->ready);
    void *start = (void *)(band->base + band->ready * band->stride);

    int error = sys_protect_rw(start, count * band->stride);
    if (!error)
        error = sys_guard(start, count * band->stride);
    if (!error)
        band->ready += count;
    return error;
}

/* Make the records of the next few slots accessible. Returns 0 or -errno. */
static int describe_more(struct band *band)
{
    unsigned char *start = (unsigned char *)band->slots + band->described;
    size_t size = min_size(DESCRIBED_BYTES, record_bytes(band) - band->described);
    int error = sys_protect_rw(start, size);

    if (!error)
        band->described += (uint32_t)size;
    return error;
}

static struct slot *make(struct band *band)
{
    if (band->made == band->count)
        return NULL;
    if ((band->made + 1) * sizeof(struct slot) > band->described && describe_more(band) < 0)
        return NULL;
    if (slots.guards && band->made == band->ready && make_ready(band) < 0)
        return NULL;
    struct slot *slot = &band->slots[band->made];
    __atomic_store_n(&band->made, band->made + 1, __ATOMIC_RELEASE);
    slot->protected = !slots.guards;
    return slot;
}

static struct slot *obtain(struct band *band, unsigned order)
{
    struct slot *slot = NULL;

    lock_take(&slots.lock);
    if (band->free <= max_size(HOLD_MIN, slots.hold >> order))
        slot = make(band);
    if (!slot && band->first)
        slot = pop(band);
    lock_give(&slots.lock);
    return slot;
}

static void put_back(struct band *band, struct slot *slot)
{
    lock_take(&slots.lock);
    push(band, slot);
    lock_give(&slots.lock);
}

/* --- pages --- */

/* The pages that a live object lies in. */
static struct span pages_of(const struct slot *slot)
{
    uintptr_t start = align_down(slot->start, PAGE_SIZE);
    return (struct span){.start = (unsigned char *)start,
                         .size = align_up(slot->start + max_size(slot->size, 1), PAGE_SIZE) - start};
}

static int open_pages(const struct slot *slot, struct span pages)
{
    int error = slot->protected ? sys_protect_rw(pages.start, pages.size) : 0;

    return error || !slots.guards ? error : sys_unguard(pages.start, pages.size);
}

/* The kernel refuses guards in memory that is locked. What is there next reads as zeroes in any case. */
static void close_pages(struct slot *slot, struct span pages)
{
    if (slots.guards && sys_guard(pages.start, pages.size) == 0)
        return;
    if (sys_purge(pages.start, pages.size) < 0)
        memset(pages.start, 0, pages.size);
    slot->protected = true;
    sys_protect_none(pages.start, pages.size); /* if that fails, too, a late access is missed */
}

struct span slots_before(const struct slot *slot)
{
    struct span pages = pages_of(slot);
    return (struct span){.start = pages.start, .size = slot->start - (uintptr_t)pages.start};
}

struct span slots_after(const struct slot *slot)
{
    struct span pages = pages_of(slot);
    unsigned char *end = (unsigned char *)slot->start + slot->size;
    return (struct span){.start = end, .size = (size_t)(pages.start + pages.size - end)};
}

static struct band *band_of(const void *p)
{
    return &slots.bands[((uintptr_t)p - slots.base) >> slots.band_shift];
}

/* The smallest order of pages that holds the object wherever its alignment puts it. */
static unsigned order_of(size_t size, size_t align)
{
    size_t pages = divide_up(max_size(size, 1) + (align > PAGE_SIZE ? align : 0), PAGE_SIZE);
    return pages > 1 ? floor_log2(pages - 1) + 1 : 0;
}

/* Where the object begins, in pages from `pages` on. */
static uintptr_t place(uintptr_t pages, size_t room, size_t size, size_t align, bool at_end)
{
    if (at_end)
        return align_down(pages + room - max_size(size, 1), align);
    return align_up(pages, align);
}

static void fill(struct span span)
{
    memset(span.start, CANARY_BYTE, span.size);
}

struct slot *slots_take(size_t size, size_t align, bool at_end)
{
    if (size > PTRDIFF_MAX / 2 || align > PTRDIFF_MAX / 2)
        return NULL;
    unsigned order = order_of(size, align);
    if (order >= slots.band_count || (!slots.guards && slots.opened >= PROTECTED_MAX))
        return NULL;
    struct band *band = &slots.bands[order];
    struct slot *slot = obtain(band, order);
    if (!slot)
        return NULL;
    uintptr_t pages = band->base + (size_t)(slot - band->slots) * band->stride;
    slot->start = place(pages, PAGE_SIZE << order, size, align, at_end);
    slot->size = size;
    struct span opened = pages_of(slot);
    if (open_pages(slot, opened) < 0) {
        put_back(band, slot);
        return NULL;
    }
    fill(slots_before(slot));
    fill(slots_after(slot));
    __atomic_fetch_add(&slots.live_bytes, opened.size, __ATOMIC_RELAXED);
    __atomic_fetch_add(&slots.opened, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->life, LIFE_LIVE, __ATOMIC_RELEASE);
    return slot;
}

void slots_give(struct slot *slot)
{
    struct span opened = pages_of(slot);

    close_pages(slot, opened);
    __atomic_fetch_sub(&slots.live_bytes, opened.size, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&slots.opened, 1, __ATOMIC_RELAXED);
    put_back(band_of(opened.start), slot);
}

int slots_open(const void *p)
{
    void *page = (void *)align_down((uintptr_t)p, PAGE_SIZE);
    int error = sys_protect_rw(page, PAGE_SIZE);

    return error || !slots.guards ? error : sys_unguard(page, PAGE_SIZE);
}

/* --- addresses --- */

static bool is_known(const struct slot *slot)
{
    return __atomic_load_n(&slot->life, __ATOMIC_ACQUIRE) != LIFE_NONE;
}

/* How far an address is from the object. */
static size_t distance(const struct slot *slot, uintptr_t p)
{
    if (p < slot->start)
        return slot->start - p;
    return p >= slot->start + slot->size ? p - slot->start - slot->size : 0;
}

/* Whether the slot's object ends right before the guard page behind it. */
static bool ends_at_guard(const struct slot *slot)
{
    return (slot->start + slot->size) % PAGE_SIZE == 0 || slots_after(slot).size < ALIGN_MAX_USUAL;
}

/* Of a guard page's two neighbours, the one whose object an access to the page was most likely meant for. */
static struct slot *likelier(struct slot *below, struct slot *above, uintptr_t p)
{
    if (!is_known(above))
        return below;
    if (!is_known(below))
        return above;
    if (below->life == LIFE_LIVE && ends_at_guard(below) && above->start % PAGE_SIZE != 0)
        return below;
    return distance(above, p) < distance(below, p) ? above : below;
}

/* An access far from everything is taken to have gone too far from the last slot there is. */
struct slot *slots_near(const void *p)
{
    if (!slots_own(p))
        return NULL;
    const struct band *band = band_of(p);
    uintptr_t offset = (uintptr_t)p - band->base;
    uint32_t made = __atomic_load_n(&band->made, __ATOMIC_ACQUIRE);
    if (made == 0)
        return NULL;
    size_t index = offset / band->stride;
    struct slot *slot = &band->slots[min_size(index, made - 1)];
    if ((intptr_t)offset < 0) /* in the margin */
        slot = &band->slots[0];
    else if (index + 1 < made && offset % band->stride >= band->stride - PAGE_SIZE)
        slot = likelier(slot, slot + 1, (uintptr_t)p);
    return is_known(slot) ? slot : NULL;
}
