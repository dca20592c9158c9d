/*
 * shared_memory.c - POSIX shared memory: two processes find the same memory by a name, shm_overview(7).
 *
 * Unlike memory that is mapped before fork(2), it needs no common parent. It lasts until shm_unlink(3), whoever ends. A
 * semaphore in it, sem_overview(7), tells that there is something to read.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct board {
    sem_t asked;
    char question[40], answer[40];
};

static struct board *board_open(const char *name, int flags)
{
    int fd = shm_open(name, O_RDWR | flags, 0600);
    if (fd < 0)
        return NULL;
    if ((flags & O_CREAT) && ftruncate(fd, sizeof(struct board)) != 0) /* it is made with a size of 0 */
        err(1, "ftruncate");
    struct board *board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (board == MAP_FAILED)
        err(1, "mmap");
    return board;
}

/* Nothing but the name is needed here. */
static void answer(const char *name)
{
    struct board *board = board_open(name, 0);
    if (!board)
        err(1, "%s", name);
    while (sem_wait(&board->asked) != 0) /* a signal may come in between */
        if (errno != EINTR)
            err(1, "sem_wait");
    snprintf(board->answer, sizeof(board->answer), "%zu letters", strlen(board->question));
}

int main(void)
{
    char name[40];
    snprintf(name, sizeof(name), "/loam-example-%d", (int)getpid());
    struct board *board = board_open(name, O_CREAT | O_EXCL);
    if (!board)
        err(1, "shm_open");
    if (sem_init(&board->asked, 1, 0) != 0) /* 1: between processes */
        err(1, "sem_init");

    pid_t child = fork();
    if (child == 0) {
        answer(name);
        _exit(0);
    }
    strcpy(board->question, "memory");
    sem_post(&board->asked);
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        warnx("nobody answers");
    printf("%s: %s\n", board->question, board->answer);

    if (shm_unlink(name) != 0)
        err(1, "shm_unlink");
    printf("after shm_unlink the name is gone: %s\n", board_open(name, 0) ? "no" : strerror(errno));
    printf("what was mapped is still there: %s\n", board->answer);
    munmap(board, sizeof(*board));
    return 0;
}
