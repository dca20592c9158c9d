/*
 * steady.c - steady FILE: works over its heap, its stack and FILE while another process has the kernel take what it can
 * of its memory, and prints what page faults that took: "minor 0 major 0 absent 0".
 *
 * The last is how many pages of FILE were found to have been taken. Before its faults are counted the program has
 * worked a few rounds, so that what it needs is there if it stays.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

enum { WARM = 4, ROUNDS = 8, PIECES = 3000, STACK = 100 * 1024, PAGE = 4096, DATA = 1 << 20 };

/* --- the process that takes --- */

static void take_mappings(pid_t pid, int pidfd)
{
    char path[64], line[512];
    uintptr_t start, end;

    snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "r");
    while (maps && fgets(line, sizeof(line), maps)) {
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &start, &end) != 2)
            continue;
        struct iovec range = {.iov_base = (void *)start, .iov_len = end - start};
        syscall(SYS_process_madvise, pidfd, &range, 1, MADV_PAGEOUT, 0);
    }
    if (maps)
        fclose(maps);
}

/* Once for each byte that comes; each is answered. */
static int take(pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    char byte;

    while (read(STDIN_FILENO, &byte, 1) == 1) {
        take_mappings(pid, pidfd);
        if (write(STDOUT_FILENO, &byte, 1) != 1)
            return 1;
    }
    return 0;
}

/* --- the one that works --- */

static int to_taker[2], from_taker[2];

static void start_taker(char *own_path)
{
    extern char **environ;
    char pid[16];
    char *argv[] = {own_path, "--take", pid, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;

    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    if (pipe2(to_taker, O_CLOEXEC) < 0 || pipe2(from_taker, O_CLOEXEC) < 0)
        exit(2);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to_taker[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from_taker[1], STDOUT_FILENO);
    if (posix_spawn(&child, own_path, &actions, NULL, argv, environ) != 0)
        exit(2);
    posix_spawn_file_actions_destroy(&actions);
}

static void let_take(void)
{
    char byte = 0;

    if (write(to_taker[1], &byte, 1) != 1 || read(from_taker[0], &byte, 1) != 1)
        exit(2);
}

static void use_heap(void)
{
    static char *pieces[PIECES];
    unsigned seed = 1;

    for (size_t i = 0; i < PIECES; i++) {
        size_t size = 1 + (size_t)rand_r(&seed) % (i % 100 ? 3000 : 200000);
        pieces[i] = malloc(size);
        if (!pieces[i])
            exit(2);
        memset(pieces[i], 1, size);
    }
    for (size_t i = 0; i < PIECES; i++)
        free(pieces[i]);
}

static __attribute__((noinline)) void use_stack(void)
{
    volatile char stack[STACK];

    for (size_t i = 0; i < STACK; i += 1000)
        stack[STACK - 1 - i] = 1;
}

static long count_absent(void *data)
{
    static unsigned char there[DATA / PAGE];
    long absent = 0;

    if (mincore(data, DATA, there) < 0)
        exit(2);
    for (size_t i = 0; i < DATA / PAGE; i++)
        absent += !(there[i] & 1);
    return absent;
}

static unsigned use_data(const unsigned char *data)
{
    unsigned sum = 0;

    for (size_t i = 0; i < DATA; i += 512)
        sum += data[i];
    return sum;
}

int main(int argc, char **argv)
{
    struct rusage before, after;
    volatile unsigned sum = 0;
    long absent = 0;

    if (argc == 3)
        return take(atoi(argv[2]));
    int file = open(argv[1], O_RDONLY);
    void *data = mmap(NULL, DATA, PROT_READ, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED)
        return 2;
    start_taker(argv[0]);
    for (int round = 0; round < WARM + ROUNDS; round++) {
        if (round == WARM)
            getrusage(RUSAGE_SELF, &before);
        if (round >= WARM)
            let_take();
        absent += count_absent(data);
        sum += use_data(data);
        use_heap();
        use_stack();
        usleep(100 * 1000); /* a heap that gives memory back has time to */
    }
    getrusage(RUSAGE_SELF, &after);
    printf("minor %ld major %ld absent %ld\n", after.ru_minflt - before.ru_minflt, after.ru_majflt - before.ru_majflt,
           absent);
    close(to_taker[1]);
    wait(NULL);
    return 0;
}
