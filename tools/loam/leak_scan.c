/*
 * leak_scan.c - see leak_scan.h.
 *
 * A core file holds still by itself; of a process, all that may hold a pointer is copied while it is stopped.
 *
 * A thread may be stopped between two instructions of malloc, when an object is neither in its magazine any more nor in
 * a register. So where a process seems to have lost something it is looked at once more: what is lost is so both times.
 */
#include "leak_scan.h"

#include "copy.h"
#include "list.h"
#include "process.h"
#include "reach.h"
#include "stop.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>

enum {
    RED_ZONE = 128, /* bytes below the stack pointer that a function may use: System V ABI of x86-64, 3.2.2 */
    COPY_SLACK = 1 << 20,
};

/* What a scan needs: the same of a process and of a core file. */
struct scan {
    struct target *target;
    struct segment *segments;
    size_t segment_count;
    const uintptr_t *registers;
    size_t register_count;
    struct objects objects;
    struct image_source memory;
    struct copy copy; /* of a process */
    struct stop stop; /* the same */
    uint64_t stopped_ns;
    const struct objects *before; /* of the scan before this one; NULL in the first */
};

/* --- roots --- */

/* Where a pointer that the program uses may lie, outside the heap. */
static bool is_root(const struct segment *segment)
{
    switch (segment->kind) {
    case LOAM_SEGMENT_DATA:
        return segment->mapping.readable;
    case LOAM_SEGMENT_BSS:
    case LOAM_SEGMENT_BREAK:
    case LOAM_SEGMENT_ANONYMOUS:
    case LOAM_SEGMENT_FILE:
    case LOAM_SEGMENT_SHARED:
    case LOAM_SEGMENT_STACK:
        return segment->mapping.readable && segment->mapping.writable;
    default:
        return false;
    }
}

/* What is below a stack's pointer is no more in use. */
static uintptr_t root_start(const struct target *target, const struct segment *segment)
{
    uintptr_t start = segment->mapping.start;

    for (size_t i = 0; segment->kind == LOAM_SEGMENT_STACK && i < target->thread_count; i++) {
        uintptr_t pointer = target->threads[i].stack_pointer;
        if (target->threads[i].id == segment->thread && pointer >= start && pointer < segment->mapping.end)
            return pointer - start > RED_ZONE ? (pointer - RED_ZONE) & ~(uintptr_t)7 : start;
    }
    return start;
}

/* All but the words in which the heap keeps where it lies: its base is no pointer to an object. */
static int reach_from_segment(struct scan *scan, struct reach *reach, uintptr_t start, uintptr_t end)
{
    int error = 0;

    while (!error && start < end) {
        struct image_span skipped = {.start = end};
        for (size_t i = 0; i < IMAGE_OWN; i++) {
            struct image_span own = scan->target->heap.own[i];
            if (own.start >= start && own.start < skipped.start)
                skipped = own;
        }
        error = reach_from_memory(reach, start, skipped.start - start);
        start = skipped.start + skipped.size;
    }
    return error;
}

static int reach_roots(struct scan *scan, struct reach *reach)
{
    int error = 0;

    for (size_t i = 0; !error && i < scan->register_count; i++)
        error = reach_from_word(reach, scan->registers[i]);
    for (size_t i = 0; !error && i < scan->segment_count; i++) {
        const struct segment *segment = &scan->segments[i];
        uintptr_t start = root_start(scan->target, segment);
        uintptr_t end = target_readable_end(scan->target, &segment->mapping);
        if (!is_root(segment) || start >= end)
            continue;
        error = reach_from_segment(scan, reach, start, end);
    }
    return error;
}

/* --- a process --- */

static int copy_roots(struct scan *scan)
{
    int error = 0;

    for (size_t i = 0; !error && i < scan->segment_count; i++)
        if (is_root(&scan->segments[i]))
            error =
                copy_range(&scan->copy, root_start(scan->target, &scan->segments[i]), scan->segments[i].mapping.end);
    return error;
}

