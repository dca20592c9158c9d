/*
 * subject.c - a program whose memory is known: it says what it has where, and then waits for its input to end.
 *
 *   subject [THREADS]
 *
 * Each thread keeps KEPT objects of 48 bytes, 5000 bytes and one of 3 MiB, and frees as many small ones again; the
 * first of them is the main one. Lines of output: a name and an address or figure.
 */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { KEPT = 100, THREADS_MAX = 64, LARGE = 3 << 20, MAPPED = 1 << 20 };

int in_data = 1;
char in_bss[100000];
const char in_read_only[5000] = "constant";

struct kept {
    void *small[KEPT];
    void *middle[KEPT];
    void *large;
};

static struct kept kept[THREADS_MAX];
static int threads = 1;
static pthread_barrier_t ready;

static void in_text(void)
{
}

/* printf to stdout without a stream, which would allocate. */
static void say(const char *format, ...)
{
    char line[1024];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (write(STDOUT_FILENO, line, (size_t)length) != length)
        _exit(1);
}

static void fill(struct kept *to)
{
    void *freed[KEPT];

    for (int i = 0; i < KEPT; i++) {
        to->small[i] = memset(malloc(48), 1, 48);
        freed[i] = memset(malloc(48), 2, 48);
        to->middle[i] = memset(malloc(5000), 3, 5000);
    }
    to->large = memset(malloc(LARGE), 4, LARGE);
    for (int i = 0; i < KEPT; i++)
        free(freed[i]);
}

static void *run(void *number)
{
    struct kept *own = &kept[(long)number];
    int local = 0;

    fill(own);
    pthread_barrier_wait(&ready);
    pthread_barrier_wait(&ready); /* the main thread prints meanwhile */
    say("thread%ld %d\nstack%ld %p\n", (long)number, (int)syscall(SYS_gettid), (long)number, (void *)&local);
    pthread_barrier_wait(&ready);
    for (;;)
        pause();
    return number;
}

/* What malloc_info, malloc_stats and mallinfo2 tell. */
static void print_figures(void)
{
    struct mallinfo2 info = mallinfo2();

    say("uordblks %zu\nhblkhd %zu\nfsmblks %zu\narena %zu\n", info.uordblks, info.hblkhd, info.fsmblks, info.arena);
}

int main(int argc, char **argv)
{
    pthread_t thread;
    char byte;
    int local = 0;

    threads = argc > 1 ? atoi(argv[1]) : 1;
    pthread_barrier_init(&ready, NULL, (unsigned)threads);
    for (long i = 1; i < threads; i++)
        pthread_create(&thread, NULL, run, (void *)i);
    fill(&kept[0]);
    void *anonymous = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *shared = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int fd = open(argv[0], O_RDONLY);
    void *file = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    memset(anonymous, 5, MAPPED / 2);
    memset(shared, 6, MAPPED / 2);
    if (threads > 1)
        pthread_barrier_wait(&ready);
    void *freed = malloc(48);
    free(freed);
    say("text %p\nrodata %p\ndata %p\nbss %p\nstack %p\nanonymous %p\nshared %p\nfile %p\n", (void *)in_text,
        (void *)in_read_only, (void *)&in_data, (void *)(in_bss + 50000), (void *)&local, anonymous, shared, file);
    say("small %p\nmiddle %p\nlarge %p\nfreed %p\n", kept[0].small[7], kept[0].middle[7], kept[0].large, freed);
    print_figures();
    if (threads > 1) {
        pthread_barrier_wait(&ready);
        pthread_barrier_wait(&ready);
    }
    say("ready %d\n", (int)getpid());
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    return 0;
}
