/*
 * debugging.c - what a heap says about itself: mallinfo2(3), malloc_usable_size(3), malloc_trim(3), malloc_stats(3).
 *
 * These work on any heap; the answers here are of loam's. `loam stats` shows the same of a process that runs, from
 * outside.
 */
#define _GNU_SOURCE
#include <err.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OBJECTS = 1000, SIZE = 10000 };

static char *objects[OBJECTS];

static const char *yes_or_no(int condition)
{
    return condition ? "yes" : "no";
}

/* It prints to stderr, which here is a pipe meanwhile. Returns the bytes read. */
static size_t read_stats(char *text, size_t size)
{
    int ends[2], stderr_was = dup(STDERR_FILENO);
    if (stderr_was < 0 || pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
        err(1, "pipe");
    malloc_stats();
    fflush(stderr);
    dup2(stderr_was, STDERR_FILENO);
    close(stderr_was);
    close(ends[1]);
    ssize_t length = read(ends[0], text, size - 1);
    close(ends[0]);
    if (length < 0)
        err(1, "read");
    text[length] = '\0';
    return (size_t)length;
}

int main(void)
{
    char text[16384];
    size_t usable = 0, before = mallinfo2().uordblks; /* bytes in use */

    for (int i = 0; i < OBJECTS; i++) {
        objects[i] = malloc(SIZE);
        if (!objects[i])
            err(1, "malloc");
        memset(objects[i], i, SIZE);
        usable += malloc_usable_size(objects[i]);
    }
    size_t during = mallinfo2().uordblks;
    printf("in use are at least the bytes allocated: %s\n", yes_or_no(during - before >= (size_t)OBJECTS * SIZE));
    printf("usable are as many or more: %s\n", yes_or_no(usable >= (size_t)OBJECTS * SIZE));
    printf("malloc_stats prints something: %s\n", yes_or_no(read_stats(text, sizeof(text)) > 0));

    for (int i = 0; i < OBJECTS; i++)
        free(objects[i]);
    printf("freed, a tenth at most is in use: %s\n", yes_or_no(mallinfo2().uordblks < during / 10));
    malloc_trim(0); /* what is idle goes back to the kernel; returns whether anything was */
    printf("trimmed, there is nothing more to trim: %s\n", yes_or_no(malloc_trim(0) == 0));
    return 0;
}
