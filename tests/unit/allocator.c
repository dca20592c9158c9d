/* allocator.c - see allocator.h. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

#include "allocator.h"

#ifdef LOAM_TEST_OWN_NAMES
#include <loam/brk.h>

const bool resident_is_the_heaps = false;

struct optional_functions optional = {
    .heap_validate = loam_heap_validate,
    .free_sized = loam_free_sized,
    .free_aligned_sized = loam_free_aligned_sized,
    .brk = loam_brk,
    .sbrk = loam_sbrk,
};
#else
const bool resident_is_the_heaps = true;

struct optional_functions optional;

/* By dlsym and not as weak symbols: those a linker may settle to NULL in a program that is not position-independent. */
__attribute__((constructor)) static void find_optional_functions(void)
{
    optional.heap_validate = (int (*)(void))dlsym(RTLD_DEFAULT, "loam_heap_validate");
    optional.free_sized = (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");
    optional.free_aligned_sized = (void (*)(void *, size_t, size_t))dlsym(RTLD_DEFAULT, "free_aligned_sized");
    optional.brk = (int (*)(void *))dlsym(RTLD_DEFAULT, "loam_brk");
    optional.sbrk = (void *(*)(intptr_t))dlsym(RTLD_DEFAULT, "loam_sbrk");
}
#endif

bool on_loam(void)
{
    return optional.heap_validate != NULL;
}

bool loam_has_option(const char *option)
{
    const char *options = getenv("LOAM_OPTIONS");

    return on_loam() && options && strstr(options, option);
}

int heap_validate(void)
{
    return optional.heap_validate ? optional.heap_validate() : 0;
}
