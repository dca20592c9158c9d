/* class.c - sizes of blocks: multiples of 16 up to 128 bytes, then four per doubling. See shared.h. */
#include "shared/shared.h"

struct class classes[CLASSES];

static uint32_t size_of(unsigned class)
{
    if (class < 7)
        return BLOCK_LEAST + 16 * class;
    unsigned doubling = (class - 7) / 4, quarter = (class - 7) % 4;
    return (uint32_t)(5 + quarter) << (5 + doubling);
}

void classes_start(void)
{
    for (unsigned i = 0; i < CLASSES; i++) {
        uint32_t size = size_of(i), blocks = SLICE / size;
        unsigned rest = blocks % WORD_BITS;

        classes[i] = (struct class){
            .size = size,
            .inverse = (uint32_t)(((1ull << 32) + size - 1) / size),
            .blocks = (uint16_t)blocks,
            .words = (uint16_t)divide_up(blocks, WORD_BITS),
            .last = low_bits(rest ? rest : WORD_BITS),
        };
    }
}
