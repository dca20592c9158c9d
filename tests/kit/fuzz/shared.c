/*
 * shared.c - a shared heap whose file others write to as they like, before it is attached and at any time after.
 *
 * An input harms the file, attaches two participants and one who only looks, and has them do what programs do with it,
 * with more harm between. No answer is wrong, but to a heap that has not been harmed; none may be an access outside the
 * mapping or the file, or without an end.
 *
 * What a participant waits for while another lives, that one does in the end: a cell that says that it is another's,
 * who may be changing it, or a slice.
 */
#include "shared_file.h"

#include "shared/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { A, B, WATCHER, HEAPS, BLOCKS = 24, STEPS = 100, WAITS = 20000 };

struct held {
    void *block;
    int heap;
};

struct world {
    struct input input;
    int fd;
    bool harmed; /* so answers may be wrong */
    struct loam_shared *heaps[HEAPS];
    struct held held[BLOCKS];
    struct loam_shared_cell *cell; /* of this step, as are those below */
    unsigned waits;
    unsigned within; /* calls of the system until there is harm; 0: none */
};

static struct world *current;

int __real_sched_yield(void);
int __wrap_sched_yield(void);
int __real_sys_allocate(int fd, int mode, uint64_t offset, uint64_t size);
int __wrap_sys_allocate(int fd, int mode, uint64_t offset, uint64_t size);
int __real_sys_lock_byte(int fd, uint64_t byte, bool wait);
int __wrap_sys_lock_byte(int fd, uint64_t byte, bool wait);
int __real_sys_stat(int fd, struct stat *out);
int __wrap_sys_stat(int fd, struct stat *out);

/* --- harm --- */

static void harm(struct world *world)
{
    file_harm(world->fd, &world->input);
    world->harmed = true;
}

static void harm_within(void)
{
    if (current && current->within && --current->within == 0)
        harm(current);
}

int __wrap_sys_allocate(int fd, int mode, uint64_t offset, uint64_t size)
{
    harm_within();
    return __real_sys_allocate(fd, mode, offset, size);
}

int __wrap_sys_lock_byte(int fd, uint64_t byte, bool wait)
{
    harm_within();
    return __real_sys_lock_byte(fd, byte, wait);
}

int __wrap_sys_stat(int fd, struct stat *out)
{
    harm_within();
    return __real_sys_stat(fd, out);
}

/* --- attachments --- */

static void attach(struct world *world, int heap)
{
    struct loam_shared **out = &world->heaps[heap];
    int error;

    if (heap == WATCHER)
        error = shared_attach(fcntl(world->fd, F_DUPFD_CLOEXEC, 0), true, out);
    else
        error = loam_shared_open_fd(world->fd, out);
    EXPECT(error == 0 || world->harmed);
    if (error)
        *out = NULL;
}

/* To die is to leave nothing but the lock of one's byte. */
static void detach(struct world *world, int heap, bool dying)
{
    if (world->heaps[heap] && dying)
        world->heaps[heap]->me = 0;
    loam_shared_close(world->heaps[heap]);
    world->heaps[heap] = NULL;
    for (int i = 0; i < BLOCKS; i++)
        if (world->held[i].heap == heap)
            world->held[i].block = NULL;
}

static void come_or_go(struct world *world, int heap)
{
    if (world->heaps[heap])
        detach(world, heap, take(&world->input) % 2);
    else
        attach(world, heap);
}

/* --- waiting --- */

static bool lives(unsigned participant)
{
    for (int i = 0; i < HEAPS; i++)
        if (current->heaps[i] && current->heaps[i]->me && current->heaps[i]->me == participant)
            return true;
    return false;
}

/* Whoever else is changing the cell has done so. */
static void end_cell(void)
{
    struct loam_shared_cell *cell = current->cell;

    if (cell && lives(cell_participant(cell->word)))
        cell->word = cell_offset(cell->word);
}

static void end_slices(struct loam_shared *heap)
{
    for (uint64_t i = 0; i < heap->slices; i++) {
        state_t state = state_read(heap, i);
        unsigned kind = state_kind(state);
        if ((kind == KIND_SETTLING || kind == KIND_CLAIMED) && lives(state_participant(state)))
            state_change(heap, i, state, state_of(KIND_FREE, 0, 0));
    }
}

