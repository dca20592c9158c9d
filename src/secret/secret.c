/*
 * secret.c - see loam/secret.h: groups, and the secrets in them.
 *
 * A small secret shares a chunk with others of its group: the current chunk is tried first, then the others,
 * then there is a new one. A large one, or one of an isolated group, has chunks of its own, in which it ends where
 * the open pages end. A chunk that has become empty is closed, unless it is the current one: to allocate and free a
 * single secret again and again calls the kernel once.
 *
 * Invariant: a secret's bytes are zero before and after its life.
 * Locking:   range_lock, for everything. All of it is given up once everything has been wiped: a thread that was
 *            wiping a secret then may sleep with the lock, so no one takes it any more.
 */
#include "base/report.h"
#include "secret/chunk.h"
#include "secret/fault.h"
#include "secret/fork.h"
#include "secret/place.h"
#include "secret/slots.h"
#include "sys/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    FLAGS_ALL = LOAM_SECRET_BEST_EFFORT | LOAM_SECRET_ISOLATED | LOAM_SECRET_HIDDEN | LOAM_SECRET_KEYS,
    REPORT_SIZE = 256,
};

/*
 * Never given back, so that the handler of a fault may read those of a chunk that is being closed. That all are found
 * from here is for tools that look for leaks: a chunk's pointer lies where LeakSanitizer does not look.
 */
static struct slots *spare_slots, *all_slots;

/* pkey_alloc(2) fails alike where all keys are taken and where the processor has none. */
static bool keys_exist;

static void enter(void)
{
    lock_take(&range_lock);
    if (UNLIKELY(fork_happened()))
        fork_inherit();
}

static void leave(void)
{
    lock_give(&range_lock);
}

/* The API's way to fail. */
static void *fail(int error)
{
    errno = -error;
    return NULL;
}

/* --- shared chunks --- */

static struct slots *new_slots(void)
{
    struct slots *slots = spare_slots;

    if (slots) {
        spare_slots = slots->next;
    } else {
        slots = malloc(sizeof(*slots));
        if (!slots)
            return NULL;
        slots->older = all_slots;
        all_slots = slots;
    }
    slots_init(slots);
    return slots;
}

static void spare(struct slots *slots)
{
    slots->next = spare_slots;
    spare_slots = slots;
}

static void discard(struct chunk *chunk)
{
    struct slots *slots = chunk->slots;

    chunk_close(chunk);
    if (slots)
        spare(slots);
}

static int new_shared(struct loam_secret_group *group, struct chunk **out)
{
    struct slots *slots = new_slots();

    if (!slots)
        return -ENOMEM;
    int error = chunk_create(group, CHUNK_DATA_PAGES, out);
    if (error < 0)
        spare(slots);
    else
        (*out)->slots = slots;
    return error;
}

/* What a place in a shared chunk must be like, in granules. */
struct need {
    size_t count, alignment;
};

static ptrdiff_t find_in(const struct chunk *chunk, const struct need *need)
{
    if (!chunk->slots || chunk->retired || chunk->slots->free <= need->count)
        return -1;
    return slots_find(chunk->slots, need->count, need->alignment);
}

/* The chunk with room, and the granule there; NULL for none. */
static struct chunk *find_room(const struct loam_secret_group *group, const struct need *need, ptrdiff_t *granule)
{
    struct chunk *chunk = group->current;

    if (chunk && (*granule = find_in(chunk, need)) >= 0)
        return chunk;
    for (chunk = group->chunks; chunk; chunk = chunk->next)
        if ((*granule = find_in(chunk, need)) >= 0)
            return chunk;
    return NULL;
}

static int place_shared(struct loam_secret_group *group, size_t alignment, size_t size, struct place *out)
{
    struct need need = {place_body(size) / GRANULE, divide_up(alignment, GRANULE)};
    ptrdiff_t granule = -1;
    struct chunk *chunk = find_room(group, &need, &granule);
    int error = chunk ? 0 : new_shared(group, &chunk);

    if (error < 0)
        return error;
    if (granule < 0)
        granule = find_in(chunk, &need);
    error = chunk_open(chunk, divide_up(((size_t)granule + need.count) * GRANULE, PAGE_SIZE));
    if (error < 0) {
        if (chunk->secrets == 0 && chunk != group->current)
            discard(chunk);
        return error;
    }
    slots_take(chunk->slots, (size_t)granule, need.count, size);
    group->current = chunk;
    *out = (struct place){chunk, chunk_data(chunk) + (size_t)granule * GRANULE, size};
    return 0;
}

