/* front.c - see front.h. */
#include "malloc/front.h"

#include "heap/explain.h"
#include "heap/large.h"
#include "heap/observe.h"
#include "malloc/start.h"
#include "sample/check.h"
#include "sample/fence.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALIGN_NATURAL 16

static void *fail(int error)
{
    errno = error;
    return NULL;
}

static void *take_large(struct heap *heap, size_t size, size_t align, bool zeroed)
{
    bool clean;
    unsigned char *object = large_take(heap, size, align, &clean);

    if (!object)
        return NULL;
    if (UNLIKELY(observers.tally))
        observe_large(heap, (int64_t)align_up(size, SLICE_SIZE), size);
    if (!zeroed)
        observe_new(object, size);
    else if (!clean)
        range_clear(object, size);
    return object;
}

static void *take_class(struct heap *heap, unsigned class, size_t size, bool zeroed)
{
    if (UNLIKELY(observed()))
        return observed_take(heap, class, size, zeroed);
    return zeroed ? heap_take_zeroed(heap, class) : heap_take(heap, class);
}

static void *take_from(struct heap *heap, unsigned class, size_t size, size_t align, bool zeroed)
{
    if (class < CLASS_COUNT)
        return take_class(heap, class, size, zeroed);
    return take_large(heap, size, align, zeroed);
}

/* Every allocation that is not a pop, nor a sample. NULL, with errno, when there is no memory. */
static void *take_usual(size_t size, size_t align, bool zeroed, enum routine routine)
{
    struct heap *heap = heap_enter();
    if (UNLIKELY(!heap))
        return fail(ENOMEM);
    if (UNLIKELY(check.on)) {
        void *watched = check_take(heap, size, align, zeroed, routine);
        if (watched) {
            heap_leave(heap);
            return watched;
        }
    }
    unsigned class = CLASS_COUNT;
    if (align > ALIGN_NATURAL || (align > 1 && size < align))
        class = class_of_aligned(size, align);
    else if (size <= CLASS_MAX)
        class = class_of(size);
    void *object = take_from(heap, class, size, align, zeroed);
    if (UNLIKELY(!object)) { /* what the heap holds in reserve may be what is missing */
        heap_trim(heap);
        object = take_from(heap, class, size, align, zeroed);
    }
    if (UNLIKELY(check.on) && object)
        fence_forget(object);
    heap_leave(heap);
    return LIKELY(object != NULL) ? object : fail(ENOMEM);
}

static void *take_sample(size_t size, size_t align, bool zeroed, enum routine routine)
{
    void *object = sample_take(size, align, routine);

    if (object && UNLIKELY(observed())) {
        if (observers.tally)
            observe_large(heap_thread.heap, (int64_t)max_size(size, 1), size);
        if (!zeroed)
            observe_new(object, size);
    }
    return object;
}

/* A sample if one is due; the thread's first allocation is none, for what a sample needs may not have started. */
static void *take(size_t size, size_t align, bool zeroed, enum routine routine)
{
    void *object = NULL;

    if (UNLIKELY(size > PTRDIFF_MAX - align)) {
        sample_undo(size);
        return fail(ENOMEM);
    }
    if (UNLIKELY(sample_countdown < 0) && heap_thread.heap)
        object = take_sample(size, align, zeroed, routine);
    return object ? object : take_usual(size, align, zeroed, routine);
}

NOINLINE void *front_malloc_slow(size_t size, enum routine routine)
{
    if (size > SLAB_MAX && size <= CLASS_MAX && heap_thread.heap && sample_countdown >= 0) {
        heap_tick(heap_thread.heap);
        void *object = front_pop(class_of_run(size));
        if (object)
            return object;
    }
    return take(size, 1, false, routine);
}

void *front_calloc(size_t count, size_t size)
{
    size_t bytes;

    if (UNLIKELY(__builtin_mul_overflow(count, size, &bytes)))
        return fail(ENOMEM);
    if (bytes > SLAB_MAX) {
        sample_count(bytes);
        return take(bytes, 1, true, ROUTINE_MALLOC);
    }
    void *object = front_malloc(bytes);
    return object ? memset(object, 0, bytes) : NULL;
}

static void free_large(const struct object *o)
{
    struct heap *heap = heap_thread.heap;

    if (UNLIKELY(observers.tally))
        observe_large(heap, -(int64_t)o->size, 0);
    if (!large_give(heap, o))
        explain_stop(FAULT_DOUBLE_FREE, o->start);
}

/* Whether it is for the checks to say what `ptr` is: it lies between guards, or all objects are checked. */
static bool is_watched(const void *ptr)
{
    return slots_own(ptr) || (check.on && !check_is_usual(ptr));
}