int __wrap_sched_yield(void)
{
    if (!current) /* a sanitizer waits */
        return __real_sched_yield();
    EXPECT(++current->waits < WAITS);
    harm_within();
    if (current->waits < 3)
        return 0;
    end_cell();
    for (int i = 0; i < HEAPS; i++)
        if (current->heaps[i] && !current->heaps[i]->watching)
            end_slices(current->heaps[i]);
    return 0;
}

/* --- cells --- */

/* A root's, or anything that could be one. */
static struct loam_shared_cell *take_cell(struct world *world, struct loam_shared *heap)
{
    static const char *const names[] = {"stack", "cell", "large", "empty", "new"};
    unsigned number = take(&world->input) % 8;
    struct loam_shared_cell *cell;

    if (number < LENGTH(names)) {
        cell = loam_shared_root(heap, names[number]);
        EXPECT(cell || heap->watching || world->harmed);
    } else {
        cell = loam_shared_at(heap, file_offset(&world->input), sizeof(*cell));
        world->harmed = true;
    }
    world->cell = heap->watching ? NULL : cell;
    return cell;
}

/* --- what programs do --- */

static void touch_byte(volatile char *byte, bool write)
{
    char value = *byte;

    if (write)
        *byte = (char)(value + 1);
}

static void touch(void *block, size_t size, bool write)
{
    for (size_t i = 0; i < size; i += PAGE_SIZE)
        touch_byte((char *)block + i, write);
    if (size)
        touch_byte((char *)block + size - 1, write);
}

static void hold(struct world *world, int heap, void *block, size_t size)
{
    if (!block)
        return;
    touch(block, size, true);
    for (int i = 0; i < BLOCKS; i++) {
        if (world->held[i].block)
            continue;
        world->held[i] = (struct held){block, heap};
        return;
    }
}

static void alloc(struct world *world, struct loam_shared *heap, int which)
{
    size_t size = take(&world->input);

    if (size >= 224)
        size = (size - 223) * SLICE / 4;
    else if (size >= 128)
        size *= 37;
    void *block = size % 5 ? loam_shared_alloc(heap, size) : loam_shared_aligned(heap, PAGE_SIZE, size);
    EXPECT(!block || !heap->watching);
    hold(world, which, block, size);
}

static struct held *take_held(struct world *world, int which)
{
    struct held *held = &world->held[take(&world->input) % BLOCKS];

    return held->block && held->heap == which ? held : NULL;
}

static void free_held(struct world *world, struct loam_shared *heap, int which)
{
    struct held *held = take_held(world, which);

    if (!held)
        return;
    int error = loam_shared_free(heap, held->block);
    EXPECT(error == 0 || world->harmed);
    held->block = NULL;
}

/* Of any place. */
static void free_any(struct world *world, struct loam_shared *heap)
{
    world->harmed = true;
    loam_shared_free(heap, heap->base + file_offset(&world->input));
}

static void put(struct world *world, struct loam_shared *heap, int which, bool push)
{
    struct held *held = take_held(world, which);
    struct loam_shared_cell *cell = take_cell(world, heap);

    if (!held || !cell)
        return;
    int error =
        push ? loam_shared_push(heap, cell, held->block, held->block) : loam_shared_publish(heap, cell, held->block);
    EXPECT(error == 0 || (error == -EEXIST && !push) || world->harmed);
    if (!error)
        held->block = NULL;
}

/* What is popped by a wrong `next`, or taken from a stack, may leave in a cell what is none. */
static void get(struct world *world, struct loam_shared *heap, int which, bool pop)
{
    struct loam_shared_cell *cell = take_cell(world, heap);

    if (!cell)
        return;
    size_t next = pop ? take(&world->input) % 64 * 16 : 0;
    world->harmed = world->harmed || pop;
    void *block = pop ? loam_shared_pop(heap, cell, next) : loam_shared_take(heap, cell);
    if (block)
        hold(world, which, block, loam_shared_usable_size(heap, block));
}

static void keep(struct world *world, struct loam_shared *heap, int which)
{
    struct held *held = take_held(world, which);

    if (!held)
        return;
    int error = loam_shared_keep(heap, held->block);
    EXPECT(error == 0 || world->harmed);
    held->block = NULL;
}

