/*
 * stream.h - buffers larger than caches, by stores that go past them; included by the files of those instruction sets
 * that have such stores, after their vector and stream(), which needs it aligned.
 *
 * A store to a line that is in no cache first reads it from memory, though all of it is overwritten. A streaming store
 * does not: of three transfers a line, two are left. The memory has rows that are costly to change, and works on
 * several at once: so four pages are copied side by side. Measured: docs/memory-routines.md.
 */
#ifndef LOAM_MEM_STREAM_H
#define LOAM_MEM_STREAM_H

#include "mem/copy.h"
#include "mem/set.h"

static const size_t STREAM_COPY_FROM = 16 * MIB, STREAM_SET_FROM = 128 * MIB;

enum {
    STREAM_PAGES = 4,
    STREAM_PIECE = 128, /* bytes of a page before the next one's turn: two lines, which processors fetch in pairs */
    STREAM_AHEAD = 512, /* bytes that the source is fetched ahead */
};

INLINE void stream_piece(uint8_t *to, const uint8_t *from)
{
    __builtin_prefetch(from + STREAM_AHEAD);
    __builtin_prefetch(from + STREAM_AHEAD + CACHE_LINE);
    for (size_t i = 0; i < STREAM_PIECE; i += VECTOR)
        stream(to + i, load(from + i));
}

/* n of more than a group of pages; the two do not overlap. */
static NOINLINE void stream_copy(uint8_t *to, const uint8_t *from, size_t n)
{
    const size_t group = STREAM_PAGES * PAGE_SIZE;
    size_t done = VECTOR - (uintptr_t)to % VECTOR;

    store(to, load(from));
    for (; n - done >= group; done += group)
        for (size_t i = 0; i < PAGE_SIZE; i += STREAM_PIECE)
            for (size_t page = 0; page < group; page += PAGE_SIZE)
                stream_piece(to + done + page + i, from + done + page + i);
    _mm_sfence();
    copy_up(to + n - group, from + n - group, group);
}

/* n of more than four vectors. */
static NOINLINE void stream_set(uint8_t *to, vector value, size_t n)
{
    set_blocks(to, value, n, stream);
    _mm_sfence();
}

#endif
