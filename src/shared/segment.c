/*
 * segment.c - the file of a heap: made whole before it has a name, checked before it is used.
 *
 * All of it is mapped up to its limit, also what the file does not have yet: that is touched only after memory has been
 * found for it. A file that has a name cannot be sealed against being made smaller; one without is.
 */
#include "shared/shared.h"

#include "base/text.h"
#include "sys/file.h"
#include "sys/memory.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define DIRECTORY     "/dev/shm"
#define LIMIT_DEFAULT GIB
#define LIMIT_MOST    (16384 * GIB)

enum { PATH_MOST = 300, NAME_MOST = 255 };

/* Where the parts of a file lie; all of it follows from its limit. */
struct layout {
    uint64_t slices, states, records, blocks, end;
};

static struct layout layout_of(uint64_t limit)
{
    struct layout layout = {.slices = limit / SLICE, .states = align_up(sizeof(struct head), PAGE_SIZE)};

    layout.records = align_up(layout.states + layout.slices * sizeof(state_t), PAGE_SIZE);
    layout.blocks = align_up(layout.records + layout.slices * RECORD, SLICE);
    layout.end = layout.blocks + limit;
    return layout;
}

/* --- attaching --- */

void segment_detach(struct loam_shared *heap)
{
    if (heap->base)
        sys_unmap(heap->base, heap->size);
    if (heap->locals)
        sys_unmap(heap->locals, heap->slices * sizeof(heap->locals[0]));
    sys_close(heap->locks);
    sys_close(heap->fd);
    free(heap);
}

static int map(struct loam_shared *heap, const struct layout *layout)
{
    intptr_t locals = sys_map(layout->slices * sizeof(heap->locals[0]));

    if (locals < 0)
        return (int)locals;
    heap->locals = (struct local *)locals;
    heap->slices = layout->slices;
    int protection = heap->watching ? PROT_READ : PROT_READ | PROT_WRITE;
    intptr_t base = sys_map_file(NULL, layout->end, protection, MAP_SHARED | MAP_NORESERVE, heap->fd, 0);
    if (base < 0)
        return (int)base;
    heap->base = (char *)base;
    heap->size = layout->end;
    heap->head = (struct head *)heap->base;
    heap->states = (state_t *)(heap->base + layout->states);
    heap->records = heap->base + layout->records;
    heap->blocks = heap->base + layout->blocks;
    return 0;
}

/* Others make the file larger meanwhile. The figure is a cache, so that a look changes no heap. */
bool slice_look(const struct loam_shared *heap, uint64_t slice)
{
    uint64_t first = offset_of(heap, heap->blocks);
    struct stat file;

    if (sys_stat(heap->fd, &file) < 0 || (uint64_t)file.st_size < first)
        return false;
    uint64_t there = min_size(((uint64_t)file.st_size - first) / SLICE, heap->slices);
    __atomic_store_n(&((struct loam_shared *)heap)->there, there, __ATOMIC_RELAXED);
    return slice < there;
}

static bool state_is_sound(const struct loam_shared *heap, uint64_t slice)
{
    state_t state = state_read(heap, slice);
    uint64_t value = state_value(state);
    unsigned kind = state_kind(state);

    if (kind == KIND_VOID || kind == KIND_SETTLING)
        return true;
    if (kind >= KINDS || state_participant(state) > PARTICIPANTS || !slice_is_there(heap, slice))
        return false;
    if (kind == KIND_SLAB)
        return value < CLASSES;
    if (kind == KIND_LARGE)
        return value > 0 && value <= heap->slices - slice && slice_is_there(heap, slice + value - 1);
    return kind == KIND_FREE || value <= slice;
}

static int check_states(const struct loam_shared *heap)
{
    for (uint64_t i = 0; i < heap->slices; i++)
        if (i < slices_high(heap) ? !state_is_sound(heap, i) : state_read(heap, i) != 0)
            return -EBADMSG;
    return 0;
}

/* What the file says of itself, before any of it is mapped. */
static int read_layout(int fd, struct layout *out)
{
    struct stat file;
    struct head head;
    int error = sys_stat(fd, &file);

    if (error)
        return error;
    if (!S_ISREG(file.st_mode) ||
        sys_pread(fd, &head, offsetof(struct head, participants), 0) != (ssize_t)offsetof(struct head, participants))
        return -EBADMSG;
    if (head.magic != SHARED_MAGIC || head.version != SHARED_VERSION || head.page != PAGE_SIZE || head.limit == 0 ||
        head.limit % SLICE || head.limit > LIMIT_MOST)
        return -EBADMSG;
    *out = layout_of(head.limit);
    bool has_states = (uint64_t)file.st_size >= out->records && (uint64_t)file.st_blocks * 512 >= out->records;
    return has_states ? 0 : -EBADMSG; /* a hole would get memory by being looked at */
}

