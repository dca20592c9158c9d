/*
 * shared_place.c - where a heap is mapped: between addresses that nobody has, so that an access outside of it is a
 * fault and none of another's memory.
 */
#include "fuzz.h"

#include "base/report.h"
#include "sys/memory.h"
#include "sys/sys.h"

#include <sys/mman.h>

enum { PLACES = 8, PLACE = 64 << 20, ROOM = 16 << 20 };

static char *places;
static bool taken[PLACES];

intptr_t __real_sys_map_file(void *address, size_t size, int protection, int flags, int fd, uint64_t offset);
int __real_sys_unmap(void *address, size_t size);
intptr_t __wrap_sys_map_file(void *address, size_t size, int protection, int flags, int fd, uint64_t offset);
int __wrap_sys_unmap(void *address, size_t size);
void __wrap_report_write(const struct text *text);

static intptr_t reserve(void *address, size_t size)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (address ? MAP_FIXED : 0);

    return __real_sys_map_file(address, size, PROT_NONE, flags, -1, 0);
}

/* At the end of its room, so that what lies behind is a fault. NULL for what is too large. */
static char *take_place(size_t size)
{
    if (!places) {
        intptr_t reserved = reserve(NULL, (size_t)PLACES * PLACE);
        EXPECT(reserved > 0);
        places = (char *)reserved;
    }
    for (size_t i = 0; i < PLACES && size <= ROOM; i++) {
        if (taken[i])
            continue;
        taken[i] = true;
        return places + i * PLACE + PLACE / 2 - align_up(size, PAGE_SIZE);
    }
    return NULL;
}

intptr_t __wrap_sys_map_file(void *address, size_t size, int protection, int flags, int fd, uint64_t offset)
{
    char *place = address ? NULL : take_place(size);

    return __real_sys_map_file(place ? place : address, size, protection, flags | (place ? MAP_FIXED : 0), fd, offset);
}

int __wrap_sys_unmap(void *address, size_t size)
{
    uint64_t offset = (uint64_t)((uintptr_t)address - (uintptr_t)places);

    if (!places || offset >= (uint64_t)PLACES * PLACE)
        return __real_sys_unmap(address, size);
    taken[offset / PLACE] = false;
    return reserve(address, align_up(size, PAGE_SIZE)) < 0;
}

/* Nobody reads it. */
void __wrap_report_write(const struct text *text)
{
    EXPECT(strlen(text->data) == text->length);
}
