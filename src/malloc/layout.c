/*
 * layout.c - see loam/layout.h.
 *
 * What the reader of segments needs is too large for a small stack: there is one, in memory of its own, and who uses it
 * holds the lock. The reporter, which may have come from anywhere, only tries to take it.
 */
#include "malloc/layout.h"

#include "heap/explain.h"
#include "image/find.h"
#include "image/layout.h"
#include "malloc/start.h"
#include "sample/guarded.h"
#include "sample/root.h"
#include "sys/sys.h"

#include <dirent.h>
#include <errno.h>
#include <loam/layout.h>
#include <string.h>
#include <sys/mman.h>

enum { THREADS_MAX = 512 /* whose stacks are told from other memory */ };

static struct {
    struct lock lock;
    struct image heap;
    struct layout_thread threads[THREADS_MAX];
    size_t thread_count;
    struct maps maps;
    struct layout layout;
    struct segment segment;
} reader;

static int copy(void *context, uintptr_t address, void *to, size_t size)
{
    (void)context;
    return sys_copy(to, (const void *)address, size);
}

static const struct image_source own_memory = {.read = copy};

void layout_after_fork(void)
{
    lock_init(&reader.lock);
}

/* --- threads --- */

static int parse_id(const char *text)
{
    int id = 0;

    for (; *text >= '0' && *text <= '9' && id < INT32_MAX / 10; text++)
        id = id * 10 + (*text - '0');
    return id;
}

/* Where a thread's stack is in use is not asked for: the others run meanwhile. Control blocks tell them. */
static void add_threads(const char *entries, size_t size)
{
    struct dirent64 entry; /* the kernel's own has the same fields up to its name */

    for (size_t at = 0; at + offsetof(struct dirent64, d_name) < size; at += entry.d_reclen) {
        memcpy(&entry, entries + at, offsetof(struct dirent64, d_name));
        int id = parse_id(entries + at + offsetof(struct dirent64, d_name));
        if (id && id != sys_pid() && reader.thread_count < THREADS_MAX)
            reader.threads[reader.thread_count++] = (struct layout_thread){.id = id};
        if (entry.d_reclen == 0)
            return;
    }
}

static void find_threads(void)
{
    char entries[2048];
    int fd = sys_open_read("/proc/self/task");
    ssize_t n;

    reader.threads[0] = (struct layout_thread){.id = sys_pid()};
    reader.thread_count = 1;
    while (fd >= 0 && (n = sys_list(fd, entries, sizeof(entries))) > 0)
        add_threads(entries, (size_t)n);
    if (fd >= 0)
        sys_close(fd);
    for (size_t i = 0; i < reader.thread_count; i++)
        if (reader.threads[i].id == sys_thread())
            reader.threads[i].stack_pointer = (uintptr_t)__builtin_frame_address(0);
}

/* --- segments --- */

static bool next_mapping(void *context, struct mapping *out)
{
    (void)context;
    return maps_next(&reader.maps, out);
}

/* Begin to read, of "maps" or "smaps" in /proc/self. Returns 0 or -errno. The lock is held. */
static int begin(const char *path)
{
    bool has_heap = image_open(&own_memory, (uintptr_t)&loam_image, &reader.heap) == 0;

    find_threads();
    int error = maps_open(&reader.maps, path);
    if (error)
        return error;
    layout_begin(&reader.layout, &(struct layout_input){
                                     .next = next_mapping,
                                     .source = &own_memory,
                                     .heap = has_heap ? &reader.heap : NULL,
                                     .threads = reader.threads,
                                     .thread_count = reader.thread_count,
                                 });
    return 0;
}

static struct loam_segment outside(const struct segment *segment)
{
    const struct mapping *m = &segment->mapping;

