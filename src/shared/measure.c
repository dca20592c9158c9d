/* measure.c - the figures of a heap, and whether all that it says of itself agrees. */
#include "shared/shared.h"

#include "base/report.h"

#include <string.h>

/* What a visit of all blocks in use is told. */
struct count {
    struct loam_shared *heap;
    struct loam_shared_stats stats;
    struct loam_shared_participant participants[PARTICIPANTS + 1]; /* whose number is 0 takes no part */
};

static void count_block(struct count *count, const struct block *block)
{
    unsigned tag = tag_load(block_tag(block));

    count->stats.blocks++;
    count->stats.used += block->size;
    if (tag == HELD_BY_ALL)
        return;
    tag = tag_holder(tag);
    count->stats.held += block->size;
    if (tag > PARTICIPANTS)
        return;
    count->participants[tag].held += block->size;
    if (count->participants[tag].dead)
        count->stats.lost += block->size;
}

static void count_slice(struct count *count, uint64_t slice)
{
    state_t state = state_load(count->heap, slice);
    char *start = slice_start(count->heap, slice);
    struct block block;

    if (state_kind(state) != KIND_VOID)
        count->stats.backed += SLICE;
    if (state_kind(state) == KIND_LARGE && block_find(count->heap, start, &block))
        count_block(count, &block);
    if (state_kind(state) != KIND_SLAB || state_value(state) >= CLASSES)
        return;
    const struct class *class = &classes[state_value(state)];
    for (unsigned i = 0; i < class->blocks; i++)
        if (block_find(count->heap, start + (size_t)i * class->size, &block))
            count_block(count, &block);
}

static void count_participants(struct count *count)
{
    for (unsigned number = 1; number <= PARTICIPANTS; number++) {
        if (!participant_is_joined(count->heap, number))
            continue;
        bool dead = participant_is_dead(count->heap, number);
        count->participants[number] = (struct loam_shared_participant){
            .number = number, .pid = (pid_t)participant_of(count->heap, number)->pid, .dead = dead};
        count->stats.participants += !dead;
        count->stats.dead += dead;
    }
}

static void count_all(struct loam_shared *heap, struct count *count)
{
    uint64_t high = slices_high(heap);

    memset(count, 0, sizeof(*count));
    count->heap = heap;
    count->stats.limit = heap->slices * SLICE;
    shared_lock(heap);
    count_participants(count);
    for (uint64_t i = 0; i < high; i++)
        count_slice(count, i);
    for (unsigned i = 0; i < ROOTS; i++)
        count->stats.roots += __atomic_load_n(&heap->head->roots[i].state, __ATOMIC_ACQUIRE) == ROOT_NAMED;
    shared_leave(heap);
}

PUBLIC void loam_shared_measure(struct loam_shared *heap, struct loam_shared_stats *out)
{
    struct count count;

    count_all(heap, &count);
    *out = count.stats;
}

PUBLIC int loam_shared_participants(struct loam_shared *heap,
                                    int (*visit)(void *context, const struct loam_shared_participant *participant),
                                    void *context)
{
    struct count count;
    int result = 0;

    count_all(heap, &count);
    for (unsigned number = 1; number <= PARTICIPANTS && !result; number++)
        if (count.participants[number].number)
            result = visit(context, &count.participants[number]);
    return result;
}

/* --- faults --- */

static int fault(const char *what, uint64_t where)
{
    char buffer[256];
    struct text text;

    text_init(&text, buffer, sizeof(buffer));
    text_format(&text, "loam: shared heap: %s (%u)\n", what, where);
    report_write(&text);
    return 1;
}

static int check_tag(const struct loam_shared *heap, uint64_t slice, unsigned tag)
{
    if (tag == HELD_BY_ALL || participant_is_joined(heap, tag_holder(tag)))
        return 0;
    return fault("a block in use is held by nobody, in slice", slice);
}