/* --- any secret --- */

static int place_alone(struct loam_secret_group *group, size_t alignment, size_t size, struct place *out)
{
    size_t body = align_up(place_body(size), max_size(alignment, GRANULE));
    size_t pages = divide_up(CANARY_SIZE + body, PAGE_SIZE);
    struct chunk *chunk;
    int error = chunk_create(group, pages, &chunk);

    if (error < 0)
        return error;
    error = chunk_open(chunk, pages);
    if (error < 0) {
        discard(chunk);
        return error;
    }
    chunk->start = chunk_data(chunk) + pages * PAGE_SIZE - body;
    chunk->size = size;
    *out = (struct place){chunk, chunk->start, size};
    return 0;
}

static int create(struct loam_secret_group *group, size_t alignment, size_t size, struct place *out)
{
    bool alone = size > SLOTS_SIZE_MOST || group->flags & LOAM_SECRET_ISOLATED;

    if (size > PTRDIFF_MAX / 2)
        return -ENOMEM;
    if (range_wiped() || group_access(group) != LOAM_SECRET_READ_WRITE)
        return -EACCES;
    int error = alone ? place_alone(group, alignment, size, out) : place_shared(group, alignment, size, out);
    if (error < 0)
        return error;
    if (range_wiped()) /* it may have missed the pages that are new */
        return -EACCES;
    place_enclose(out);
    out->chunk->secrets++;
    group->secrets++;
    group->bytes += size;
    return 0;
}

static void forget(const struct place *place)
{
    struct chunk *chunk = place->chunk;
    struct loam_secret_group *group = chunk->group;

    chunk->secrets--;
    group->secrets--;
    group->bytes -= place->size;
    if (chunk->slots)
        slots_give(chunk->slots, (place->start - chunk_data(chunk)) / GRANULE, place_body(place->size) / GRANULE);
    if (chunk->secrets == 0 && chunk != group->current)
        discard(chunk);
}

/* A chunk that a child could not make its own has no open page, and nothing to wipe. */
static void release(const struct place *place)
{
    enum loam_secret_access access = group_access(place->chunk->group);

    if (place->chunk->open) {
        place_open(place, access);
        place_check(place);
        loam_secret_wipe((void *)(place->start - CANARY_SIZE), CANARY_SIZE + place_body(place->size));
        place_close(place, access);
    }
    forget(place);
}

/*
 * Word by word: memcpy(3) takes vector registers, which then hold the secret, and which the dynamic linker saves on
 * the stack when a function is called for the first time.
 */
static void copy(uintptr_t to, uintptr_t from, size_t n)
{
    size_t i = 0;

    for (; i + sizeof(uint64_t) <= n; i += sizeof(uint64_t))
        *(volatile uint64_t *)(to + i) = *(const volatile uint64_t *)(from + i);
    for (; i < n; i++)
        *(volatile unsigned char *)(to + i) = *(const volatile unsigned char *)(from + i);
}

/* A report of what a function was given. */
static _Noreturn void stop_at(const char *format, const char *function, const void *given)
{
    char buffer[REPORT_SIZE];
    struct text text;

    text_init(&text, buffer, sizeof(buffer));
    text_format(&text, format, function, (uint64_t)(uintptr_t)given);
    report_stop(&text);
}

static void find_or_stop(const char *function, const void *secret, struct place *out)
{
    if (UNLIKELY(!place_at((uintptr_t)secret, out)))
        stop_at("loam: %s() of %x, where no secret starts, or none any more: "
                "give it what loam_secret_alloc() returned, and free that once.\n",
                function, secret);
}

