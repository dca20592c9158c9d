/* copy.c - see copy.h. */
#include "copy.h"

#include "base/base.h"
#include "list.h"
#include "process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGES_AT_ONCE = 512 };

int copy_prepare(struct copy *copy, pid_t pid, size_t size)
{
    *copy = (struct copy){.pid = pid, .arena_size = align_up(size, PAGE_SIZE)};
    void *arena = mmap(NULL, copy->arena_size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE, -1, 0);
    if (arena == MAP_FAILED) {
        copy->arena_size = 0;
        return -errno;
    }
    copy->arena = arena;
    return 0;
}

/* Room in the arena, or where that was too small, elsewhere. */
static unsigned char *take_room(struct copy *copy, size_t size)
{
    if (size <= copy->arena_size - copy->arena_used) {
        unsigned char *room = copy->arena + copy->arena_used;
        copy->arena_used += size;
        return room;
    }
    return malloc(size);
}

static int add_piece(struct copy *copy, uintptr_t start, size_t size)
{
    struct copy_piece *larger = list_grow(copy->pieces, copy->count, sizeof(*larger));

    if (!larger)
        return -ENOMEM;
    copy->pieces = larger;
    unsigned char *data = take_room(copy, size);
    if (!data)
        return -ENOMEM;
    copy->pieces[copy->count++] = (struct copy_piece){.start = start, .size = size, .data = data};
    copy->sorted = false;
    int error = process_read(&copy->pid, start, data, size);
    if (error == -EFAULT) { /* a guard, or a page of a file past its end */
        memset(data, 0, size);
        error = 0;
    }
    return error;
}

/* Copy each run of pages that are there. */
static int copy_present(struct copy *copy, uintptr_t start, const bool *present, size_t pages)
{
    int error = 0;

    for (size_t i = 0, end; !error && i < pages; i = end) {
        for (end = i + 1; end < pages && present[end] == present[i]; end++)
            ;
        if (present[i])
            error = add_piece(copy, start + i * PAGE_SIZE, (end - i) * PAGE_SIZE);
    }
    return error;
}

int copy_range(struct copy *copy, uintptr_t start, uintptr_t end)
{
    bool present[PAGES_AT_ONCE];
    int error = 0;

    start = align_down(start, PAGE_SIZE);
    end = align_up(end, PAGE_SIZE);
    for (uintptr_t at = start; !error && at < end;) {
        size_t pages = min_size((end - at) / PAGE_SIZE, PAGES_AT_ONCE);
        error = process_present(copy->pid, at, at + pages * PAGE_SIZE, present);
        if (!error)
            error = copy_present(copy, at, present, pages);
        at += pages * PAGE_SIZE;
    }
    return error;
}

static int compare(const void *a, const void *b)
{
    uintptr_t x = ((const struct copy_piece *)a)->start, y = ((const struct copy_piece *)b)->start;
    return x < y ? -1 : x > y;
}

/* The first piece that ends above `address`; `count` when there is none. */
static size_t find(const struct copy *copy, uintptr_t address)
{
    size_t low = 0, high = copy->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (copy->pieces[middle].start + copy->pieces[middle].size <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int copy_read(void *context, uintptr_t address, void *to, size_t size)
{
    struct copy *copy = context;
    unsigned char *at = to;

    if (!copy->sorted) {
        qsort(copy->pieces, copy->count, sizeof(copy->pieces[0]), compare);
        copy->sorted = true;
    }
    memset(to, 0, size);
    for (size_t i = find(copy, address); i < copy->count && copy->pieces[i].start < address + size; i++) {
        const struct copy_piece *piece = &copy->pieces[i];
        uintptr_t start = max_size(piece->start, address), end = min_size(piece->start + piece->size, address + size);
        memcpy(at + (start - address), piece->data + (start - piece->start), end - start);
    }
    return 0;
}

void copy_free(struct copy *copy)
{
    for (size_t i = 0; i < copy->count; i++) {
        const unsigned char *data = copy->pieces[i].data;
        if (data < copy->arena || data >= copy->arena + copy->arena_size)
            free((void *)data);
    }
    if (copy->arena)
        munmap(copy->arena, copy->arena_size);
    free(copy->pieces);
    *copy = (struct copy){.pid = 0};
}
