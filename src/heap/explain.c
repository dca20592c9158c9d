/* explain.c - see explain.h. */
#include "heap/explain.h"

#include "heap/heap.h"
#include "heap/object.h"
#include "sys/sys.h"

static const char *const headlines[] = {
    [FAULT_INVALID_FREE] = "invalid free of",
    [FAULT_DOUBLE_FREE] = "double free of",
    [FAULT_INVALID_POINTER] = "no live object at",
    [FAULT_WRONG_SIZE] = "free with the wrong size of",
};

static const char *const advice[] = {
    [FAULT_INVALID_FREE] = "Only a pointer that malloc or a relative returned can be freed, once.",
    [FAULT_DOUBLE_FREE] = "The object had been freed before; another part of the program may be using it by now.",
    [FAULT_INVALID_POINTER] =
        "Only a pointer that malloc or a relative returned, and that is not freed, can be given here.",
    [FAULT_WRONG_SIZE] = "The size and alignment must be those that the object was allocated with.",
};

static void describe_owner(struct text *text, const struct object *o)
{
    if (o->class == CLASS_LARGE || slab_owner(o->slab) >= __atomic_load_n(&heaps.count, __ATOMIC_ACQUIRE))
        return;
    text_format(text, ", of the heap of thread %d", heaps.list[slab_owner(o->slab)]->thread);
}

static void describe_object(struct text *text, const struct object *o, const void *p)
{
    uint64_t offset = (uint64_t)((const unsigned char *)p - o->start);

    if (offset)
        text_format(text, "It points %u bytes into an object of %u bytes at %x", offset, (uint64_t)o->size,
                    (uint64_t)(uintptr_t)o->start);
    else
        text_format(text, "It is an object of %u bytes", (uint64_t)o->size);
    if (o->class == CLASS_LARGE)
        text_format(text, ", a large one of %u slices", (uint64_t)o->slab->slices);
    else
        text_format(text, ", number %u of %u in the slab at %x", (uint64_t)o->index,
                    (uint64_t)classes.list[o->class].objects, (uint64_t)(uintptr_t)range_address(o->range, o->slice));
    describe_owner(text, o);
    text_string(text, ". ");
}

void explain_address(struct text *text, const void *p)
{
    struct object object;

    switch (object_find(p, &object)) {
    case OBJECT_START:
    case OBJECT_INSIDE:
        describe_object(text, &object, p);
        break;
    case OBJECT_TAIL:
        text_string(text, "It points past the last object of a slab. ");
        break;
    case OBJECT_IDLE:
        text_string(text, "It lies in the heap, where nothing is allocated now. ");
        break;
    case OBJECT_ELSEWHERE:
        explain_elsewhere(text, p);
        break;
    }
}

void explain_stop(enum fault fault, const void *p)
{
    char buffer[1024];
    struct text text;

    text_init(&text, buffer, sizeof(buffer));
    text_format(&text, "loam: %s %x in thread %d of process %d. ", headlines[fault], (uint64_t)(uintptr_t)p,
                sys_thread(), sys_pid());
    explain_address(&text, p);
    text_format(&text, "%s\n", advice[fault]);
    /* The heap may be locked, and half-way through a flush: a handler of SIGABRT is to allocate from another. */
    heap_end_thread();
    report_stop(&text);
}
