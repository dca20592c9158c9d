/*
 * sharer.c - sharer make|bare|join NAME: take part in the shared heap NAME, say "ready PID" and what is known of the
 * heap, and go on until the input ends. To be killed leaves a dead participant.
 *
 * All but "join" make it; "make" has a block in the root "greeting", another that is kept, and nothing in the root
 * "empty". Each holds three blocks.
 */
#include <loam/shared.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t limit = 16 << 20;

static void *allocate(struct loam_shared *heap, size_t size)
{
    void *block = loam_shared_alloc(heap, size);

    if (!block)
        err(2, "loam_shared_alloc");
    return block;
}

static struct loam_shared_cell *root(struct loam_shared *heap, const char *name)
{
    struct loam_shared_cell *cell = loam_shared_root(heap, name);

    if (!cell)
        err(2, "loam_shared_root");
    return cell;
}

/* What is everyone's. */
static void fill(struct loam_shared *heap)
{
    void *greeting = allocate(heap, 100), *kept = allocate(heap, 5000);

    printf("greeting %zu\nkept %zu\n", loam_shared_usable_size(heap, greeting), loam_shared_usable_size(heap, kept));
    root(heap, "empty");
    if (loam_shared_publish(heap, root(heap, "greeting"), greeting) || loam_shared_keep(heap, kept))
        errx(2, "cannot publish");
}

static void hold(struct loam_shared *heap)
{
    size_t held = 0;

    for (size_t size = 100; size <= 90000; size *= 30)
        held += loam_shared_usable_size(heap, allocate(heap, size));
    printf("held %zu\n", held);
}

int main(int argc, char **argv)
{
    struct loam_shared *heap;

    if (argc != 3)
        errx(2, "sharer make|bare|join NAME");
    int join = strcmp(argv[1], "join") == 0;
    int error = join ? loam_shared_open(argv[2], &heap) : loam_shared_create(argv[2], limit, 0640, &heap);
    if (error)
        errx(2, "%s: %s", argv[2], strerror(-error));
    if (strcmp(argv[1], "make") == 0)
        fill(heap);
    hold(heap);
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    while (getchar() != EOF)
        ;
    loam_shared_close(heap);
    return 0;
}
