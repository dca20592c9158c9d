/*
 * allocation.c - the functions of malloc(3), each with the check that it needs.
 *
 * It is the same program on any heap; linked with libloam, or started with LD_PRELOAD=libloam.so, it is on loam's.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *yes_or_no(int condition)
{
    return condition ? "yes" : "no";
}

static void grow(void)
{
    char *text = malloc(6);
    if (!text)
        err(1, "malloc");
    strcpy(text, "hello");

    /* Not `text = realloc(text, ...)`: when it fails, it returns NULL and the old memory is still there, to be freed.
     */
    char *longer = realloc(text, 100000);
    if (!longer) {
        free(text);
        err(1, "realloc");
    }
    printf("realloc kept what was there: %s\n", longer);
    free(longer);
}

static void arrays(void)
{
    volatile size_t too_many = SIZE_MAX / 4;
    int *numbers = calloc(1000, sizeof(*numbers)), sum = 0;
    if (!numbers)
        err(1, "calloc");
    for (int i = 0; i < 1000; i++)
        sum |= numbers[i];
    printf("calloc gives zeroes: %s\n", yes_or_no(sum == 0));

    /* malloc(count * size) would give too little where the product overflows; this notices. */
    int *more = reallocarray(numbers, too_many, sizeof(*numbers) + 4);
    printf("reallocarray with a product that overflows: %s\n", more ? "memory" : strerror(errno));
    free(more ? more : numbers);
}

static void aligned(void)
{
    void *line = aligned_alloc(64, 256), *page = NULL;
    int error = posix_memalign(&page, 4096, 4096); /* returns the error; errno is not set */
    if (!line || error)
        errx(1, "no aligned memory");
    printf("aligned to 64: %s; to 4096: %s\n", yes_or_no((uintptr_t)line % 64 == 0),
           yes_or_no((uintptr_t)page % 4096 == 0));
    printf("not a power of two: %s\n", strerror(posix_memalign(&page, 48, 100)));
    free(line);
    free(page);
}

int main(void)
{
    grow();
    arrays();
    aligned();

    char *object = malloc(50);
    printf("of 50 bytes, at least 50 can be used: %s\n", yes_or_no(malloc_usable_size(object) >= 50));
    free(object);
    free(NULL); /* does nothing, so no `if` is needed before it */
    return 0;
}
