/* fence.c - see fence.h. */
#include "sample/fence.h"

#include "heap/object.h"
#include "sample/canary.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>

#define SLICES_MAX ((size_t)FENCE_CHUNKS * CHUNK_SLICES - CHUNK_SLICES) /* so that the number of every fact fits */
#define FACT_BYTES (FENCE_FACTS * sizeof(struct fact))                  /* of a slice */
#define SLICES_MIN 16384

static_assert(SLICES_MAX * FENCE_FACTS < UINT32_MAX, "a number and 1 fit");

struct fences fences;
ATOMIC uint8_t fences_ready[FENCE_CHUNKS];

int fence_start(size_t held_max)
{
    size_t slices = min_size(SLICES_MAX, ranges.first_size >> SLICE_SHIFT);
    intptr_t facts = -ENOMEM;

    for (; slices >= SLICES_MIN; slices /= 2) {
        facts = sys_reserve(slices * FACT_BYTES);
        if (facts >= 0)
            break;
    }
    if (facts < 0)
        return -ENOMEM;
    fences.facts = (struct fact *)facts;
    fences.slices = slices;
    fences.held_max = held_max;
    return 0;
}

/*
 * The fact of an object of a slab in the first range; NULL where there can be none. A slab of several slices lies in
 * one chunk.
 */
static struct fact *fact_of(const struct object *o)
{
    if (o->range != &ranges.list[0] || o->slice >= fences.slices ||
        !__atomic_load_n(&fences_ready[o->slice / CHUNK_SLICES], __ATOMIC_ACQUIRE))
        return NULL;
    return &fences.facts[o->slice * FENCE_FACTS + o->index];
}

static struct checked view(const struct object *o, struct fact *fact)
{
    unsigned char *start = o->start + fact->before;

    return (struct checked){
        .start = (uintptr_t)start,
        .size = fact->size,
        .origin = &fact->origin,
        .life = &fact->life,
        .routine = fact->routine,
        .before = {.start = o->start, .size = fact->before},
        .after = {.start = start + fact->size, .size = o->size - fact->before - fact->size},
    };
}

/* Make the facts of the chunk accessible. Doing so twice does no harm. */
static void make_ready(size_t slice)
{
    size_t chunk = slice / CHUNK_SLICES;
    unsigned char *facts = (unsigned char *)fences.facts + chunk * CHUNK_SLICES * FACT_BYTES;

    if (slice >= fences.slices || __atomic_load_n(&fences_ready[chunk], __ATOMIC_ACQUIRE))
        return;
    if (sys_protect_rw(facts, CHUNK_SLICES * FACT_BYTES) == 0)
        __atomic_store_n(&fences_ready[chunk], 1, __ATOMIC_RELEASE);
}

/* The fenced object at an address, if there is or was one. */
static struct fact *find(const void *p, struct object *o)
{
    enum object_place place = object_find(p, o);

    if ((place != OBJECT_START && place != OBJECT_INSIDE) || o->class == CLASS_LARGE)
        return NULL;
    struct fact *fact = fact_of(o);
    if (!fact || __atomic_load_n(&fact->life, __ATOMIC_ACQUIRE) == LIFE_NONE || fact->class != o->class)
        return NULL;
    return fact;
}

bool fence_near(const void *p, struct checked *out)
{
    struct object o;
    struct fact *fact = find(p, &o);

    if (fact)
        *out = view(&o, fact);
    return fact != NULL;
}

void fence_forget(const void *object)
{
    struct object o;
    struct fact *fact = find(object, &o);

    if (fact)
        __atomic_store_n(&fact->life, LIFE_NONE, __ATOMIC_RELEASE);
}

static void fill(struct span span)
{
    memset(span.start, CANARY_BYTE, span.size);
}

void *fence_take(struct heap *heap, size_t size, size_t align, enum routine routine, uint32_t stack)
{
    size_t before = max_size(FENCE_ZONE, align);
    struct object o;

    if (size > CLASS_MAX || before > UINT16_MAX)
        return NULL;
    unsigned class = class_of_aligned(before + size + FENCE_ZONE, max_size(FENCE_ZONE, align));
    void *object = class < CLASS_COUNT ? heap_take(heap, class) : NULL;
    if (!object)
        return NULL;
    object_find(object, &o);
    make_ready(o.slice);
    struct fact *fact = fact_of(&o);
    if (!fact) {
        heap_put(heap, o.slab, o.index);
        return NULL;
    }
    fact->size = (uint32_t)size;
    fact->origin = (struct origin){.taken = stack, .taken_by = thread_id()};
    fact->before = (uint16_t)before;
    fact->routine = (uint8_t)routine;
    fact->class = (uint8_t) class;
    struct checked checked = view(&o, fact);
    fill(checked.before);
    fill(checked.after);
    __atomic_store_n(&fact->life, LIFE_LIVE, __ATOMIC_RELEASE);
    return (void *)checked.start;
}

