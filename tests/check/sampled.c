/*
 * sampled.c - allocate and free COUNT objects, and write one byte past the end of one of them, drawn by SEED. Says the
 * object's size before it does: `sampled COUNT SEED`.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZE_MIN = 16, SIZES = 97, KEPT = 64 };

static uint64_t state;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

int main(int argc, char **argv)
{
    static volatile unsigned char *kept[KEPT];

    if (argc != 3)
        return 2;
    uint64_t count = strtoull(argv[1], NULL, 10);
    state = strtoull(argv[2], NULL, 10) * 0x9e3779b97f4a7c15 | 1;
    for (int i = 0; i < 10; i++)
        next_random();
    uint64_t wrong = next_random() % count;
    for (uint64_t i = 0; i < count; i++) {
        size_t size = SIZE_MIN + next_random() % SIZES;
        volatile unsigned char *object = malloc(size);
        object[size - 1] = 1;
        if (i == wrong) {
            printf("%zu\n", size);
            fflush(stdout);
            object[size] = 0;
        }
        free((void *)kept[i % KEPT]);
        kept[i % KEPT] = object;
    }
    for (int i = 0; i < KEPT; i++)
        free((void *)kept[i]);
    return 0;
}
