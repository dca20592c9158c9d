/*
 * brk.c - the program break: the end of the memory that lies above the program's BSS.
 *
 * It is the oldest way to get memory: brk(2) sets the end, sbrk(2) moves it. loam/brk.h has both over the raw system
 * call, so that they stay right whoever else moves the break. What is allocated this way is given back in reverse order
 * only, which is why malloc(3) and mmap(2) are used instead today.
 */
#include <loam/brk.h>

#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SIZE = 64 * 1024 };

int main(void)
{
    char *before = loam_sbrk(0);    /* moves nothing: asks */
    char *memory = loam_sbrk(SIZE); /* returns the break as it was, which is where the new memory begins */
    if (memory == (void *)-1)
        err(1, "loam_sbrk");
    printf("the new memory begins at the old break: %s\n", memory == before ? "yes" : "no");
    printf("the break has risen by %td bytes\n", (char *)loam_sbrk(0) - before);

    int zeroes = 0;
    for (int i = 0; i < SIZE; i++)
        zeroes += memory[i] == 0;
    printf("zeroes: %d\n", zeroes);
    memset(memory, 'x', SIZE);

    if (loam_brk(before) != 0)
        err(1, "loam_brk");
    printf("back where it was: %s\n", loam_sbrk(0) == before ? "yes" : "no");

    if (loam_sbrk(INTPTR_MAX) == (void *)-1)
        printf("too much: %s\n", strerror(errno));
    return 0;
}