static bool any_live(const struct object_slab *slab)
{
    for (size_t i = 0; i < (slab->objects + 63) / 64; i++)
        if (slab->sets[OBJECT_LIVE][i])
            return true;
    return false;
}

static int copy_objects(struct scan *scan)
{
    int error = 0;

    for (size_t i = 0; !error && i < scan->objects.slab_count; i++) {
        const struct object_slab *slab = &scan->objects.slabs[i];
        if (any_live(slab))
            error = copy_range(&scan->copy, slab->start, slab->start + slab->span);
    }
    return error;
}

/* While the process stands still. */
static int copy_all(struct scan *scan)
{
    struct target *target = scan->target;
    int error = target_refresh(target);

    if (!error)
        error = target_segments(target, false, &scan->segments, &scan->segment_count);
    if (!error)
        error = objects_read(&target->heap, &scan->objects);
    if (!error)
        error = copy_roots(scan);
    if (!error)
        error = copy_objects(scan);
    return error;
}

static int take_process(struct scan *scan, pid_t traced)
{
    struct target *target = scan->target;
    struct stop *stop = &scan->stop;
    int error = copy_prepare(&scan->copy, target->pid, process_resident(target->pid) + COPY_SLACK);

    if (!error)
        error = stop_process(target->pid, traced, stop);
    if (error)
        return error;
    free(target->threads);
    target->threads = stop->threads;
    target->thread_count = stop->thread_count;
    error = copy_all(scan);
    scan->stopped_ns = stop_release(stop);
    stop->threads = NULL; /* the target's from here on */
    stop->thread_count = 0;
    scan->registers = stop->registers;
    scan->register_count = stop->register_count;
    scan->memory = (struct image_source){.read = copy_read, .context = &scan->copy};
    return error;
}

static int take_core(struct scan *scan)
{
    struct target *target = scan->target;
    int error = target_segments(target, false, &scan->segments, &scan->segment_count);

    scan->registers = target->core.registers;
    scan->register_count = target->core.register_count;
    scan->memory = target->source;
    return error ? error : objects_read(&target->heap, &scan->objects);
}

/* --- what is lost --- */

static struct leak_group *find_group(struct leaks *leaks, size_t size, uint32_t stack, bool indirect)
{
    for (size_t i = 0; i < leaks->group_count; i++) {
        struct leak_group *group = &leaks->groups[i];
        if (group->size == size && group->stack_number == stack && group->indirect == indirect)
            return group;
    }
    struct leak_group *larger = list_grow(leaks->groups, leaks->group_count, sizeof(*larger));
    if (!larger)
        return NULL;
    leaks->groups = larger;
    struct leak_group *group = &larger[leaks->group_count++];
    *group = (struct leak_group){.size = size, .stack_number = stack, .indirect = indirect};
    return group;
}

/* Of an object that is watched more is known: its exact bounds, and the call that allocated it. */
static struct image_watched look_up(const struct scan *scan, struct object_place place)
{
    const struct image *heap = &scan->target->heap;
    struct image_watched known;

    if (image_watched_find(heap, object_address(place), &known) == 0 && known.live)
        return known;
    return (struct image_watched){.start = object_address(place), .size = place.slab->object_size};
}

/* Without its stack a group is still worth telling. */
static void read_stack(const struct scan *scan, struct leak_group *group)
{
    group->stack = group->stack_number ? malloc(sizeof(*group->stack)) : NULL;
    if (!group->stack || image_stack_read(&scan->target->heap, group->stack_number, group->stack) == 0)
        return;
    free(group->stack);
    group->stack = NULL;
}

