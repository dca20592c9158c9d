/*
 * debug.c - the debugging functions of the C library, answered by the image reader.
 *
 * What glibc calls the arena is, here, the slabs and the idle memory that the kernel has not got back;
 * what it calls mmapped are the large objects. "fast bins" are the magazines.
 * Source: mallinfo(3), mallopt(3), malloc_trim(3), malloc_stats(3), malloc_info(3).
 */
#include "base/report.h"
#include "image/figures.h"
#include "malloc/start.h"
#include "sample/root.h"

#include <errno.h>
#include <limits.h>
#include <loam/malloc.h>

/* Reading oneself cannot fail. */
static void read_self(struct figures *figures)
{
    heap_leave(heap_enter()); /* the class table must be there */
    figures_read(&image_self, (uintptr_t)&loam_image, figures);
}

static uint64_t slab_span(const struct figures *f)
{
    uint64_t span = 0;

    for (size_t i = 0; i < f->class_count; i++)
        span += f->classes[i].span;
    return span;
}

static uint64_t count_objects(const struct figures *f, size_t offset)
{
    uint64_t count = 0;

    for (size_t i = 0; i < f->class_count; i++)
        count += *(const uint64_t *)((const char *)&f->classes[i] + offset);
    return count;
}

PUBLIC struct mallinfo2 loam_mallinfo2(void)
{
    struct figures f;

    read_self(&f);
    uint64_t used = f.live_bytes - f.large.span;
    uint64_t arena = slab_span(&f) + f.guarded.span + f.dirty;
    return (struct mallinfo2){
        .arena = arena,
        .ordblks = count_objects(&f, offsetof(struct class_figures, free)),
        .smblks = count_objects(&f, offsetof(struct class_figures, cached)),
        .hblks = f.large.live,
        .hblkhd = f.large.span,
        .fsmblks = f.cached_bytes,
        .uordblks = used,
        .fordblks = arena - used,
        .keepcost = f.dirty,
    };
}

static int clamp(size_t value)
{
    return value > INT_MAX ? INT_MAX : (int)value;
}

PUBLIC struct mallinfo loam_mallinfo(void)
{
    struct mallinfo2 wide = loam_mallinfo2();

    return (struct mallinfo){
        .arena = clamp(wide.arena),
        .ordblks = clamp(wide.ordblks),
        .smblks = clamp(wide.smblks),
        .hblks = clamp(wide.hblks),
        .hblkhd = clamp(wide.hblkhd),
        .fsmblks = clamp(wide.fsmblks),
        .uordblks = clamp(wide.uordblks),
        .fordblks = clamp(wide.fordblks),
        .keepcost = clamp(wide.keepcost),
    };
}

/* M_PERTURB holds for the calling thread and for those that start later. */
PUBLIC int loam_mallopt(int parameter, int value)
{
    heap_leave(heap_enter()); /* start-up sets the defaults */
    switch (parameter) {
    case M_TRIM_THRESHOLD:
        ranges.trim_threshold = value < 0 ? SIZE_MAX : (size_t)value;
        return 1;
    case M_PERTURB:
        observers.perturb = (uint8_t)value;
        heap_set_face();
        return 1;
    default:
        return 0;
    }
}

PUBLIC int loam_malloc_trim(size_t pad)
{
    struct heap *heap = heap_enter();

    if (!heap)
        return 0;
    size_t purged = heap_trim(heap);
    heap_leave(heap);
    return range_trim(pad) + purged > 0;
}

static void print_class(struct text *text, const struct class_figures *c)
{
    text_format(text, "%u bytes: %u live, %u cached, %u free, in %u slabs\n", c->object_size, c->live, c->cached,
                c->free, c->slabs);
}

PUBLIC void loam_malloc_stats(void)
{
    struct figures f;
    char buffer[8192];
    struct text text;

    read_self(&f);
    text_init(&text, buffer, sizeof(buffer));
    text_format(&text, "loam: %u bytes in use in %u objects; %u cached, %u free in slabs\n", f.live_bytes,
                f.live_objects, f.cached_bytes, f.free_bytes);
    text_format(&text, "loam: %u bytes committed, %u idle and not given back, %u of records; %u heaps, %u in use\n",
                f.committed, f.dirty, f.metadata, f.heaps, f.heaps_in_use);
    for (size_t i = 0; i < f.class_count; i++)
        if (f.classes[i].slabs)
            print_class(&text, &f.classes[i]);
    if (f.large.live)
        text_format(&text, "large: %u live, %u bytes\n", f.large.live, f.large.span);
    if (f.guarded.live)
        text_format(&text, "between guard pages: %u live, %u bytes\n", f.guarded.live, f.guarded.span);
    report_write(&text);
}

static void write_class(FILE *stream, const struct class_figures *c)
{
    fprintf(stream, "    <class size=\"%lu\" slabs=\"%lu\" live=\"%lu\" cached=\"%lu\" free=\"%lu\" span=\"%lu\"/>\n",
            c->object_size, c->slabs, c->live, c->cached, c->free, c->span);
}

PUBLIC int loam_malloc_info(int options, FILE *stream)
{
    struct figures f;

    if (options != 0) {
        errno = EINVAL;
        return -1;
    }
    read_self(&f);
    fprintf(stream, "<malloc version=\"1\" allocator=\"loam\">\n  <classes>\n");
    for (size_t i = 0; i < f.class_count; i++)
        if (f.classes[i].slabs)
            write_class(stream, &f.classes[i]);
    fprintf(stream, "  </classes>\n  <large count=\"%lu\" size=\"%lu\"/>\n", f.large.live, f.large.span);
    fprintf(stream, "  <live count=\"%lu\" size=\"%lu\"/>\n", f.live_objects, f.live_bytes);
    fprintf(stream, "  <cached size=\"%lu\"/>\n  <free size=\"%lu\"/>\n", f.cached_bytes, f.free_bytes);
    fprintf(stream, "  <system committed=\"%lu\" idle=\"%lu\" metadata=\"%lu\"/>\n", f.committed, f.dirty, f.metadata);
    fprintf(stream, "  <heaps count=\"%lu\" used=\"%lu\"/>\n</malloc>\n", f.heaps, f.heaps_in_use);
    return 0;
}
