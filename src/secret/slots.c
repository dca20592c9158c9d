/*
 * slots.c - see slots.h.
 *
 * First fit by a bitmap: secrets stay at low addresses, so that few pages are in use. Everything below the hint is
 * used; in the common case, of one size, a place is found at the hint or shortly after.
 *
 * Invariant: a secret's granules and the one before them are used; sizes are set at starts alone.
 */
#include "secret/slots.h"

#include <string.h>

void slots_init(struct slots *slots)
{
    memset(slots->used, 0, sizeof(slots->used));
    memset(slots->sizes, 0, sizeof(slots->sizes));
    slots->free = SLOTS_COUNT;
    slots->hint = 0;
}

/* The first granule from `from` on that is used, or that is free; SLOTS_COUNT for none. */
static size_t next(const struct slots *slots, size_t from, bool used)
{
    uint64_t flip = used ? 0 : ~0ull, mask = ~low_bits(from % WORD_BITS);

    for (size_t i = from / WORD_BITS; i < LENGTH(slots->used); i++, mask = ~0ull) {
        uint64_t found = (slots->used[i] ^ flip) & mask;
        if (found)
            return i * WORD_BITS + lowest_bit(found);
    }
    return SLOTS_COUNT;
}

ptrdiff_t slots_find(struct slots *slots, size_t count, size_t alignment)
{
    size_t end = slots->hint = next(slots, slots->hint, false);

    for (size_t gap = end; gap < SLOTS_COUNT; gap = next(slots, end, false)) {
        size_t start = align_up(gap + 1, alignment);

        end = next(slots, gap, true);
        if (start + count <= end)
            return (ptrdiff_t)start;
    }
    return -1;
}

/* Flip `count` bits that are all the same. */
static void flip(struct slots *slots, size_t from, size_t count)
{
    while (count) {
        size_t bit = from % WORD_BITS, part = min_size(count, WORD_BITS - bit);

        slots->used[from / WORD_BITS] ^= low_bits((unsigned)part) << bit;
        from += part;
        count -= part;
    }
}

void slots_take(struct slots *slots, size_t start, size_t count, size_t size)
{
    flip(slots, start - 1, count + 1);
    slots->free -= count + 1;
    slots->sizes[start] = (uint16_t)(size + 1);
    if (slots->hint == start - 1)
        slots->hint = start + count;
}

void slots_give(struct slots *slots, size_t start, size_t count)
{
    flip(slots, start - 1, count + 1);
    slots->free += count + 1;
    slots->sizes[start] = 0;
    slots->hint = min_size(slots->hint, start - 1);
}

bool slots_starts(const struct slots *slots, size_t start, size_t *size)
{
    if (slots->sizes[start] == 0)
        return false;
    *size = slots->sizes[start] - 1u;
    return true;
}