/* --- the queue of freed objects --- */

static void *object_of(uint32_t number)
{
    size_t slice = number / FENCE_FACTS;
    const struct size_class *c = &classes.list[fences.facts[number].class];

    return (unsigned char *)range_address(&ranges.list[0], slice) + (size_t)(number % FENCE_FACTS) * c->size;
}

static uint32_t number_of(const struct fact *fact)
{
    return (uint32_t)(fact - fences.facts);
}

static void enqueue(struct fact *fact)
{
    uint32_t number = number_of(fact) + 1;

    fact->next = 0;
    if (fences.last)
        fences.facts[fences.last - 1].next = number;
    else
        fences.first = number;
    fences.last = number;
    fences.held += fact->size + 2 * FENCE_ZONE;
}

/* The oldest one, if too many wait. */
static struct fact *dequeue(void)
{
    if (fences.held <= fences.held_max || !fences.first)
        return NULL;
    struct fact *fact = &fences.facts[fences.first - 1];
    fences.first = fact->next;
    if (!fences.first)
        fences.last = 0;
    fences.held -= fact->size + 2 * FENCE_ZONE;
    return fact;
}

static void look_at_freed(const struct checked *object)
{
    struct span filled = {.start = (unsigned char *)object->start, .size = min_size(object->size, FILL_MAX)};
    checked_look_at(FINDING_BROKEN_FREED, object, filled, FREED_BYTE);
}

/* An object leaves the queue: it can be allocated again. */
static void release(struct heap *heap, struct fact *fact)
{
    struct object o;

    object_find(object_of(number_of(fact)), &o);
    struct checked checked = view(&o, fact);
    look_at_freed(&checked);
    heap_put(heap, o.slab, o.index);
}

bool fence_give(struct heap *heap, void *ptr, const struct giving *giving, size_t depth)
{
    struct object o;
    struct fact *fact = find(ptr, &o);

    if (!fact)
        return false;
    struct checked checked = view(&o, fact);
    if (!checked_end(&checked, ptr, giving, depth))
        return true;
    memset(ptr, FREED_BYTE, min_size(checked.size, FILL_MAX));
    lock_take(&fences.lock);
    enqueue(fact);
    struct fact *oldest = dequeue();
    lock_give(&fences.lock);
    while (oldest) {
        release(heap, oldest);
        lock_take(&fences.lock);
        oldest = dequeue();
        lock_give(&fences.lock);
    }
    return true;
}

static void look_at_slab(const struct range *range, size_t slice, unsigned class)
{
    const struct size_class *c = &classes.list[class];
    struct object o = {.range = (struct range *)range, .slice = slice, .class = class, .size = c->size};

    for (size_t i = 0; i < c->objects; i++) {
        struct fact *fact = &fences.facts[slice * FENCE_FACTS + i];
        if (fact->class != class || fact->life != LIFE_LIVE)
            continue;
        o.index = i;
        o.start = (unsigned char *)range_address(range, slice) + i * c->size;
        struct checked checked = view(&o, fact);
        checked_look(&checked);
    }
}

static void look_at_queue(void)
{
    struct object o;

    lock_take(&fences.lock);
    for (uint32_t number = fences.first; number; number = fences.facts[number - 1].next) {
        object_find(object_of(number - 1), &o);
        struct checked checked = view(&o, &fences.facts[number - 1]);
        look_at_freed(&checked);
    }
    lock_give(&fences.lock);
}

void fence_look_at_all(void)
{
    const struct range *range = &ranges.list[0];
    size_t slices = min_size(fences.slices, range->committed >> SLICE_SHIFT);

    for (size_t slice = 0; slice < slices; slice++) {
        uint16_t entry = range_entry(range, slice);
        unsigned class = entry_class(entry);
        if (entry && class < CLASS_COUNT && fences_ready[slice / CHUNK_SLICES] &&
            (slice & (classes.list[class].mask >> SLICE_SHIFT)) == 0)
            look_at_slab(range, slice, class);
    }
    look_at_queue();
}

void fence_lock(void)
{
    lock_take(&fences.lock);
}

void fence_unlock(void)
{
    lock_give(&fences.lock);
}

void fence_after_fork(void)
{
    lock_init(&fences.lock);
}