/* Free the object if it is a watched one. */
static bool give_watched(void *ptr, const struct giving *giving)
{
    struct checked object;

    if (LIKELY(!check.on) && !slots_own(ptr))
        return false;
    if (check.on)
        return check_give(heap_thread.heap, ptr, giving);
    if (UNLIKELY(observers.tally) && guarded_near(ptr, &object))
        observe_large(heap_thread.heap, -(int64_t)max_size(object.size, 1), 0);
    guarded_give(ptr, giving);
    return true;
}

/* Free what may be anything. */
static void free_any(void *ptr, const struct giving *giving)
{
    struct object o;
    struct heap *heap = heap_thread.heap;

    if (UNLIKELY(give_watched(ptr, giving)))
        return;
    if (object_find(ptr, &o) != OBJECT_START)
        explain_stop(FAULT_INVALID_FREE, ptr);
    if (o.class == CLASS_LARGE)
        free_large(&o);
    else if (observed())
        observed_put(heap, &o);
    else
        heap_put(heap, o.slab, o.index);
}

/*
 * A tiny object of another heap's slab, or one that its magazine has no room for: the same steps as free's fast path.
 * The slab's record, which its owner may be writing to, is not looked at.
 */
NOINLINE void front_free_slow(void *ptr, enum routine routine)
{
    const struct giving giving = {.routine = routine};
    struct heap *heap = heap_thread.face;
    size_t offset;

    if (!ptr)
        return;
    if (heap == &heap_empty || !range_first(ptr, &offset)) {
        free_any(ptr, &giving);
        return;
    }
    uint16_t entry = range_entry(&ranges.list[0], offset >> SLICE_SHIFT);
    unsigned class = entry_magazine(entry);
    if (!entry || class >= CLASS_COUNT || entry_tag(entry) == TAG_OTHER) {
        free_any(ptr, &giving);
        return;
    }
    const struct magazine *magazine = &heap->magazines[class];
    if (UNLIKELY((offset & magazine->mask) * magazine->inverse >= magazine->inverse))
        explain_stop(FAULT_INVALID_FREE, ptr);
    heap_push(heap, class, entry != heap_entry(heap, class), ptr);
}

/* The object at `ptr`, which a caller says is one. */
static void find_given(const void *ptr, struct object *o)
{
    if (UNLIKELY(object_find(ptr, o) != OBJECT_START))
        explain_stop(FAULT_INVALID_POINTER, ptr);
}

/* Where an object of `size` bytes may just as well stay where it is. */
static bool stays(const struct object *o, size_t size)
{
    if (o->class == CLASS_LARGE)
        return size > CLASS_MAX / 2 && large_resize(o, size);
    if (size > o->size)
        return false;
    return size > o->size / 2 || (size <= CLASS_MAX && class_of(size) == o->class);
}

static size_t with_headroom(size_t size)
{
    return size + (size >> HEADROOM_SHIFT);
}

/* A new place for what does not fit its old one. */
static void *new_place(const struct object *from, size_t size)
{
    if (size > CLASS_MAX && size > from->size && size < PTRDIFF_MAX / 2) {
        int saved = errno;
        void *roomy = take_usual(with_headroom(size), 1, false, ROUTINE_MALLOC);
        if (roomy)
            return roomy;
        errno = saved;
    }
    return front_malloc(size);
}

/* Returns false when the place has been lost over it: it stays taken, at the cost of addresses only. */
static bool move_contents(const struct object *from, void *place, size_t size)
{
    struct object to;
    int error = -EAGAIN;

    if (size >= MOVE_MIN && object_find(place, &to) == OBJECT_START)
        error = large_move_pages(from, &to, size);
    if (error == -EAGAIN)
        memcpy(place, from->start, size);
    return error != -EFAULT;
}

/* The watched object at `ptr`, which a caller says is one. False, after a report, when it is not. */
static bool find_watched(const void *ptr, struct checked *object)
{
    return checked_is_live(check_near(ptr, object) ? object : NULL, ptr);
}

/* An object that is watched moves, so that old pointers to it are of use no more. */
static void *realloc_watched(void *ptr, size_t size)
{
    struct checked object;

    if (!find_watched(ptr, &object))
        return NULL;
    void *place = front_malloc(size);
    if (!place)
        return NULL;
    memcpy(place, ptr, min_size(size, object.size));
    front_free(ptr);
    return place;
}

/* Anything but a small object that stays small. */
static void *realloc_any(void *ptr, size_t size)
{
    struct object o;

    if (!ptr)
        return front_malloc(size);
    if (size == 0) {
        front_free(ptr);
        return NULL;
    }
    if (UNLIKELY(size > PTRDIFF_MAX))
        return fail(ENOMEM);
    if (UNLIKELY(is_watched(ptr)))
        return realloc_watched(ptr, size);
    find_given(ptr, &o);
    size_t before = o.size;
    if (stays(&o, size)) {
        if (UNLIKELY(observers.tally) && o.class == CLASS_LARGE) {
            observe_large(heap_thread.heap, -(int64_t)before, 0);
            observe_large(heap_thread.heap, (int64_t)(o.slab->slices * SLICE_SIZE), size);
        }
        return ptr;
    }
    void *place = new_place(&o, size);
    if (UNLIKELY(!place))
        return NULL;
    if (UNLIKELY(!move_contents(&o, place, min_size(size, o.size))))
        return fail(ENOMEM);
    front_free(ptr);
    return place;
}

