/* fortified.c - a program compiled with _FORTIFY_SOURCE, which copies and sets what the compiler cannot count. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#define TEXT "what is copied"

static char text[32], end[32];
static volatile size_t size = sizeof(TEXT);

int main(void)
{
    char *behind = mempcpy(end, TEXT, size);

    memcpy(text + 1, TEXT, size);
    memmove(text, text + 1, size);
    memset(end, 'x', size - 2);
    if (behind != end + size || strcmp(text, TEXT) != 0 || strcmp(end, "xxxxxxxxxxxxxd") != 0) {
        fprintf(stderr, "FAILED: '%s', '%s'\n", text, end);
        return 1;
    }
    explicit_bzero(text, size);
    return text[0] != 0 || text[size - 2] != 0;
}
