/*
 * summary.c - see summary.h; the record's format is image/summary.h.
 *
 * Written by our destructor, which runs after the program's own exit handlers, or by _exit. Nothing is
 * allocated. A record that cannot be written is left out: the process ends as it would.
 */
#include "malloc/summary.h"

#include "base/text.h"
#include "image/figures.h"
#include "image/summary.h"
#include "malloc/options.h"
#include "sample/root.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>

enum { NAMES_MAX = 1000 }; /* programs that one process executed */

static struct {
    uint64_t start_ns;
    int pid;
    int written; /* atomically, once */
} self;

void summary_start(void)
{
    if (!options.summary[0])
        return;
    self.start_ns = sys_now_ns();
    self.pid = sys_pid();
    self.written = 0;
}

/* Read a small file of /proc as a string. */
static bool read_file(const char *path, char *to, size_t size)
{
    int fd = sys_open_read(path);

    if (fd < 0)
        return false;
    ssize_t n = sys_read(fd, to, size - 1);
    sys_close(fd);
    to[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* The figure in KiB that follows `name` in /proc/self/status, in bytes. */
static uint64_t status_bytes(const char *status, const char *name)
{
    const char *at = strstr(status, name);
    uint64_t value = 0;

    if (!at)
        return 0;
    for (at += strlen(name); *at == ' ' || *at == '\t'; at++)
        ;
    for (; *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    return value * KIB;
}

static void fill_process(struct summary *s)
{
    char status[4096];

    s->pid = self.pid;
    s->parent_pid = sys_parent_pid();
    s->start_ns = self.start_ns;
    s->end_ns = sys_now_ns();
    sys_cpu_times(&s->user_ns, &s->system_ns, &s->faults_minor, &s->faults_major);
    if (read_file("/proc/self/status", status, sizeof(status))) {
        s->resident_peak = status_bytes(status, "VmHWM:");
        s->resident_exit = status_bytes(status, "VmRSS:");
    }
    if (read_file("/proc/self/comm", s->program, sizeof(s->program)))
        s->program[strcspn(s->program, "\n")] = '\0';
}

static void fill_class(struct summary *s, struct summary_class *to, const struct class_figures *from)
{
    to->object_size = (uint32_t)from->object_size;
    to->slabs = (uint32_t)from->slabs;
    to->allocations = from->allocations;
    to->requested_bytes = from->requested;
    to->live_objects = from->live;
    to->live_bytes = figures_live_bytes(from);
    to->cached_objects = from->cached;
    to->free_objects = from->free;
    to->span_bytes = from->span;
    s->allocations += from->allocations;
    s->requested_bytes += from->requested;
}

static uint64_t positive(int64_t value)
{
    return value > 0 ? (uint64_t)value : 0;
}

static void fill_heap(struct summary *s)
{
    struct figures f;

    if (heap_thread.heap)
        observe_settle(heap_thread.heap);
    if (figures_read(&image_self, (uintptr_t)&loam_image, &f) < 0)
        return;
    s->class_count = (uint32_t)f.class_count + 1;
    for (size_t i = 0; i < f.class_count; i++)
        fill_class(s, &s->classes[i], &f.classes[i]);
    f.large.live += f.guarded.live; /* a record has no place of its own for them */
    f.large.span += f.guarded.span;
    fill_class(s, &s->classes[f.class_count], &f.large);
    s->frees = f.frees;
    s->live_bytes_exit = f.live_bytes;
    s->live_objects_exit = f.live_objects;
    s->live_bytes_peak = max_size(positive(observers.peak_bytes), f.live_bytes);
    s->live_objects_at_peak = positive(observers.objects_at_peak);
    s->committed_bytes = f.committed;
    s->dirty_bytes = f.dirty;
    s->metadata_bytes = f.metadata;
    s->threads_peak = (uint32_t)f.heaps_peak;
}

/* A file DIR/PID.N that is not there yet. Returns its descriptor or -errno. */
static int create_record(char *path, size_t size)
{
    struct text text;
    int fd = -EEXIST;

    for (int n = 0; n < NAMES_MAX && fd == -EEXIST; n++) {
        text_init(&text, path, size);
        text_format(&text, "%s/%d.%d", options.summary, self.pid, n);
        fd = sys_create(path);
    }
    return fd;
}

static struct summary record; /* too large for a small stack */

void summary_write(void)
{
    char path[OPTION_PATH + 32];

    if (!options.summary[0] || sys_pid() != self.pid || __atomic_exchange_n(&self.written, 1, __ATOMIC_ACQ_REL))
        return;
    record = (struct summary){.magic = SUMMARY_MAGIC, .size = sizeof(record)};
    fill_process(&record);
    fill_heap(&record);
    int fd = create_record(path, sizeof(path));
    if (fd < 0)
        return;
    sys_write(fd, &record, sizeof(record)); /* a short record is refused by its reader */
    sys_close(fd);
}

__attribute__((destructor)) static void at_exit(void)
{
    summary_write();
}
