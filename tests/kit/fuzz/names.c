/*
 * names.c - names of heaps and of roots, which programs may have from anywhere: what is no name is refused, what is one
 * leads to no other file than its own.
 */
#include "fuzz.h"

#include "shared/shared.h"

#include <errno.h>

static struct {
    const char *name;
    unsigned calls;
} wanted;

int __wrap_sys_open(const char *path, int flags, unsigned mode);
int __wrap_sys_unlink(const char *path);
int __real_sys_open(const char *path, int flags, unsigned mode);

static void check(const char *path)
{
    static const char directory[] = "/dev/shm/";
    size_t length = sizeof(directory) - 1;

    EXPECT(strncmp(path, directory, length) == 0 && strcmp(path + length, wanted.name) == 0);
    wanted.calls++;
}

int __wrap_sys_open(const char *path, int flags, unsigned mode)
{
    if (strncmp(path, "/proc/self/fd/", 14) == 0)
        return __real_sys_open(path, flags, mode);
    check(path);
    return -ENOENT;
}

int __wrap_sys_unlink(const char *path)
{
    check(path);
    return -ENOENT;
}

static void try_heap(const char *name)
{
    struct loam_shared *heap;
    bool is_name = *name && strlen(name) < 256 && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
    int error = is_name ? -ENOENT : -EINVAL;

    wanted.name = name;
    wanted.calls = 0;
    EXPECT(loam_shared_open(name, &heap) == error && loam_shared_watch(name, &heap) == error);
    EXPECT(loam_shared_unlink(name) == error);
    EXPECT(wanted.calls == (is_name ? 3 : 0));
}

static int visit(void *context, const char *name, const void *block)
{
    EXPECT(!block && strcmp(name, context) == 0);
    return 1;
}

static void try_root(char *name)
{
    static struct loam_shared *heap;
    size_t length = strlen(name);
    bool is_name = length > 0 && length < ROOT_NAME;

    if (!heap)
        EXPECT(loam_shared_anonymous(SLICE, &heap) == 0);
    EXPECT(!loam_shared_root(heap, name) == !is_name);
    EXPECT(loam_shared_roots(heap, visit, name) == is_name);
    EXPECT(loam_shared_remove_root(heap, name) == (is_name ? 0 : -ENOENT));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *name = malloc(size + 1);

    memcpy(name, data, size);
    name[size] = '\0';
    try_heap(name);
    try_root(name);
    free(name);
    return 0;
}