static int check_slab(const struct loam_shared *heap, uint64_t slice, state_t state)
{
    const struct record *record = record_of(heap, slice);
    unsigned owner = state_participant(state);
    int faults = 0;

    if (state_value(state) >= CLASSES)
        return fault("a slab has no class, slice", slice);
    if (owner && !participant_is_joined(heap, owner))
        faults += fault("a slab's owner takes no part, slice", slice);
    const struct class *class = &classes[state_value(state)];
    for (unsigned w = 0; w < WORDS_MOST; w++) {
        uint64_t blocks = w < class->words ? class_bits(class, w) : 0;
        if ((record->used[w] | record->returned[w]) & ~blocks)
            faults += fault("a bit is set that is no block's, in slice", slice);
        if (record->returned[w] & ~record->used[w])
            faults += fault("a block has been returned that was not in use, in slice", slice);
        for (uint64_t live = record->used[w] & ~record->returned[w] & blocks; live; live &= live - 1)
            faults += check_tag(heap, slice, record->tags[w * WORD_BITS + lowest_bit(live)]);
    }
    return faults;
}

static int check_large(const struct loam_shared *heap, uint64_t slice, state_t state)
{
    uint64_t count = state_value(state);

    if (count == 0 || count > heap->slices - slice)
        return fault("a run reaches past the end, from slice", slice);
    for (uint64_t i = slice + 1; i < slice + count; i++)
        if (state_load(heap, i) != state_of(KIND_BODY, 0, slice))
            return fault("a run has another's slice, from slice", slice);
    return check_tag(heap, slice, record_of(heap, slice)->tags[0]);
}

static int check_free(const struct loam_shared *heap, uint64_t slice)
{
    const struct record *record = record_of(heap, slice);
    uint64_t bits = 0;

    for (unsigned w = 0; w < WORDS_MOST; w++)
        bits |= record->used[w] | record->returned[w];
    return bits ? fault("a free slice has blocks in use, slice", slice) : 0;
}

static int check_body(const struct loam_shared *heap, uint64_t slice, state_t state)
{
    uint64_t head = state_value(state);
    state_t whole = head < slice ? state_load(heap, head) : 0;

    if (state_kind(whole) == KIND_LARGE && slice - head < state_value(whole))
        return 0;
    return fault("a slice is of a run that does not have it, slice", slice);
}

static int check_slice(const struct loam_shared *heap, uint64_t slice)
{
    state_t state = state_load(heap, slice);

    if (state != state_read(heap, slice))
        return fault("what is used is not in the file, slice", slice);
    switch (state_kind(state)) {
    case KIND_VOID:
        return 0;
    case KIND_FREE:
        return check_free(heap, slice);
    case KIND_SLAB:
        return check_slab(heap, slice, state);
    case KIND_LARGE:
        return check_large(heap, slice, state);
    case KIND_BODY:
        return check_body(heap, slice, state);
    default:
        return fault("a slice is about to be something else, slice", slice);
    }
}

static int check_root(const struct loam_shared *heap, const struct root *root)
{
    uint64_t word = __atomic_load_n(&root->cell, __ATOMIC_ACQUIRE);
    struct block block;

    if (cell_participant(word))
        return fault("a root is being changed, by participant", cell_participant(word));
    if (word && !block_at(heap, cell_offset(word), &block))
        return fault("a root has what is no block, at offset", cell_offset(word));
    return 0;
}

PUBLIC int loam_shared_validate(struct loam_shared *heap)
{
    uint64_t high = slices_high(heap);
    int faults = 0;

    shared_lock(heap);
    for (uint64_t i = 0; i < high; i++)
        faults += check_slice(heap, i);
    for (uint64_t i = high; i < heap->slices; i++)
        faults += state_read(heap, i) ? fault("a slice is used above all used ones", i) : 0;
    for (unsigned i = 0; i < ROOTS; i++)
        if (heap->head->roots[i].state == ROOT_NAMED)
            faults += check_root(heap, &heap->head->roots[i]);
    shared_leave(heap);
    return faults;
}
