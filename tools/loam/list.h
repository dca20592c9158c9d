/*
 * list.h - arrays that grow by one.
 */
#ifndef LOAM_TOOLS_LIST_H
#define LOAM_TOOLS_LIST_H

#include <stdlib.h>

/*
 * Room for one more element of `size` bytes in an array of `count`, which only this function has made larger: it
 * doubles at each power of two. Returns the array, which may have moved; or NULL with ENOMEM, and it is as it was.
 */
static inline void *list_grow(void *list, size_t count, size_t size)
{
    if (count & (count - 1))
        return list;
    return reallocarray(list, count ? 2 * count : 1, size);
}

#endif
