/* slab.c - see slab.h. */
#include "heap/slab.h"

#include "heap/explain.h"

void slab_take(struct slab *slab, void **to, size_t count)
{
    size_t size = classes.list[slab->size_class].size;
    size_t w = slab->hint;

    assert(count <= slab->free_count);
    slab->free_count -= (uint16_t)count;
    while (count) {
        uint64_t word = slab->free_bits[w];
        unsigned char *first = slab->start + w * WORD_BITS * size;
        for (; word && count; count--, word &= word - 1)
            *--to = first + lowest_bit(word) * size;
        slab->free_bits[w] = word;
        w += word == 0;
    }
    slab->hint = (uint16_t)w;
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
    slab->clean = false;
    if (word < slab->hint)
        slab->hint = (uint16_t)word;
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