int segment_attach(int fd, bool watching, struct loam_shared **out)
{
    struct loam_shared *heap = calloc(1, sizeof(*heap));
    struct layout layout;

    if (!heap) {
        sys_close(fd);
        return -ENOMEM;
    }
    heap->fd = fd;
    heap->watching = watching;
    heap->locks = -1;
    int error = read_layout(fd, &layout);
    if (!error && (heap->locks = sys_reopen(fd, watching ? O_RDONLY : O_RDWR)) < 0)
        error = heap->locks;
    if (!error)
        error = map(heap, &layout);
    if (!error)
        error = check_states(heap);
    if (error) {
        segment_detach(heap);
        return error;
    }
    *out = heap;
    return 0;
}

/* --- making --- */

static int write_head(int fd, const struct layout *layout, uint64_t limit)
{
    int error = sys_may_reach(layout->records) ? sys_allocate(fd, 0, 0, layout->records) : -EFBIG;
    intptr_t base = error ? error : sys_map_file(NULL, sizeof(struct head), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (base < 0)
        return (int)base;
    struct head *head = (struct head *)base;
    head->limit = limit;
    head->page = PAGE_SIZE;
    head->version = SHARED_VERSION;
    head->magic = SHARED_MAGIC;
    sys_unmap(head, sizeof(*head));
    return 0;
}

/* An empty file becomes a heap. */
static int make(int fd, uint64_t limit)
{
    limit = limit ? align_up(limit, SLICE) : LIMIT_DEFAULT;
    if (limit == 0 || limit > LIMIT_MOST)
        return -EINVAL;
    struct layout layout = layout_of(limit);
    return write_head(fd, &layout, limit);
}

static int path_of(const char *name, char path[PATH_MOST])
{
    struct text text;

    if (!name || !*name || strchr(name, '/') || strlen(name) > NAME_MOST || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0)
        return -EINVAL;
    text_init(&text, path, PATH_MOST);
    text_format(&text, DIRECTORY "/%s", name);
    return 0;
}

/* A heap in a file that has no name yet. */
static int make_file(uint64_t limit, mode_t mode)
{
    int fd = sys_open(DIRECTORY, O_TMPFILE | O_RDWR, mode), error = fd < 0 ? fd : make(fd, limit);

    if (fd >= 0 && error)
        sys_close(fd);
    return error ? error : fd;
}

PUBLIC int loam_shared_create(const char *name, uint64_t limit, mode_t mode, struct loam_shared **out)
{
    char path[PATH_MOST];
    struct loam_shared *heap;
    int error = path_of(name, path), fd = error ? error : make_file(limit, mode);

    if (fd < 0)
        return fd;
    error = shared_attach(fd, false, &heap);
    if (error)
        return error;
    error = sys_link(fd, path);
    if (error)
        loam_shared_close(heap);
    else
        *out = heap;
    return error;
}

static int open_name(const char *name, bool watching, struct loam_shared **out)
{
    char path[PATH_MOST];
    int error = path_of(name, path);
    int fd = error ? error : sys_open(path, (watching ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_NONBLOCK, 0);

    return fd < 0 ? fd : shared_attach(fd, watching, out);
}

PUBLIC int loam_shared_open(const char *name, struct loam_shared **out)
{
    return open_name(name, false, out);
}

PUBLIC int loam_shared_watch(const char *name, struct loam_shared **out)
{
    return open_name(name, true, out);
}

PUBLIC int loam_shared_open_fd(int fd, struct loam_shared **out)
{
    int own = sys_reopen(fd, O_RDWR);

    return own < 0 ? own : shared_attach(own, false, out);
}

PUBLIC int loam_shared_anonymous(uint64_t limit, struct loam_shared **out)
{
    int fd = sys_memfd("loam-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING), error = fd < 0 ? fd : make(fd, limit);

    if (fd < 0)
        return fd;
    if (!error)
        error = sys_seal_file(fd, F_SEAL_SHRINK);
    if (error) {
        sys_close(fd);
        return error;
    }
    return shared_attach(fd, false, out);
}

PUBLIC int loam_shared_unlink(const char *name)
{
    char path[PATH_MOST];
    int error = path_of(name, path);

    return error ? error : sys_unlink(path);
}

PUBLIC int loam_shared_fd(const struct loam_shared *heap)
{
    return heap->fd;
}
