/*
 * reach.h - which objects of a heap can be reached, and from where.
 *
 * Conservatively: every aligned word that is the address of a live object, or of a byte inside one, counts as a pointer
 * to it. An object that can be reached is so never said to be lost; one that is lost can be missed when a stale word
 * still points to it.
 */
#ifndef LOAM_TOOLS_REACH_H
#define LOAM_TOOLS_REACH_H

#include "objects.h"

struct reach {
    struct objects *objects;
    const struct image_source *memory;

    /* Its own. */
    enum object_set set; /* that is being added to */
    struct object_place *waiting;
    size_t count, room;
};

/* Each returns 0 or -errno. */

/* Mark what a word, or `size` bytes at `start`, lead to as reached. What cannot be read leads nowhere. */
int reach_from_word(struct reach *reach, uintptr_t word);
int reach_from_memory(struct reach *reach, uintptr_t start, size_t size);

/* When all roots have been gone through: of those not reached, mark which others among them lead to. */
int reach_indirect(struct reach *reach);

void reach_free(struct reach *reach);

#endif
