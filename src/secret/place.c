/*
 * place.c - see place.h.
 *
 *     | canary, 16 bytes | secret | canary, 8 to 23 bytes |
 *
 * The canary is random, one for the process, and kept outside the memory of secrets.
 *
 * Locking: range_lock, but for place_around().
 */
#include "secret/place.h"

#include "base/report.h"
#include "secret/chunk.h"
#include "secret/fault.h"
#include "secret/slots.h"
#include "sys/memory.h"

#include <string.h>

enum { REPORT_SIZE = 512 };

static unsigned char canary[2 * CANARY_SIZE]; /* as long as the longest that is compared */
static bool drawn;

int place_begin(void)
{
    int error = drawn ? 0 : sys_random(canary, sizeof(canary));

    drawn = error == 0;
    return error;
}

/* --- finding --- */

static bool is_shared_start(struct chunk *chunk, const struct slots *slots, size_t granule, struct place *out)
{
    size_t size;

    if (!slots_starts(slots, granule, &size))
        return false;
    *out = (struct place){chunk, chunk_data(chunk) + granule * GRANULE, size};
    return true;
}

bool place_at(uintptr_t address, struct place *out)
{
    if (!range_holds(address))
        return false;
    struct chunk *chunk = range_find(address);
    size_t offset = address - chunk_data(chunk);
    if (!chunk->group)
        return false;
    if (chunk->slots)
        return offset % GRANULE == 0 && offset / GRANULE < SLOTS_COUNT &&
               is_shared_start(chunk, chunk->slots, offset / GRANULE, out);
    *out = (struct place){chunk, chunk->start, chunk->size};
    return chunk->start == address;
}

bool place_around(uintptr_t address, struct place *out)
{
    struct chunk *chunk = range_find(address);
    const struct slots *slots = chunk->slots;
    size_t offset = address - chunk_data(chunk);

    if (!slots) {
        *out = (struct place){chunk, chunk->start, chunk->size};
        return address >= chunk->start;
    }
    for (size_t granule = min_size(offset / GRANULE + 1, SLOTS_COUNT); granule-- > 0;)
        if (is_shared_start(chunk, slots, granule, out))
            return address - out->start < place_body(out->size);
    return false;
}

bool place_next(struct chunk *chunk, size_t *cursor, struct place *out)
{
    if (!chunk->slots) {
        *out = (struct place){chunk, chunk->start, chunk->size};
        return (*cursor)++ == 0 && chunk->secrets;
    }
    while (*cursor < SLOTS_COUNT)
        if (is_shared_start(chunk, chunk->slots, (*cursor)++, out))
            return true;
    return false;
}

/* --- canaries --- */

static size_t tail_size(const struct place *place)
{
    return place_body(place->size) - place->size;
}

void place_enclose(const struct place *place)
{
    memcpy((void *)(place->start - CANARY_SIZE), canary, CANARY_SIZE);
    memcpy((void *)(place->start + place->size), canary, tail_size(place));
}

static _Noreturn void stop_at(const struct place *place, const char *where)
{
    char buffer[REPORT_SIZE];
    struct text text;

    text_init(&text, buffer, sizeof(buffer));
    text_format(&text,
                "loam: something has written %s a secret of %u bytes at %x in group \"%s\": "
                "look for a write that goes past its bounds.\n",
                where, (uint64_t)place->size, (uint64_t)place->start, place->chunk->group->name);
    report_stop(&text);
}

void place_check(const struct place *place)
{
    if (memcmp((void *)(place->start - CANARY_SIZE), canary, CANARY_SIZE) != 0)
        stop_at(place, "before the start of");
    if (memcmp((void *)(place->start + place->size), canary, tail_size(place)) != 0)
        stop_at(place, "past the end of");
}

/* --- access --- */

void place_refused(void)
{
    if (range_wiped())
        fault_sleep(); /* the pages have been moved */
    report_stop_line(
        "loam: the kernel refuses to change the protection of secrets' memory by mprotect(2), so that they "
        "can be neither used nor wiped: raise vm.max_map_count.\n");
}

/* To change a part of a mapping may take one mapping too many; to change all of it does not. */
static bool unprotect(const struct place *place)
{
    const struct chunk *chunk = place->chunk;
    uintptr_t data = chunk_data(chunk);
    size_t from = (place->start - CANARY_SIZE - data) / PAGE_SIZE;
    size_t to = divide_up(place->start + place_body(place->size) - data, PAGE_SIZE);

    return chunk_protect(chunk, from, to - from, LOAM_SECRET_READ_WRITE) == 0 ||
           chunk_protect(chunk, 0, chunk->open, LOAM_SECRET_READ_WRITE) == 0;
}

void place_open(const struct place *place, enum loam_secret_access access)
{
    const struct loam_secret_group *group = place->chunk->group;

    if (access == LOAM_SECRET_READ_WRITE)
        return;
    if (group->key >= 0)
        group_switch_key(group, LOAM_SECRET_READ_WRITE);
    else if (!unprotect(place))
        place_refused();
}

/* To give the whole mapping what it had takes no more mappings, which is the only reason to refuse. */
void place_close(const struct place *place, enum loam_secret_access access)
{
    const struct chunk *chunk = place->chunk;

    if (access == LOAM_SECRET_READ_WRITE)
        return;
    if (chunk->group->key >= 0)
        group_switch_key(chunk->group, access);
    else
        chunk_protect(chunk, 0, chunk->open, access);
}
