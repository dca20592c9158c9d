/* slab.c - see slab.h. */
#include "heap/slab.h"

#include "heap/explain.h"

/* All objects of a word, into to[-1], to[-2], ...: what the loop below does, in steps that need not wait for each
 * other. */
static size_t take_whole_word(unsigned char *first, size_t size, void **to)
{
    uintptr_t last = (uintptr_t)first + (WORD_BITS - 1) * size;

    to -= WORD_BITS;
    for (size_t i = 0; i < WORD_BITS; i++)
        to[i] = (void *)(last - i * size);
    return WORD_BITS;
}

/* Take up to `count` objects of one word into to[-1], to[-2], ... Returns how many. */
static size_t take_word(struct slab *slab, size_t size, size_t word, void **to, size_t count)
{
    unsigned char *first = slab->start + word * WORD_BITS * size;
    uint64_t bits = slab->free_bits[word];
    size_t taken;

    if (bits == UINT64_MAX && count >= WORD_BITS) {
        slab->free_bits[word] = 0;
        return take_whole_word(first, size, to);
    }
    for (taken = 0; bits && taken < count; taken++, bits &= bits - 1)
        *--to = first + lowest_bit(bits) * size;
    slab->free_bits[word] = bits;
    return taken;
}

void slab_take(struct slab *slab, void **to, size_t count)
{
    size_t size = classes.list[slab->size_class].size;
    size_t last = slab->last_word;
    size_t done = 0, w;

    assert(count <= slab->free_count);
    slab->free_count -= (uint16_t)count;
    for (w = last + 1; w-- > 0 && done < count;)
        done += take_word(slab, size, slab->last_word = (uint16_t)w, to - done, count - done);
    for (w = last + 1; done < count; w++)
        done += take_word(slab, size, slab->last_word = (uint16_t)w, to - done, count - done);
}

static void *first_object(const struct slab *slab, size_t word, uint64_t mask)
{
    return slab_object(slab, word * WORD_BITS + lowest_bit(mask));
}

void slab_put(struct slab *slab, size_t word, uint64_t mask)
{
    uint64_t twice = slab->free_bits[word] & mask;

    if (UNLIKELY(twice))
        explain_stop(FAULT_DOUBLE_FREE, first_object(slab, word, twice));
    slab->free_bits[word] |= mask;
    slab->free_count += count_bits(mask);
    slab->last_word = (uint16_t)word;
    slab->clean = false;
}

bool slab_send(struct slab *slab, size_t word, uint64_t mask)
{
    uint32_t count = count_bits(mask);
    uint64_t twice = __atomic_fetch_or(&slab->remote_bits[word], mask, __ATOMIC_RELEASE) & mask;

    if (UNLIKELY(twice))
        explain_stop(FAULT_DOUBLE_FREE, first_object(slab, word, twice));
    uint32_t old = __atomic_load_n(&slab->arrivals, __ATOMIC_RELAXED);
    uint32_t fresh;
    do {
        fresh = old + count;
        if (old & ARRIVALS_WANTED)
            fresh = (fresh & ~ARRIVALS_WANTED) | ARRIVALS_QUEUED;
    } while (!__atomic_compare_exchange_n(&slab->arrivals, &old, fresh, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return old & ARRIVALS_WANTED;
}

void slab_collect(struct slab *slab)
{
    uint32_t counted = __atomic_load_n(&slab->arrivals, __ATOMIC_ACQUIRE) & ARRIVALS_COUNT;

    if (!counted)
        return;
    __atomic_fetch_sub(&slab->arrivals, counted, __ATOMIC_ACQUIRE);
    slab->debt -= (int32_t)counted;
    for (size_t w = 0; w < slab->words; w++) {
        if (!__atomic_load_n(&slab->remote_bits[w], __ATOMIC_RELAXED))
            continue;
        uint64_t mask = __atomic_exchange_n(&slab->remote_bits[w], 0, __ATOMIC_ACQUIRE);
        slab->debt += count_bits(mask);
        slab_put(slab, w, mask);
    }
    assert(slab->debt >= 0);
}

bool slab_want_notice(struct slab *slab)
{
    uint32_t old = 0;

    /* From "nothing has arrived" to WANTED in one step: whoever arrives later sees it. A queued slab is looked at
     * anyway. */
    return __atomic_compare_exchange_n(&slab->arrivals, &old, ARRIVALS_WANTED, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED) ||
           !(old & ARRIVALS_COUNT);
}