static void name_root(struct world *world, struct loam_shared *heap)
{
    char name[ROOT_NAME + 8] = "";

    memset(name, 'a' + take(&world->input) % 26, 1 + take(&world->input) % (ROOT_NAME + 2));
    if (take(&world->input) % 2)
        loam_shared_root(heap, name);
    else
        loam_shared_remove_root(heap, name);
}

/* --- what those do who look --- */

static int visit_root(void *context, const char *name, const void *block)
{
    struct loam_shared *heap = context;

    EXPECT(strlen(name) <= ROOT_NAME);
    if (block)
        touch((void *)(uintptr_t)block, loam_shared_usable_size(heap, block), false);
    return 0;
}

static int visit_participant(void *context, const struct loam_shared_participant *participant)
{
    (void)context;
    EXPECT(participant->number > 0 && participant->number <= PARTICIPANTS);
    return 0;
}

static void look_at(struct world *world, struct loam_shared *heap)
{
    uint64_t offset = file_offset(&world->input);
    size_t size = take_number(&world->input, 2);
    void *there = loam_shared_at(heap, offset, size);

    if (!there)
        return;
    touch(there, size, false);
    touch(there, loam_shared_usable_size(heap, there), false);
}

static void look(struct world *world, struct loam_shared *heap)
{
    struct loam_shared_stats stats;

    switch (take(&world->input) % 4) {
    case 0:
        loam_shared_measure(heap, &stats);
        EXPECT(stats.backed <= stats.limit);
        break;
    case 1:
        loam_shared_participants(heap, visit_participant, NULL);
        break;
    case 2:
        loam_shared_roots(heap, visit_root, heap);
        break;
    default:
        look_at(world, heap);
    }
}

static void validate(struct world *world, struct loam_shared *heap)
{
    int faults = loam_shared_validate(heap);

    EXPECT(faults == 0 || world->harmed);
}

/* --- steps --- */

enum step { ALLOC, FREE, FREE_ANY, PUSH, PUBLISH, POP, TAKE, KEEP, NAME, LOOK, VALIDATE, RECOVER, TRIM, USES };

static void use(struct world *world, enum step step, struct loam_shared *heap, int which)
{
    switch (step) {
    case ALLOC:
        alloc(world, heap, which);
        break;
    case FREE:
        free_held(world, heap, which);
        break;
    case FREE_ANY:
        free_any(world, heap);
        break;
    case PUSH:
    case PUBLISH:
        put(world, heap, which, step == PUSH);
        break;
    case POP:
    case TAKE:
        get(world, heap, which, step == POP);
        break;
    case KEEP:
        keep(world, heap, which);
        break;
    case NAME:
        name_root(world, heap);
        break;
    case LOOK:
        look(world, heap);
        break;
    case VALIDATE:
        validate(world, heap);
        break;
    case RECOVER:
        loam_shared_recover(heap);
        break;
    default:
        loam_shared_trim(heap);
    }
}

static void take_step(struct world *world)
{
    unsigned step = take(&world->input) % (USES + 8);
    unsigned number = take(&world->input);
    int which = number % HEAPS;

    world->cell = NULL;
    world->waits = 0;
    world->within = number / HEAPS % 16;
    if (step >= USES + 2)
        harm(world);
    else if (step >= USES)
        come_or_go(world, which);
    else if (world->heaps[which])
        use(world, step, world->heaps[which], which);
}

static int lowest_descriptor(void)
{
    int fd = dup(STDERR_FILENO);

    close(fd);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world = {.input = {data, size}};
    int descriptor = lowest_descriptor();

    current = &world;
    world.fd = file_new(&world.input);
    unsigned before = take(&world.input);
    world.harmed = before >= 240;
    if (world.harmed)
        file_cut(world.fd, &world.input);
    for (before %= 8; before && world.input.size; before--)
        harm(&world);
    for (int i = 0; i < HEAPS; i++)
        attach(&world, i);
    for (int i = 0; i < STEPS && world.input.size; i++)
        take_step(&world);
    for (int i = 0; i < HEAPS; i++)
        detach(&world, i, false);
    close(world.fd);
    current = NULL;
    EXPECT(lowest_descriptor() == descriptor);
    return 0;
}