    return (struct loam_segment){
        .start = m->start,
        .end = m->end,
        .kind = segment->kind,
        .protection = (m->readable ? PROT_READ : 0) | (m->writable ? PROT_WRITE : 0) | (m->executable ? PROT_EXEC : 0),
        .shared = m->shared,
        .thread = segment->thread,
        .offset = m->offset,
        .path = m->path,
        .resident = m->memory.resident,
        .proportional = m->memory.proportional,
        .private_dirty = m->memory.private_dirty,
        .swapped = m->memory.swapped,
        .locked = m->memory.locked,
        .huge = m->memory.huge,
    };
}

static int visit_all(int (*visit)(void *context, const struct loam_segment *segment), void *context)
{
    int result = begin("/proc/self/smaps");

    if (result)
        return result;
    while (!result && layout_next(&reader.layout, &reader.segment)) {
        struct loam_segment segment = outside(&reader.segment);
        result = visit(context, &segment);
    }
    if (!result)
        result = reader.maps.error;
    maps_close(&reader.maps);
    return result;
}

PUBLIC int loam_layout_walk(int (*visit)(void *context, const struct loam_segment *segment), void *context)
{
    heap_leave(heap_enter()); /* there must be a heap to be told of */
    lock_take(&reader.lock);
    int result = visit_all(visit, context);
    lock_give(&reader.lock);
    return result;
}

PUBLIC const char *loam_segment_name(enum loam_segment_kind kind)
{
    return (unsigned)kind < SEGMENT_KINDS ? segment_names[kind] : "";
}

/* --- in words --- */

static void describe(struct text *text, const struct segment *segment)
{
    const struct mapping *m = &segment->mapping;

    text_format(text, ", but in %s", segment_names[segment->kind]);
    if (segment->thread)
        text_format(text, " of thread %d", segment->thread);
    if (m->path[0] && segment->kind != LOAM_SEGMENT_STACK && segment->kind != LOAM_SEGMENT_BREAK)
        text_format(text, segment->kind <= LOAM_SEGMENT_BSS ? " of %s" : " %s", m->path);
    text_format(text, ", from %x to %x", (uint64_t)m->start, (uint64_t)m->end);
}

static void describe_elsewhere(struct text *text, uintptr_t address)
{
    bool found = false;

    if (begin("/proc/self/maps") < 0)
        return;
    while (!found && layout_next(&reader.layout, &reader.segment))
        found = address >= reader.segment.mapping.start && address < reader.segment.mapping.end;
    maps_close(&reader.maps);
    if (found)
        describe(text, &reader.segment);
    else
        text_string(text, ", nor in any mapping of the process");
}

/* An object between guard pages. */
static bool describe_watched(struct text *text, const void *p)
{
    struct checked object;

    if (!guarded_near(p, &object) || (uintptr_t)p - object.start >= max_size(object.size, 1))
        return false;
    text_format(text, "It points %u bytes into an object of %u bytes at %x, between guard pages. ",
                (uint64_t)p - object.start, (uint64_t)object.size, (uint64_t)object.start);
    return true;
}

void explain_elsewhere(struct text *text, const void *p)
{
    if (describe_watched(text, p))
        return;
    text_string(text, "It is not in the heap");
    if (lock_try(&reader.lock)) {
        describe_elsewhere(text, (uintptr_t)p);
        lock_give(&reader.lock);
    }
    text_string(text, ". ");
}

static void describe_state(struct text *text, uintptr_t address)
{
    struct image_object object;

    lock_take(&reader.lock);
    if (image_open(&own_memory, (uintptr_t)&loam_image, &reader.heap) == 0 &&
        image_find(&reader.heap, address, &object) == 0 && object.state >= IMAGE_IN_USE)
        text_format(text, "The object is %s. ", image_state_names[object.state]);
    lock_give(&reader.lock);
}

PUBLIC size_t loam_explain(const void *pointer, char *buffer, size_t size)
{
    struct text text;

    if (size == 0)
        return 0;
    heap_leave(heap_enter());
    text_init(&text, buffer, size);
    explain_address(&text, pointer);
    describe_state(&text, (uintptr_t)pointer);
    if (text.length && buffer[text.length - 1] == ' ')
        buffer[--text.length] = '\0';
    return text.length;
}
