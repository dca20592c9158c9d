/* watch_end.c - see watch_end.h. */
#include "watch_end.h"

#include "follow.h"
#include "program.h"

#include <err.h>
#include <string.h>

struct watch {
    int (*look)(void *context, struct target *target);
    void *context;
    int status;
};

static void look(void *context, pid_t child)
{
    struct watch *watch = context;
    struct target target;
    int error = target_try_process(child, &target);

    if (error) {
        warnx("process %d cannot be read at its end: %s", (int)child, strerror(-error));
        watch->status = EXIT_OWN_FAILURE;
        return;
    }
    watch->status = watch->look(watch->context, &target);
    target_close(&target);
}

int watch_end(char **argv, int (*look_at)(void *context, struct target *target), void *context)
{
    struct watch watch = {.look = look_at, .context = context};
    struct follow follow = {.at_exit = look, .context = &watch};
    char path[PATH_MAX];
    int status = program_find(argv[0], path);

    if (status)
        return status;
    int error = follow_hold(&follow);
    if (!error)
        error = follow_start(&follow, path, argv);
    if (error) {
        warnx("cannot start %s: %s", argv[0], strerror(-error));
        return program_exit_status(-error);
    }
    status = follow_wait(&follow);
    follow_release(&follow);
    return watch.status ? watch.status : follow_end(status);
}