/* One that has ended is noticed as long as its memory is not a group's again. */
static void group_or_stop(const char *function, const struct loam_secret_group *group)
{
    if (UNLIKELY(!group || group->magic != GROUP_MAGIC))
        stop_at("loam: %s() of a group at %x, where there is none, or none any more: "
                "give it what loam_secret_group_create() returned, and not after loam_secret_group_destroy().\n",
                function, group);
}

/* --- the API: secrets --- */

PUBLIC void *loam_secret_aligned(struct loam_secret_group *group, size_t alignment, size_t size)
{
    struct place place;

    if (!is_power_of_two(alignment) || alignment > PAGE_SIZE)
        return fail(-EINVAL);
    if (range_wiped())
        return fail(-EACCES);
    group_or_stop("loam_secret_alloc", group);
    enter();
    int error = create(group, alignment, size, &place);
    leave();
    return error < 0 ? fail(error) : (void *)place.start;
}

PUBLIC void *loam_secret_alloc(struct loam_secret_group *group, size_t size)
{
    return loam_secret_aligned(group, GRANULE, size);
}

PUBLIC void *loam_secret_realloc(void *secret, size_t size)
{
    struct place old, new;

    if (!secret)
        return fail(-EINVAL);
    if (range_wiped())
        return fail(-EACCES);
    enter();
    find_or_stop("loam_secret_realloc", secret, &old);
    int error = create(old.chunk->group, GRANULE, size, &new);
    if (error == 0) {
        if (old.chunk->open)
            copy(new.start, old.start, min_size(old.size, size));
        release(&old);
    }
    leave();
    return error < 0 ? fail(error) : (void *)new.start;
}

PUBLIC void loam_secret_free(void *secret)
{
    struct place place;

    if (!secret || range_wiped())
        return;
    enter();
    find_or_stop("loam_secret_free", secret, &place);
    release(&place);
    leave();
}

PUBLIC size_t loam_secret_size(const void *secret)
{
    struct place place;

    if (!secret || range_wiped())
        return 0;
    enter();
    find_or_stop("loam_secret_size", secret, &place);
    leave();
    return place.size;
}

/* --- the API: groups --- */

static int begin(void)
{
    int error = sys_page_size() == PAGE_SIZE ? range_reserve() : -ENOTSUP;

    if (error == 0)
        error = place_begin();
    return error < 0 ? error : fork_watch();
}

/* Whether the kernel can do what the flags ask for, before something is allocated. */
static int probe(struct loam_secret_group *group)
{
    struct chunk *chunk;

    if (!(group->flags & LOAM_SECRET_BEST_EFFORT) && range.lost)
        return -ENOTSUP;
    if (group->flags & LOAM_SECRET_KEYS) {
        group->key = sys_key_new();
        if (group->key < 0)
            return keys_exist ? -ENOSPC : -ENOTSUP;
        keys_exist = true;
    }
    if (!(group->flags & LOAM_SECRET_HIDDEN))
        return 0;
    int error = chunk_create(group, 1, &chunk);
    if (error == 0)
        chunk_close(chunk);
    return error == -ENOSYS ? error : 0;
}

static int open_group(struct loam_secret_group *group, const char *name, unsigned flags)
{
    int error = begin();

    if (error < 0)
        return error;
    group->magic = GROUP_MAGIC;
    group->flags = flags;
    group->key = -1;
    group->access = LOAM_SECRET_READ_WRITE;
    strncpy(group->name, name ? name : "", sizeof(group->name) - 1);
    error = probe(group);
    if (error == 0)
        fault_watch();
    else if (group->key >= 0)
        sys_key_free(group->key);
    return error;
}

PUBLIC struct loam_secret_group *loam_secret_group_create(const char *name, unsigned flags)
{
    if (flags & ~(unsigned)FLAGS_ALL)
        return fail(-EINVAL);
    if (range_wiped())
        return fail(-EACCES);
    struct loam_secret_group *group = calloc(1, sizeof(*group));
    if (!group)
        return NULL;
    enter();
    int error = open_group(group, name, flags);
    leave();
    if (error < 0) {
        free(group);
        return fail(error);
    }
    return group;
}

static void destroy_chunk(struct chunk *chunk)
{
    size_t size = chunk->open * PAGE_SIZE;

    if (size && chunk_protect(chunk, 0, chunk->open, LOAM_SECRET_READ_WRITE) == 0)
        loam_secret_wipe((void *)chunk_data(chunk), size);
    discard(chunk);
}

