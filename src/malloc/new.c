/*
 * new.c - operator new and delete of C++, in the forms that others are made of.
 *
 * The names are those of the Itanium C++ ABI. What only the C++ run-time library can do, it is asked to
 * do by weak references: a C program has none, and never comes here. Compiled with -fexceptions, since
 * bad_alloc passes through. The nothrow forms are left to that library: it calls these and catches what
 * they throw, which C cannot.
 * Source: C++17, [new.delete].
 */
#include "malloc/front.h"

#include <stdlib.h>

typedef void new_handler(void);

extern new_handler *get_new_handler(void) __asm__("_ZSt15get_new_handlerv") __attribute__((weak));
extern void throw_bad_alloc(void) __asm__("_ZSt17__throw_bad_allocv") __attribute__((weak, noreturn));

/* An attempt that failed: let the program's handler find memory. False: there is none to ask. */
static bool handled(void)
{
    new_handler *handler = get_new_handler ? get_new_handler() : NULL;

    if (handler)
        handler();
    return handler != NULL;
}

static void *allocate(size_t size, size_t align, enum routine routine)
{
    return align ? front_aligned(align, size, routine) : front_malloc_as(size, routine);
}

static NOINLINE void *retry(size_t size, size_t align, enum routine routine)
{
    while (handled()) {
        void *object = allocate(size, align, routine);
        if (object)
            return object;
    }
    if (throw_bad_alloc)
        throw_bad_alloc();
    abort();
}

INLINE void *new_object(size_t size, enum routine routine)
{
    void *object = front_malloc_as(size, routine);
    return LIKELY(object != NULL) ? object : retry(size, 0, routine);
}

INLINE void *new_aligned(size_t size, size_t align, enum routine routine)
{
    void *object = front_aligned(align, size, routine);
    return LIKELY(object != NULL) ? object : retry(size, align, routine);
}

/* Declared with the name that the linker sees, since C has no other way to say it. */
PUBLIC void *operator_new(size_t size) __asm__("_Znwm");
PUBLIC void *operator_new_array(size_t size) __asm__("_Znam");
PUBLIC void *operator_new_aligned(size_t size, size_t align) __asm__("_ZnwmSt11align_val_t");
PUBLIC void *operator_new_array_aligned(size_t size, size_t align) __asm__("_ZnamSt11align_val_t");

PUBLIC void operator_delete(void *ptr) __asm__("_ZdlPv");
PUBLIC void operator_delete_array(void *ptr) __asm__("_ZdaPv");
PUBLIC void operator_delete_sized(void *ptr, size_t size) __asm__("_ZdlPvm");
PUBLIC void operator_delete_array_sized(void *ptr, size_t size) __asm__("_ZdaPvm");
PUBLIC void operator_delete_aligned(void *ptr, size_t align) __asm__("_ZdlPvSt11align_val_t");
PUBLIC void operator_delete_array_aligned(void *ptr, size_t align) __asm__("_ZdaPvSt11align_val_t");
PUBLIC void operator_delete_aligned_sized(void *ptr, size_t size, size_t align) __asm__("_ZdlPvmSt11align_val_t");
PUBLIC void operator_delete_array_aligned_sized(void *ptr, size_t size, size_t align) __asm__("_ZdaPvmSt11align_val_t");

void *operator_new(size_t size)
{
    return new_object(size, ROUTINE_NEW);
}

void *operator_new_array(size_t size)
{
    return new_object(size, ROUTINE_NEW_ARRAY);
}

void *operator_new_aligned(size_t size, size_t align)
{
    return new_aligned(size, align, ROUTINE_NEW);
}

void *operator_new_array_aligned(size_t size, size_t align)
{
    return new_aligned(size, align, ROUTINE_NEW_ARRAY);
}

void operator_delete(void *ptr)
{
    front_free_as(ptr, ROUTINE_NEW);
}

void operator_delete_array(void *ptr)
{
    front_free_as(ptr, ROUTINE_NEW_ARRAY);
}

void operator_delete_sized(void *ptr, size_t size)
{
    front_free_sized(ptr, 0, size, ROUTINE_NEW);
}

void operator_delete_array_sized(void *ptr, size_t size)
{
    front_free_sized(ptr, 0, size, ROUTINE_NEW_ARRAY);
}

void operator_delete_aligned(void *ptr, size_t align)
{
    (void)align;
    front_free_as(ptr, ROUTINE_NEW);
}

void operator_delete_array_aligned(void *ptr, size_t align)
{
    (void)align;
    front_free_as(ptr, ROUTINE_NEW_ARRAY);
}

void operator_delete_aligned_sized(void *ptr, size_t size, size_t align)
{
    front_free_sized(ptr, align, size, ROUTINE_NEW);
}

void operator_delete_array_aligned_sized(void *ptr, size_t size, size_t align)
{
    front_free_sized(ptr, align, size, ROUTINE_NEW_ARRAY);
}