void *front_realloc(void *ptr, size_t size)
{
    struct magazine *magazine = front_magazine(ptr);

    if (UNLIKELY(!magazine || magazine->size > SLAB_MAX || size - 1 >= SLAB_MAX))
        return realloc_any(ptr, size);
    if (size <= magazine->size && size > magazine->size / 2)
        return ptr;
    size_t room = size > magazine->size ? min_size(with_headroom(size), SLAB_MAX) : size;
    void *place = sample_is_due(size) ? front_malloc_slow(size, ROUTINE_MALLOC) : front_take(room, ROUTINE_MALLOC);
    if (LIKELY(place != NULL)) {
        memcpy(place, ptr, min_size(size, magazine->size));
        front_free(ptr);
    }
    return place;
}

void *front_reallocarray(void *ptr, size_t count, size_t size)
{
    size_t bytes;

    if (UNLIKELY(__builtin_mul_overflow(count, size, &bytes)))
        return fail(ENOMEM);
    return front_realloc(ptr, bytes);
}

void *front_aligned(size_t align, size_t size, enum routine routine)
{
    if (align <= ALIGN_NATURAL && size >= align)
        return front_malloc_as(size, routine);
    if (UNLIKELY(align > PTRDIFF_MAX / 2))
        return fail(ENOMEM);
    size = max_size(size, 1);
    unsigned class = class_of_aligned(size, align);
    void *object = sample_is_due(size) || class_is_run(class) ? NULL : front_pop(class);
    return object ? object : take(size, align, false, routine);
}

int front_posix_memalign(void **out, size_t align, size_t size)
{
    int saved = errno;

    if (!is_power_of_two(align) || align % sizeof(void *) != 0)
        return EINVAL;
    void *object = front_aligned(align, size, ROUTINE_MALLOC);
    errno = saved; /* the error is returned, not set */
    if (!object)
        return ENOMEM;
    *out = object;
    return 0;
}

void *front_memalign(size_t align, size_t size)
{
    if (!is_power_of_two(align))
        return fail(EINVAL);
    return front_aligned(align, size, ROUTINE_MALLOC);
}

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

void *front_valloc(size_t size)
{
    return front_aligned(page_size(), size, ROUTINE_MALLOC);
}

void *front_pvalloc(size_t size)
{
    if (UNLIKELY(size > PTRDIFF_MAX))
        return fail(ENOMEM);
    return front_aligned(page_size(), align_up(max_size(size, 1), page_size()), ROUTINE_MALLOC);
}

static size_t usable_watched(const void *ptr)
{
    struct checked object;

    return find_watched(ptr, &object) ? object.size : 0;
}

/* Programs that count their memory call this as often as malloc and free. */
size_t front_usable_size(void *ptr)
{
    const struct magazine *magazine = front_magazine(ptr);
    struct object o;

    if (LIKELY(magazine != NULL))
        return magazine->size;
    if (!ptr)
        return 0;
    if (UNLIKELY(is_watched(ptr)))
        return usable_watched(ptr);
    find_given(ptr, &o);
    return o.size;
}

/* Whether an object of `size` bytes may be one of `o`: realloc leaves in place what has not shrunk to half. */
static bool may_be(const struct object *o, size_t align, size_t size)
{
    if (size > o->size || (uintptr_t)o->start % align != 0)
        return false;
    if (size > o->size / 2)
        return true;
    unsigned class = class_of_aligned(size, align);
    return class == CLASS_COUNT ? o->class == CLASS_LARGE : o->class == class;
}

static void check_size(void *ptr, size_t align, size_t size)
{
    struct object o;

    if (object_find(ptr, &o) != OBJECT_START)
        explain_stop(FAULT_INVALID_FREE, ptr);
    if (!is_power_of_two(align) || !may_be(&o, align, max_size(size, 1)))
        explain_stop(FAULT_WRONG_SIZE, ptr);
}

void front_free_sized(void *ptr, size_t align, size_t size, enum routine routine)
{
    const struct giving giving = {.routine = routine, .size = size, .align = align};

    if (UNLIKELY(check.on || observers.hardened) && ptr) {
        if (give_watched(ptr, &giving))
            return;
        if (observers.hardened)
            check_size(ptr, align ? align : 1, size);
    }
    front_free_as(ptr, routine);
}
