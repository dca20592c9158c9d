/*
 * intercept.c - see intercept.h.
 *
 * The groups of functions (intercept_group.h) are joined here, for the name of each that a file calls is looked up in
 * one table.
 */
#include "sample/intercept.h"

#include "sample/intercept_group.h"

#include <dlfcn.h>

enum { PATCHES_MAX = 96 };

static struct patch patches[PATCHES_MAX];
static size_t count;

static void add(const struct intercept_group *group)
{
    assert(count + group->count <= PATCHES_MAX);
    for (size_t i = 0; i < group->count; i++) {
        struct patch patch = group->patches[i];
        *patch.real = dlsym(RTLD_NEXT, patch.name_of_real);
        patches[count++] = patch;
    }
}

void intercept_start(void)
{
    add(&intercept_memory);
    add(&intercept_strings);
    add(&intercept_format);
    add(&intercept_io);
    patch_sort(patches, count);
    patch_all(patches, count, true);
}

void intercept_refresh(void)
{
    patch_all(patches, count, false);
}
