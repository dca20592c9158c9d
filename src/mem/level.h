/*
 * level.h - the routines of one level by their names in mem.h; included by the file of each instruction set but the
 * newest, after its routines and LEVEL, its name.
 */
#ifndef LOAM_MEM_LEVEL_H
#define LOAM_MEM_LEVEL_H

#define JOIN(name, level)     name##_##level
#define OF_LEVEL(name, level) JOIN(name, level)

void *OF_LEVEL(copy, LEVEL)(void *to, const void *from, size_t n)
{
    if (n >= VECTOR)
        return copy_long(to, from, n);
    copy_short(to, from, n);
    return to;
}

void *OF_LEVEL(set, LEVEL)(void *to, int byte, size_t n)
{
    if (n >= VECTOR)
        return set_long(to, (uint8_t)byte, n);
    set_short(to, (uint8_t)byte, n);
    return to;
}

int OF_LEVEL(compare, LEVEL)(const void *a, const void *b, size_t n)
{
    return n < VECTOR ? compare_short(a, b, n) : compare_long(a, b, n);
}

void *OF_LEVEL(find, LEVEL)(const void *in, int byte, size_t n)
{
    return find(in, byte, n);
}

void *OF_LEVEL(find_last, LEVEL)(const void *in, int byte, size_t n)
{
    return n - 1 < VECTOR ? find_last_short(in, (uint8_t)byte, n) : find_last_long(in, (uint8_t)byte, n);
}

void *OF_LEVEL(search, LEVEL)(const void *in, size_t n, const void *what, size_t m)
{
    return search(in, n, what, m);
}

#endif
