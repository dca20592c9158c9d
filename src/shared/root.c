/*
 * root.c - cells that have a name.
 *
 * Names come and go under the lock of a byte of the file, which the kernel gives up when its holder dies. A name counts
 * once its state says so, in one store; so what a dead one has half written is free.
 */
#include "shared/shared.h"

#include "sys/file.h"

#include <errno.h>
#include <string.h>

static bool is_named(const struct root *root)
{
    return __atomic_load_n(&root->state, __ATOMIC_ACQUIRE) == ROOT_NAMED;
}

static bool is_valid(const char *name)
{
    return name && *name && strlen(name) < ROOT_NAME;
}

static struct root *find(const struct loam_shared *heap, const char *name)
{
    for (unsigned i = 0; i < ROOTS; i++) {
        struct root *root = &heap->head->roots[i];
        if (is_named(root) && strncmp(root->name, name, ROOT_NAME) == 0)
            return root;
    }
    return NULL;
}

static struct root *make(const struct loam_shared *heap, const char *name)
{
    for (unsigned i = 0; i < ROOTS; i++) {
        struct root *root = &heap->head->roots[i];
        if (is_named(root))
            continue;
        memset(root->name, 0, ROOT_NAME);
        memcpy(root->name, name, strlen(name));
        __atomic_store_n(&root->cell, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&root->state, ROOT_NAMED, __ATOMIC_RELEASE);
        return root;
    }
    return NULL;
}

/* The lock of names beside the attachment's. */
static int enter(struct loam_shared *heap)
{
    int error = shared_enter(heap);

    if (error)
        return error;
    error = sys_lock_byte(heap->locks, ROOTS_LOCK, true);
    if (error)
        shared_leave(heap);
    return error;
}

static void leave(struct loam_shared *heap)
{
    sys_unlock_byte(heap->locks, ROOTS_LOCK);
    shared_leave(heap);
}

PUBLIC struct loam_shared_cell *loam_shared_root(struct loam_shared *heap, const char *name)
{
    int error = is_valid(name) ? enter(heap) : -EINVAL;

    if (error) {
        errno = -error;
        return NULL;
    }
    struct root *root = find(heap, name);
    if (!root)
        root = make(heap, name);
    leave(heap);
    if (!root)
        errno = ENOSPC;
    return root ? (struct loam_shared_cell *)&root->cell : NULL;
}

PUBLIC int loam_shared_remove_root(struct loam_shared *heap, const char *name)
{
    int error = is_valid(name) ? enter(heap) : -ENOENT;

    if (error)
        return error;
    struct root *root = find(heap, name);
    if (!root)
        error = -ENOENT;
    else if (__atomic_load_n(&root->cell, __ATOMIC_ACQUIRE))
        error = -EBUSY;
    else
        __atomic_store_n(&root->state, ROOT_FREE, __ATOMIC_RELEASE);
    leave(heap);
    return error;
}

/* Without the lock, so that a watcher can: a name that is removed meanwhile is told or not. */
PUBLIC int loam_shared_roots(struct loam_shared *heap, int (*visit)(void *context, const char *name, const void *block),
                             void *context)
{
    int result = 0;

    for (unsigned i = 0; i < ROOTS && !result; i++) {
        struct root *root = &heap->head->roots[i];
        char name[ROOT_NAME + 1] = {0};
        if (!is_named(root))
            continue;
        memcpy(name, root->name, ROOT_NAME);
        result = visit(context, name, loam_shared_peek(heap, (struct loam_shared_cell *)&root->cell));
    }
    return result;
}
