/*
 * protect.c - see loam/protect.h.
 *
 *     | guard | data ...              |     | guard |              ... data | guard |
 *      mapping                               with LOAM_PAGES_AT_END
 *
 * Invariant: the pages of an object are those that data .. data + size touches; all of the mapping outside them are
 * guards. So its protection needs no more than its bounds.
 * Locking: none; the kernel's own.
 */
#include <loam/protect.h>

#include "sys/memory.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

enum { ALIGNMENT = 16, CREATE_FLAGS = LOAM_PAGES_GUARDED | LOAM_PAGES_AT_END };

#ifndef PR_SET_MDWE
#define PR_SET_MDWE              65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

static const int protections[] = {
    [LOAM_ACCESS_NONE] = PROT_NONE,
    [LOAM_ACCESS_READ] = PROT_READ,
    [LOAM_ACCESS_READ_WRITE] = PROT_READ | PROT_WRITE,
    [LOAM_ACCESS_READ_EXECUTE] = PROT_READ | PROT_EXEC,
};

/* --- ranges of pages --- */

static bool are_pages(const void *start, size_t size)
{
    size_t rest = sys_page_size() - 1;

    return size && !((uintptr_t)start & rest) && !(size & rest) && size <= UINTPTR_MAX - (uintptr_t)start;
}

PUBLIC int loam_protect(void *start, size_t size, enum loam_access access)
{
    if (!are_pages(start, size) || (size_t)access >= LENGTH(protections))
        return -EINVAL;
    return sys_protect(start, size, protections[access]);
}

PUBLIC int loam_protect_within(void *object, size_t size, enum loam_access access, struct loam_protect_span *out)
{
    size_t page = sys_page_size();
    uintptr_t begin = (uintptr_t)object, end;

    if (__builtin_add_overflow(begin, size, &end))
        return -EINVAL;
    end = align_down(end, page);
    if (end < page || begin > end - page)
        return -ERANGE;
    struct loam_protect_span span = {.start = (void *)align_up(begin, page), .size = end - align_up(begin, page)};
    int error = loam_protect(span.start, span.size, access);
    if (!error)
        *out = span;
    return error;
}

/* Where guards are no mappings: inaccessible, then dropped, so that no other thread writes in between. */
static int guard_by_protection(void *start, size_t size)
{
    int error = sys_protect_none(start, size);

    return error ? error : sys_purge(start, size);
}

/* The kernel's guards go over sealed pages, and around holes: a protection that changes nothing finds both before. */
PUBLIC int loam_guard(void *start, size_t size)
{
    if (!are_pages(start, size))
        return -EINVAL;
    int error = sys_protect_rw(start, size);
    if (!error)
        error = sys_guard(start, size);
    if (error != -EINVAL)
        return error;
    error = guard_by_protection(start, size);
    if (error)
        loam_unguard(start, size);
    return error;
}

/* Which kind of guards there are is not known; to remove one where there is none changes nothing. */
PUBLIC int loam_unguard(void *start, size_t size)
{
    if (!are_pages(start, size))
        return -EINVAL;
    int error = sys_unguard(start, size);
    return error && error != -EINVAL ? error : sys_protect_rw(start, size);
}

PUBLIC int loam_seal(void *start, size_t size)
{
    return are_pages(start, size) ? sys_seal(start, size) : -EINVAL;
}

PUBLIC int loam_never_execute(void)
{
    return sys_prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN);
}

/* --- objects on pages of their own --- */

PUBLIC int loam_pages_create(size_t size, unsigned flags, struct loam_pages *out)
{
    size_t page = sys_page_size(), guard = flags & LOAM_PAGES_GUARDED ? page : 0;

    if (!size || flags & ~(unsigned)CREATE_FLAGS)
        return -EINVAL;
    if (size > PTRDIFF_MAX - 3 * page)
        return -ENOMEM;
    size_t inside = align_up(size, page), mapped = inside + 2 * guard;
    intptr_t mapping = sys_reserve(mapped);
    if (mapping < 0)
        return (int)mapping;
    intptr_t start = mapping + (intptr_t)guard;
    int error = sys_protect_rw((void *)start, inside);
    if (error) {
        sys_unmap((void *)mapping, mapped);
        return error;
    }
    size_t before = flags & LOAM_PAGES_AT_END ? inside - align_up(size, ALIGNMENT) : 0;
    *out = (struct loam_pages){
        .data = (void *)(start + (intptr_t)before), .size = size, .mapping = (void *)mapping, .mapped = mapped};
    return 0;
}

PUBLIC int loam_pages_freeze(const void *object, size_t size, unsigned flags, struct loam_pages *out)
{
    struct loam_pages pages;
    int error = loam_pages_create(size, flags & ~(unsigned)LOAM_PAGES_SEALED, &pages);

    if (error)
        return error;
    memcpy(pages.data, object, size);
    error = loam_pages_protect(&pages, LOAM_ACCESS_READ);
    if (!error && flags & LOAM_PAGES_SEALED)
        error = loam_pages_seal(&pages);
    if (error)
        loam_pages_destroy(&pages);
    else
        *out = pages;
    return error;
}

PUBLIC int loam_pages_protect(const struct loam_pages *pages, enum loam_access access)
{
    size_t page = sys_page_size();
    uintptr_t start = align_down((uintptr_t)pages->data, page);

    return loam_protect((void *)start, align_up((uintptr_t)pages->data + pages->size, page) - start, access);
}

PUBLIC int loam_pages_seal(const struct loam_pages *pages)
{
    return loam_seal(pages->mapping, pages->mapped);
}

PUBLIC int loam_pages_destroy(const struct loam_pages *pages)
{
    return sys_unmap(pages->mapping, pages->mapped);
}
