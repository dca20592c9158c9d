/*
 * stop.c - see stop.h.
 *
 * A thread that runs may start others: so threads are listed again until none is new. One that waits in the kernel
 * without being interruptible cannot be stopped; after a second that is given up.
 *
 * Source: ptrace(2), PTRACE_SEIZE and PTRACE_INTERRUPT.
 */
#include "stop.h"

#include "list.h"
#include "process.h"
#include "sys/sys.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

enum { ROUNDS = 100, WAIT_MS = 1000, NS_PER_MS = 1000000 };

static bool is_known(const struct stop *stop, int id)
{
    for (size_t i = 0; i < stop->thread_count; i++)
        if (stop->threads[i].id == id)
            return true;
    return false;
}

/* Wait until the thread stands still. Returns 0, -ESRCH when it has ended instead, or -ETIMEDOUT. */
static int await(int id)
{
    const struct timespec pause = {.tv_nsec = NS_PER_MS / 20};
    uint64_t deadline = sys_now_ns() + (uint64_t)WAIT_MS * NS_PER_MS;
    int status;

    for (;;) {
        pid_t got = waitpid(id, &status, __WALL | WNOHANG);
        if (got < 0)
            return -errno;
        if (got == id)
            return WIFSTOPPED(status) ? 0 : -ESRCH;
        if (sys_now_ns() > deadline)
            return -ETIMEDOUT;
        nanosleep(&pause, NULL);
    }
}

/* Returns 0, also when the thread has ended meanwhile; or -errno. What does not stop is let go with this command. */
static int stop_thread(struct stop *stop, int id)
{
    struct layout_thread *larger = list_grow(stop->threads, stop->thread_count, sizeof(*larger));

    if (!larger)
        return -ENOMEM;
    stop->threads = larger;
    stop->threads[stop->thread_count++] = (struct layout_thread){.id = id};
    if (id == stop->traced)
        return 0;
    int error = ptrace(PTRACE_SEIZE, id, NULL, NULL) < 0 ? -errno : 0;
    if (!error)
        error = ptrace(PTRACE_INTERRUPT, id, NULL, NULL) < 0 ? -errno : await(id);
    return error == -ESRCH ? 0 : error;
}

/* Stop the threads that are not known yet. *fresh: whether there were any. */
static int stop_others(struct stop *stop, bool *fresh)
{
    struct layout_thread *list;
    size_t count;
    int error = process_threads(stop->pid, &list, &count);

    *fresh = false;
    for (size_t i = 0; !error && i < count; i++) {
        if (is_known(stop, list[i].id))
            continue;
        *fresh = true;
        error = stop_thread(stop, list[i].id);
    }
    free(list);
    return error;
}

static int read_registers(struct stop *stop, struct layout_thread *thread)
{
    struct user_regs_struct general;
    struct user_fpregs_struct floating;
    size_t words = (sizeof(general) + sizeof(floating)) / sizeof(uintptr_t);
    struct iovec part = {.iov_base = &general, .iov_len = sizeof(general)};

    uintptr_t *larger = reallocarray(stop->registers, stop->register_count + words, sizeof(*larger));
    if (!larger)
        return -ENOMEM;
    stop->registers = larger;
    if (ptrace(PTRACE_GETREGSET, thread->id, NT_PRSTATUS, &part) < 0)
        return errno == ESRCH ? 0 : -errno; /* it has ended: nothing is left of it */
    part = (struct iovec){.iov_base = &floating, .iov_len = sizeof(floating)};
    if (ptrace(PTRACE_GETREGSET, thread->id, NT_PRFPREG, &part) < 0)
        return -errno;
    memcpy(larger + stop->register_count, &general, sizeof(general));
    memcpy(larger + stop->register_count + sizeof(general) / sizeof(uintptr_t), &floating, sizeof(floating));
    stop->register_count += words;
#if defined(__x86_64__)
    thread->stack_pointer = general.rsp;
#else
    thread->stack_pointer = general.sp;
#endif
    return 0;
}

int stop_process(pid_t pid, pid_t traced, struct stop *out)
{
    bool fresh = true;
    int error = 0;

    *out = (struct stop){.pid = pid, .traced = traced, .since_ns = sys_now_ns()};
    for (int i = 0; !error && fresh && i < ROUNDS; i++)
        error = stop_others(out, &fresh);
    if (!error && fresh)
        error = -EAGAIN;
    if (!error && out->thread_count == 0)
        error = -ESRCH;
    for (size_t i = 0; !error && i < out->thread_count; i++)
        error = read_registers(out, &out->threads[i]);
    if (!error)
        return 0;
    stop_release(out);
    stop_free(out);
    return error;
}

uint64_t stop_release(struct stop *stop)
{
    for (size_t i = 0; i < stop->thread_count; i++)
        if (stop->threads[i].id != stop->traced)
            ptrace(PTRACE_DETACH, stop->threads[i].id, NULL, NULL);
    return sys_now_ns() - stop->since_ns;
}

void stop_free(struct stop *stop)
{
    free(stop->threads);
    free(stop->registers);
    *stop = (struct stop){.pid = 0};
}
