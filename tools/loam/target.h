/*
 * target.h - what the user points at: a running process or a core file; its memory, its segments and its heap.
 */
#ifndef LOAM_TOOLS_TARGET_H
#define LOAM_TOOLS_TARGET_H

#include "command.h"
#include "core.h"
#include "image/layout.h"

#include <sys/types.h>

struct target {
    char name[256]; /* "process 12 (cat file)", for headings and messages */
    pid_t pid;      /* of the process; of a core file, what it was */
    bool is_core;
    struct core core;
    struct image_source source;
    struct layout_thread *threads; /* the first is the main one */
    size_t thread_count;
    bool has_heap;
    uintptr_t root;
    struct image heap;
};

/*
 * Open the process whose id is the text, or the core file. Returns 0 or -errno after a message; then there is nothing
 * to close. The target must stay where it is.
 */
int target_open_process(const char *pid, struct target *out);
int target_open_core(const char *path, struct target *out);

/* The same of a process, without a message: for who goes through all there are. */
int target_try_process(pid_t pid, struct target *out);

/*
 * Open what a command line names: the core file after --core, if there is one, or else the process that its only
 * argument is the id of; look at it, and close it. Returns what `look` does; EXIT_USAGE or EXIT_FAILURE, after a
 * message, when there is nothing to look at.
 */
int target_look(const struct command *command, const char *core, int count, char **arguments,
                int (*look)(void *context, struct target *target), void *context);

/* Fail with a message unless the target runs on loam's heap. Returns 0 or -errno. */
int target_needs_heap(const struct target *target);

/* Look anew at what its heap, if it has one, is made of: a process goes on. Returns 0 or -errno. */
int target_refresh(struct target *target);

/* Say what went wrong while the target was read. */
void target_warn(const struct target *target, int error);

/* Where what can be read of a mapping ends: of a core file, what it has, whatever its headers say. */
uintptr_t target_readable_end(const struct target *target, const struct mapping *mapping);

/* All segments, with figures of a process only if wanted; the list is the caller's to free. Returns 0 or -errno. */
int target_segments(struct target *target, bool figures, struct segment **list, size_t *count);

void target_close(struct target *target);

#endif
