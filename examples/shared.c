/*
 * shared.c - the shared heap of loam/shared.h: two processes exchange messages, and one of them is killed.
 *
 * A message is a block. Whoever takes it from a stack holds it, and no one else; to push it makes it everyone's. So
 * when the child is killed, what it held is known and freed, and all else is as it was. Semaphores only tell that there
 * is something to take: no lock is left behind by the dead.
 */
#define _GNU_SOURCE
#include <loam/shared.h>

#include <err.h>
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct message {
    struct loam_shared_cell next;
    char text[64];
};

/* What both must find: it is in a root, and everything else hangs on it. */
struct board {
    struct loam_shared_cell questions, answers;
    sem_t asked, answered;
};

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0) /* a signal may come in between */
        if (errno != EINTR)
            err(1, "sem_wait");
}

static void push(struct loam_shared *heap, struct loam_shared_cell *stack, struct message *message)
{
    int error = loam_shared_push(heap, stack, message, &message->next);
    if (error)
        errx(1, "loam_shared_push: %s", strerror(-error));
}

static struct message *pop(struct loam_shared *heap, struct loam_shared_cell *stack)
{
    struct message *message = loam_shared_pop(heap, stack, offsetof(struct message, next));
    if (!message)
        err(1, "loam_shared_pop");
    return message;
}

/* --- the child --- */

static void try_everything(struct loam_shared *heap, struct board *board)
{
    for (int i = 0; i < 1000; i++)
        if (!loam_shared_alloc(heap, 1000))
            err(1, "loam_shared_alloc");
    sem_post(&board->answered);
    for (;;)
        pause();
}

/* Whoever knows the name can take part; `theirs` is only to show that addresses differ. */
static void answer(const char *name, const struct board *theirs)
{
    struct loam_shared *heap;
    int error = loam_shared_open(name, &heap);
    if (error)
        errx(1, "%s: %s", name, strerror(-error));
    struct loam_shared_cell *root = loam_shared_root(heap, "board");
    struct board *board = root ? loam_shared_peek(heap, root) : NULL;
    if (!board)
        err(1, "board");

    for (;;) {
        wait_for(&board->asked);
        struct message *message = pop(heap, &board->questions);
        size_t letters = strlen(message->text);
        if (strcmp(message->text, "everything") == 0)
            try_everything(heap, board);
        snprintf(message->text, sizeof(message->text), "%zu letters, from %s address", letters,
                 board == theirs ? "the same" : "another");
        push(heap, &board->answers, message);
        sem_post(&board->answered);
    }
}

/* --- the parent --- */

static struct board *make_board(struct loam_shared *heap)
{
    struct loam_shared_cell *root = loam_shared_root(heap, "board");
    struct board *board = loam_shared_calloc(heap, 1, sizeof(*board)); /* zeroed cells are empty */
    if (!root || !board)
        err(1, "make_board");
    if (sem_init(&board->asked, 1, 0) != 0 || sem_init(&board->answered, 1, 0) != 0) /* 1: between processes */
        err(1, "sem_init");
    if (loam_shared_publish(heap, root, board) != 0)
        errx(1, "loam_shared_publish");
    return board;
}

static void ask(struct loam_shared *heap, struct board *board, const char *question)
{
    struct message *message = loam_shared_alloc(heap, sizeof(*message));
    if (!message)
        err(1, "loam_shared_alloc");
    snprintf(message->text, sizeof(message->text), "%s", question);
    push(heap, &board->questions, message);
}

static void hear(struct loam_shared *heap, struct board *board, const char *question)
{
    ask(heap, board, question);
    sem_post(&board->asked);
    wait_for(&board->answered);
    struct message *message = pop(heap, &board->answers);
    printf("%s: %s\n", question, message->text);
    loam_shared_free(heap, message);
}

/* The child takes the last question first, and does not come to the other one. */
static void kill_at_work(struct loam_shared *heap, struct board *board, pid_t child)
{
    ask(heap, board, "page");
    ask(heap, board, "everything");
    sem_post(&board->asked);
    wait_for(&board->answered);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void go_on(struct loam_shared *heap, struct board *board)
{
    struct loam_shared_stats before, after;

    loam_shared_measure(heap, &before);
    int recovered = loam_shared_recover(heap);
    loam_shared_measure(heap, &after);
    printf("killed: %u of %u; recovered: %d, which held %d blocks\n", before.dead, before.participants + before.dead,
           recovered, (int)(before.blocks - after.blocks));
    struct message *message = pop(heap, &board->questions);
    printf("still asked: %s\n", message->text);
    loam_shared_free(heap, message);
    loam_shared_measure(heap, &after);
    printf("blocks in use: %d, the board\n", (int)after.blocks);
}

int main(void)
{
    struct loam_shared *heap;
    char name[40];
    snprintf(name, sizeof(name), "loam-example-%d", (int)getpid());
    int error = loam_shared_create(name, 0, 0600, &heap);
    if (error)
        errx(1, "%s: %s", name, strerror(-error));
    struct board *board = make_board(heap);

    pid_t child = fork();
    if (child == 0) {
        answer(name, board);
        _exit(0);
    }
    if (child < 0)
        err(1, "fork");
    hear(heap, board, "memory");
    loam_shared_unlink(name); /* both have the heap now; it goes with the last of them */
    hear(heap, board, "heap");
    kill_at_work(heap, board, child);
    go_on(heap, board);
    loam_shared_close(heap);
    return 0;
}