PUBLIC void loam_secret_group_destroy(struct loam_secret_group *group)
{
    if (!group || range_wiped())
        return;
    group_or_stop("loam_secret_group_destroy", group);
    enter();
    if (group->key >= 0)
        group_switch_key(group, LOAM_SECRET_READ_WRITE);
    while (group->chunks)
        destroy_chunk(group->chunks);
    if (group->key >= 0) {
        group_switch_key(group, LOAM_SECRET_NONE); /* another thread's group may get the key */
        sys_key_free(group->key);
    }
    leave();
    loam_secret_wipe(group, sizeof(*group)); /* who uses it later is told */
    free(group);
}

/*
 * On error all are as they were: to give a mapping back what it had takes no more of them. The one that is refused may
 * be several mappings, of which the first have changed.
 */
static int switch_all(struct loam_secret_group *group, enum loam_secret_access access)
{
    for (struct chunk *chunk = group->chunks; chunk; chunk = chunk->next) {
        if (!chunk->open || chunk_protect(chunk, 0, chunk->open, access) == 0)
            continue;
        chunk_protect(chunk, 0, chunk->open, group->access);
        for (struct chunk *done = group->chunks; done != chunk; done = done->next)
            if (done->open && chunk_protect(done, 0, done->open, group->access) < 0)
                place_refused();
        return -ENOMEM;
    }
    group->access = access;
    return 0;
}

PUBLIC int loam_secret_access(struct loam_secret_group *group, enum loam_secret_access access)
{
    bool wiped = range_wiped();
    int error = 0;

    if (!wiped)
        group_or_stop("loam_secret_access", group);
    if (access > LOAM_SECRET_READ_WRITE)
        error = -EINVAL;
    else if (wiped)
        error = -EACCES;
    else if (group->key >= 0)
        group_switch_key(group, access);
    else {
        enter();
        if (access != group->access)
            error = switch_all(group, access);
        leave();
    }
    if (error < 0)
        errno = -error;
    return error < 0 ? -1 : 0;
}

PUBLIC int loam_secret_status(struct loam_secret_group *group, struct loam_secret_status *out)
{
    size_t locked = 0, open = 0;

    if (range_wiped()) {
        *out = (struct loam_secret_status){0};
        return 0;
    }
    group_or_stop("loam_secret_status", group);
    enter();
    for (const struct chunk *chunk = group->chunks; chunk; chunk = chunk->next) {
        locked += chunk->locked;
        open += chunk->open;
    }
    *out = (struct loam_secret_status){
        .secrets = group->secrets,
        .bytes = group->bytes,
        .locked = locked * PAGE_SIZE,
        .unlocked = (open - locked) * PAGE_SIZE,
        .lost = range.lost | (locked < open ? LOAM_SECRET_LOST_LOCK : 0),
    };
    leave();
    return 0;
}

PUBLIC void loam_secret_check(struct loam_secret_group *group)
{
    struct place place;

    if (range_wiped())
        return;
    group_or_stop("loam_secret_check", group);
    enter();
    enum loam_secret_access access = group_access(group);
    for (struct chunk *chunk = group->chunks; chunk; chunk = chunk->next) {
        if (!chunk->open)
            continue;
        for (size_t cursor = 0; place_next(chunk, &cursor, &place);) {
            place_open(&place, access);
            place_check(&place);
            place_close(&place, access);
        }
    }
    leave();
}

/* --- the API: memory --- */

/* The compiler must take it that something reads the bytes. */
PUBLIC void loam_secret_wipe(void *data, size_t n)
{
    memset(data, 0, n);
    __asm__ volatile("" : : "r"(data) : "memory");
}

/* The compiler must not know what the difference is before the end, so it cannot stop at the first. */
PUBLIC int loam_secret_equal(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    unsigned difference = 0;

    for (size_t i = 0; i < n; i++) {
        difference |= x[i] ^ y[i];
        __asm__("" : "+r"(difference));
    }
    return (int)((difference - 1) >> 8 & 1);
}
