/*
 * format.h - what lies in a shared heap's file, and who may write to it when.
 *
 *     | head | states of slices | records of slices | slices ... |
 *
 * The file is cut into slices of 64 KiB. What a slice is used for is one word, its state, that changes in one store: so
 * whoever dies leaves it as one thing or another. A slab is a slice of equal blocks; what is known of them lies in its
 * record. All places follow from the limit that the head states (segment.c); no offset is read from the file without a
 * check against it.
 *
 * A block is live if its bit is set in `used` and not in `returned`. `used` is written by the slab's owner alone, a
 * participant; `returned` by anyone, by atomic OR, and cleared by the owner. The block's tag names its holder: a
 * participant, or HELD_BY_ALL. Each step below is one store, and every prefix of the steps leaves a heap that is whole:
 *
 *     allocate        tag = me; used |= bit                 (killed between: a free block's tag means nothing)
 *     free            used &= ~bit                          (of a slab of another's: returned |= bit)
 *       not mine      tag: holder -> me, freeing; then as above (killed between: the dead's, and freed as such)
 *     reclaim         used &= ~returned; returned &= ~what was
 *                     (killed between: returned and not used: cleared by whoever owns the slab next)
 *
 * That a tag changes by compare-and-exchange, and not from one that says freeing, decides who frees a block: one of
 * those who try, and a holder need not.
 * Reading: `returned` first, then `used`, then the tag. `used` is cleared before `returned` is, so a block that looks
 * live in this order was; and a tag is written before `used`, so it is the tag of that life.
 *
 * Order, on processors that reorder stores and loads, too. Each step's store releases, and whoever looks acquires: who
 * has seen a step sees all before it, and what was written to the block then. Of who was killed, the steps up to one
 * instruction have been done and no later one, as instructions are in the order of releasing stores; the kernel gave
 * its lock up after them, and who gets that next loads after that. What a block's next holder stores comes after the
 * load of the bit, state or tag by which it became free. One thing takes SEQ_CST: who returns a block sets its bit,
 * then looks at `noted`; its owner clears `noted`, then looks at the bits. Each might look before its own store is
 * seen; in one order of all four, one of the two sees the other's.
 */
#ifndef LOAM_SHARED_FORMAT_H
#define LOAM_SHARED_FORMAT_H

#include "base/base.h"

#define SHARED_MAGIC   0x64656873616d616cull /* "lamashed" */
#define SHARED_VERSION 1u

enum {
    SLICE_SHIFT = 16,
    SLICE = 1 << SLICE_SHIFT,

    /* Sizes of blocks: multiples of 16 up to 128, four per doubling up to 32 KiB. */
    BLOCK_LEAST = 32,
    BLOCK_MOST = 32 * 1024,
    CLASSES = 7 + 4 * 8,
    BLOCKS_MOST = SLICE / BLOCK_LEAST,
    WORDS_MOST = BLOCKS_MOST / 64,

    PARTICIPANTS = 255,
    ROOTS = 256,
    ROOT_NAME = 48, /* bytes, the terminator's included */

    HELD_BY_ALL = 0xffff, /* a tag: published, or kept */
    FREEING = 0x8000,     /* with a participant's number, a tag: that one frees it */
};

/* --- states of slices --- */

enum kind {
    KIND_VOID,     /* no memory behind it yet */
    KIND_FREE,     /* memory, and every bit of the record 0 */
    KIND_CLAIMED,  /* the participant's, about to be something else; value: the head of the run */
    KIND_SLAB,     /* value: class */
    KIND_LARGE,    /* the head of a run that is one block; value: slices */
    KIND_BODY,     /* another slice of it; value: the head */
    KIND_SETTLING, /* the participant's; whether there is memory behind it is not known */
    KINDS,
};

typedef uint64_t state_t; /* kind, participant or 0, value: 8, 16 and 40 bits */

INLINE state_t state_of(enum kind kind, unsigned participant, uint64_t value)
{
    return (uint64_t)kind << 56 | (uint64_t)participant << 40 | value;
}

INLINE unsigned state_kind(state_t state)
{
    return (unsigned)(state >> 56);
}

INLINE unsigned state_participant(state_t state)
{
    return state >> 40 & 0xffff;
}

INLINE uint64_t state_value(state_t state)
{
    return state & low_bits(40);
}

/* Whether it is a slab that the participant owns; 0: nobody. */
INLINE bool state_is_slab_of(state_t state, unsigned participant)
{
    return state_kind(state) == KIND_SLAB && state_participant(state) == participant && state_value(state) < CLASSES;
}

/* --- records of slices --- */

struct record {
    /* The slab's owner only; others read. */
    ATOMIC uint64_t used[WORDS_MOST];

    /* Any participant sets bits; the owner clears them. */
    ATOMIC uint64_t returned[WORDS_MOST];
    ATOMIC uint32_t noted; /* not 0: some were set since the owner last looked */
    uint32_t unused[15];

    /* Whoever the steps above name. Of a LARGE run the first is its block's. */
    ATOMIC uint16_t tags[BLOCKS_MOST];
};

/* Whose block it is, or is about to be no more. Of HELD_BY_ALL no participant. */
INLINE unsigned tag_holder(unsigned tag)
{
    return tag & ~(unsigned)FREEING;
}

enum { RECORD = 8192 };
static_assert(sizeof(struct record) <= RECORD, "records lie side by side");

/* --- the head --- */

/* One who takes part: a process, or one of its attachments. Numbers begin with 1; that is what tags and states say. */
struct participant {
    /* Whoever has locked the byte of the file that is this one's offset. */
    ATOMIC uint32_t joined; /* 1 from when it takes part until it has left or has been recovered */
    ATOMIC uint32_t pid;    /* for people to read */

    ATOMIC uint64_t cell; /* the offset of the one that it may be changing; 0: none */
    uint64_t unused[6];
};

enum root_state { ROOT_FREE, ROOT_NAMED };

/* A named cell. */
struct root {
    ATOMIC uint64_t cell;
    ATOMIC uint32_t state; /* NAMED when the name is whole; only ever set under a lock of the file's byte ROOTS_LOCK */
    char name[ROOT_NAME];
    uint32_t unused;
};

struct head {
    uint64_t magic;
    uint32_t version, page;
    uint64_t limit;       /* bytes of slices */
    ATOMIC uint64_t high; /* slices from here on have never been used; only rises */
    uint64_t unused[4];
    struct participant participants[PARTICIPANTS + 1]; /* the first is nobody */
    struct root roots[ROOTS];
};

static_assert(sizeof(struct participant) == CACHE_LINE, "what one participant writes is in no other's cache line");
static_assert(sizeof(struct root) == CACHE_LINE, "no root straddles a line");

/* Bytes of the file whose locks mean something: that of a participant is its number. */
enum { ROOTS_LOCK = 0 };

/* --- cells --- */

/*
 * The word of a cell: the offset of a block, 0 for none; and, while a block goes in or comes out, the participant that
 * does that: the cell is that one's until it is done. If it dies before, the block is everyone's, and in the cell.
 */
INLINE uint64_t cell_word(uint64_t offset, unsigned participant)
{
    return offset | (uint64_t)participant << 48;
}

INLINE uint64_t cell_offset(uint64_t word)
{
    return word & low_bits(48);
}

INLINE unsigned cell_participant(uint64_t word)
{
    return (unsigned)(word >> 48);
}

#endif
