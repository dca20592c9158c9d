/*
 * lock.c - loam/lock.h: locks that are counted, what is locked, what may be, and a process that takes no page fault.
 *
 * Few bytes may be locked, so a program asks first, and has something to do when there is no room. What depends on the
 * machine is printed on stderr.
 */
#define _GNU_SOURCE
#include <loam/lock.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { SIZE = 16 * 1024 };

static void show(const char *when, const char *buffer)
{
    size_t locked;
    int error = loam_locked_in(buffer, SIZE, &locked);
    if (error)
        errx(1, "loam_locked_in: %s", strerror(-error));
    printf("%s: %zu of %d bytes are locked\n", when, locked, SIZE);
}

static int show_mapping(const struct loam_locked *mapping, void *context)
{
    fprintf(stderr, "  %zu bytes, %zu of them in memory, %s\n", mapping->size, mapping->resident, mapping->name);
    ++*(int *)context;
    return 0;
}

/* Two parts of a program lock the same buffer, and know nothing of each other. mlock(2) would forget one. */
static void lock_twice(char *buffer)
{
    int mappings = 0;

    if (loam_lock(buffer, SIZE) != 0 || loam_lock(buffer, SIZE / 4) != 0)
        errx(1, "%d bytes cannot be locked", SIZE);
    show("locked by two", buffer);
    loam_locked_walk(show_mapping, &mappings);
    printf("locked mappings: %d\n", mappings);
    loam_unlock(buffer, SIZE / 4);
    show("unlocked by one", buffer);
    loam_unlock(buffer, SIZE);
    show("unlocked by both", buffer);
}

static long faults(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

/* What a program with deadlines does at its start; all that it needs later is there. */
static void meet_deadlines(void)
{
    int error = loam_lock_prepare(1 << 20, 64 << 10);
    if (error) { /* too much for the limit: it goes on without */
        fprintf(stderr, "not prepared: %s\n", strerror(-error));
        return;
    }
    long before = faults();
    char *work = malloc(500000);
    if (work)
        memset(work, 1, 500000);
    free(work);
    fprintf(stderr, "page faults at work: %ld\n", faults() - before);
    loam_unlock_all();
}

int main(void)
{
    char *buffer = calloc(1, SIZE);
    if (!buffer)
        err(1, "calloc");
    uint64_t room = loam_locked_room(); /* UINT64_MAX: no limit */
    fprintf(stderr, "%ju bytes may be locked, %ju still\n", (uintmax_t)loam_locked_limit(), (uintmax_t)room);
    printf("room for the buffer: %s\n", room >= SIZE ? "yes" : "no");
    lock_twice(buffer);
    free(buffer);
    meet_deadlines();
    return 0;
}
