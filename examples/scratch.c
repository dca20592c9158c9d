/*
 * scratch.c - loam_scratch() beside alloca(3): memory for as long as a block of code.
 *
 * alloca takes it from the stack: fast, but it overflows where it is too much, without a word; a loop takes more
 * and more; and the caller cannot have it. Scratch of loam/region.h costs about as much, and can do all three.
 */
#include <loam/region.h>

#include <alloca.h>
#include <err.h>
#include <stdio.h>
#include <string.h>

/* It is released when this function returns. */
static size_t length_by_alloca(const char *folder, const char *name)
{
    char *path = alloca(strlen(folder) + strlen(name) + 2);

    sprintf(path, "%s/%s", folder, name);
    return strlen(path);
}

/* It is released at the end of the caller's scope, so it can be returned. */
static char *path_of(const char *folder, const char *name)
{
    char *path = loam_scratch(strlen(folder) + strlen(name) + 2);

    if (!path)
        err(1, "loam_scratch");
    sprintf(path, "%s/%s", folder, name);
    return path;
}

static const char *find(const char *const *names, size_t count, size_t length)
{
    for (size_t i = 0; i < count; i++) {
        LOAM_SCRATCH_SCOPE
        {
            if (strlen(path_of("/etc", names[i])) == length)
                return names[i]; /* the scope ends here, too */
        }
    }
    return "none";
}

int main(void)
{
    const char *names[] = {"hosts", "passwd", "fstab", "resolv.conf"};

    printf("by alloca: %zu letters\n", length_by_alloca("/etc", "passwd"));
    printf("a name whose path has 16: %s\n", find(names, 4, 16));
    LOAM_SCRATCH_SCOPE
    {
        char *first = path_of("/usr", "bin");
        LOAM_SCRATCH_SCOPE
        {
            printf("inside: %s\n", path_of(first, "env"));
        }
        printf("outside: %s\n", first);

        size_t size = (size_t)64 << 20; /* eight times what a stack usually is */
        char *large = loam_scratch(size);
        if (!large)
            err(1, "loam_scratch");
        memset(large, 'x', size);
        printf("64 MiB: %c%c\n", large[0], large[size - 1]);
    }
    return 0;
}
