/*
 * reach.c - see reach.h.
 *
 * Objects that have been met wait to be looked through: no recursion, however long a list is. Of a ring of lost objects
 * one, the one with the lowest address, counts as the lost one, and the others as reached from it.
 */
#include "reach.h"

#include "base/base.h"

#include <errno.h>
#include <stdlib.h>

enum { PIECE = 4096 };

static int meet(struct reach *reach, uintptr_t word)
{
    struct object_place place;

    if (!objects_find(reach->objects, word, &place) || object_is(place, OBJECT_REACHED) ||
        object_is(place, OBJECT_INDIRECT))
        return 0;
    object_add(place, reach->set);
    if (reach->count == reach->room) {
        size_t room = reach->room ? 2 * reach->room : 1024;
        struct object_place *larger = reallocarray(reach->waiting, room, sizeof(*larger));
        if (!larger)
            return -ENOMEM;
        reach->waiting = larger;
        reach->room = room;
    }
    reach->waiting[reach->count++] = place;
    return 0;
}

static int scan(struct reach *reach, uintptr_t start, size_t size)
{
    uintptr_t words[PIECE / sizeof(uintptr_t)];
    uintptr_t end = align_down(start + size, sizeof(words[0]));
    int error = 0;

    for (uintptr_t at = align_up(start, sizeof(words[0])); !error && at < end;) {
        size_t piece = min_size(end - at, PIECE - at % PIECE); /* what a core file has is whole pages */
        bool readable = reach->memory->read(reach->memory->context, at, words, piece) == 0;
        for (size_t i = 0; readable && !error && i < piece / sizeof(words[0]); i++)
            error = meet(reach, words[i]);
        at += piece;
    }
    return error;
}

static int scan_waiting(struct reach *reach)
{
    int error = 0;

    while (!error && reach->count) {
        struct object_place place = reach->waiting[--reach->count];
        error = scan(reach, object_address(place), place.slab->object_size);
    }
    return error;
}

int reach_from_word(struct reach *reach, uintptr_t word)
{
    reach->set = OBJECT_REACHED;
    int error = meet(reach, word);
    return error ? error : scan_waiting(reach);
}

int reach_from_memory(struct reach *reach, uintptr_t start, size_t size)
{
    reach->set = OBJECT_REACHED;
    int error = scan(reach, start, size);
    return error ? error : scan_waiting(reach);
}

/* Mark what a lost object leads to; not itself, if it is reached from there again. */
static int follow(struct reach *reach, struct object_place lost)
{
    int error = scan(reach, object_address(lost), lost.slab->object_size);
    if (!error)
        error = scan_waiting(reach);
    lost.slab->sets[OBJECT_INDIRECT][lost.index / WORD_BITS] &= ~(1ull << lost.index % WORD_BITS);
    return error;
}

int reach_indirect(struct reach *reach)
{
    int error = 0;

    reach->set = OBJECT_INDIRECT;
    for (size_t i = 0; i < reach->objects->slab_count; i++) {
        struct object_place place = {.slab = &reach->objects->slabs[i]};
        for (; !error && place.index < place.slab->objects; place.index++)
            if (object_is(place, OBJECT_LIVE) && !object_is(place, OBJECT_REACHED) &&
                !object_is(place, OBJECT_INDIRECT))
                error = follow(reach, place);
    }
    return error;
}

void reach_free(struct reach *reach)
{
    free(reach->waiting);
    reach->waiting = NULL;
    reach->count = reach->room = 0;
}