static int add_leak(struct leaks *leaks, const struct scan *scan, struct object_place place)
{
    struct image_watched object = look_up(scan, place);
    size_t size = object.size;
    bool indirect = object_is(place, OBJECT_INDIRECT);
    struct leak_group *group = find_group(leaks, size, object.taken, indirect);

    if (!group)
        return -ENOMEM;
    if (group->objects == 0) {
        read_stack(scan, group);
        group->sample = object.start;
        scan->memory.read(scan->memory.context, group->sample, group->preview,
                          size < LEAK_PREVIEW ? size : LEAK_PREVIEW);
    }
    group->objects++;
    group->bytes += size;
    *(indirect ? &leaks->indirect_objects : &leaks->lost_objects) += 1;
    *(indirect ? &leaks->indirect_bytes : &leaks->lost_bytes) += size;
    return 0;
}

static int by_kind_and_bytes(const void *a, const void *b)
{
    const struct leak_group *x = a, *y = b;

    if (x->indirect != y->indirect)
        return x->indirect - y->indirect;
    return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : (x->size > y->size) - (x->size < y->size);
}

/* Whether the object was not reached in the scan before, either. */
static bool was_lost(const struct scan *scan, struct object_place place)
{
    struct object_place before;

    if (!scan->before)
        return true;
    return objects_find(scan->before, object_address(place), &before) &&
           before.slab->object_size == place.slab->object_size && !object_is(before, OBJECT_REACHED);
}

static int collect(struct leaks *leaks, const struct scan *scan)
{
    int error = 0;

    leaks->stopped_ns = scan->stopped_ns;
    for (size_t i = 0; i < scan->objects.slab_count; i++) {
        struct object_place place = {.slab = &scan->objects.slabs[i]};
        for (; !error && place.index < place.slab->objects; place.index++) {
            if (!object_is(place, OBJECT_LIVE))
                continue;
            leaks->live_objects++;
            if (!object_is(place, OBJECT_REACHED) && was_lost(scan, place))
                error = add_leak(leaks, scan, place);
        }
    }
    if (leaks->group_count)
        qsort(leaks->groups, leaks->group_count, sizeof(leaks->groups[0]), by_kind_and_bytes);
    return error;
}

static int find_leaks(struct scan *scan, struct leaks *leaks)
{
    struct reach reach = {.objects = &scan->objects, .memory = &scan->memory};
    int error = reach_roots(scan, &reach);

    if (!error)
        error = reach_indirect(&reach);
    if (!error)
        error = collect(leaks, scan);
    reach_free(&reach);
    return error;
}

static void free_scan(struct scan *scan)
{
    stop_free(&scan->stop);
    free(scan->segments);
    objects_free(&scan->objects);
    copy_free(&scan->copy);
}

/* Returns 0 or -errno; free_scan() either way. */
static int scan_once(struct scan *scan, pid_t traced, struct leaks *out)
{
    int error = scan->target->is_core ? take_core(scan) : take_process(scan, traced);
    return error ? error : find_leaks(scan, out);
}

static void warn_not_found(const struct target *target, int error)
{
    if (error == -EPERM && !target->is_core)
        warnx("%s cannot be stopped: another process traces it, or may alone", target->name);
    else if (error == -ETIMEDOUT)
        warnx("%s cannot be stopped: one of its threads waits for a device", target->name);
    else
        target_warn(target, error);
}

int leaks_find(struct target *target, pid_t traced, struct leaks *out)
{
    struct scan first = {.target = target}, second = {.target = target, .before = &first.objects};

    *out = (struct leaks){.groups = NULL};
    int error = scan_once(&first, traced, out);
    if (!error && out->lost_objects && !target->is_core && !traced) {
        copy_free(&first.copy);
        leaks_free(out);
        error = scan_once(&second, traced, out);
        out->stopped_ns += first.stopped_ns;
    }
    if (error)
        warn_not_found(target, error);
    free_scan(&second);
    free_scan(&first);
    return error;
}

void leaks_free(struct leaks *leaks)
{
    for (size_t i = 0; i < leaks->group_count; i++)
        free(leaks->groups[i].stack);
    free(leaks->groups);
    *leaks = (struct leaks){.groups = NULL};
}
