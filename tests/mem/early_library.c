/*
 * early_library.c - calls memcpy, memset and memcmp while the dynamic linker is at work: from a function that it asks
 * which of two functions to take. Dependencies are relocated before what is preloaded, so libloam-mem is not.
 */
#include <string.h>

static char copy[100];

static int right(void)
{
    return 1;
}

static int wrong(void)
{
    return 0;
}

static int (*resolve(void))(void)
{
    char text[100], other[100];

    memset(text, 'a', sizeof(text));
    memcpy(other, text, sizeof(text));
    memcpy(copy, other, sizeof(text));
    text[99] = 'b';
    return memcmp(text, other, sizeof(text)) > 0 && memchr(text, 'b', sizeof(text)) == text + 99 ? right : wrong;
}

static int chosen(void) __attribute__((ifunc("resolve")));

/* To be set, it must be resolved while this library is relocated. */
static int (*volatile early_choice)(void) = chosen;

int early(void)
{
    return early_choice();
}

/* Of 100 bytes, those that were copied. */
int early_copied(void)
{
    int copied = 0;

    while (copied < 100 && copy[copied] == 'a')
        copied++;
    return copied;
}
