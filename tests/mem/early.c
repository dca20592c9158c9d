/* early.c - what early_library.c did before this began must have been right. */
#include <stdio.h>

int early(void);
int early_copied(void);

int main(void)
{
    if (early() && early_copied() == 100)
        return 0;
    fprintf(stderr, "FAILED: before the program was relocated: %s, and %d of 100 bytes copied\n",
            early() ? "compared right" : "compared wrong", early_copied());
    return 1;
}
