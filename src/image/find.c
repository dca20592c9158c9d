/* find.c - see find.h. */
#include "image/find.h"

#include "base/base.h"

const char *const image_state_names[] = {
    [IMAGE_NOWHERE] = "nothing", [IMAGE_TAIL] = "no object",
    [IMAGE_IN_USE] = "in use",   [IMAGE_CACHED] = "freed, and at hand for the thread that had it",
    [IMAGE_FREE] = "free",
};

struct find {
    const struct image *image;
    uintptr_t address;
    struct image_object *out;
    unsigned class;
};

static int take_slab(void *context, const struct image_slab *slab)
{
    struct find *find = context;
    size_t index = (find->address - slab->start) / slab->object_size;

    *find->out = (struct image_object){
        .state = IMAGE_TAIL,
        .slab = slab->start,
        .large = slab->class == IMAGE_LARGE,
        .size = slab->object_size,
        .objects = slab->objects,
        .index = index,
        .start = slab->start + index * slab->object_size,
        .heap = slab->heap,
    };
    find->class = slab->class;
    if (index < slab->objects)
        find->out->state = slab->free_bits[index / WORD_BITS] >> index % WORD_BITS & 1 ? IMAGE_FREE : IMAGE_IN_USE;
    return 0;
}

static int take_heap(void *context, const struct image_heap *heap)
{
    struct find *find = context;

    if (heap->index == find->out->heap)
        find->out->thread = heap->thread;
    return 0;
}

static int take_magazine(void *context, const struct image_magazine *magazine)
{
    struct find *find = context;
    uintptr_t object;

    for (size_t i = 0; magazine->class == find->class && i < magazine->count; i++) {
        int error = image_get(find->image, magazine->slots + i * sizeof(object), &object, sizeof(object));
        if (error)
            return error;
        if (object == find->out->start && find->out->state == IMAGE_IN_USE)
            find->out->state = IMAGE_CACHED;
    }
    return 0;
}

int image_find(const struct image *image, uintptr_t address, struct image_object *out)
{
    struct find find = {.image = image, .address = address, .out = out};
    const struct image_visitor slab = {.slab = take_slab, .context = &find};
    const struct image_visitor heaps = {.heap = take_heap, .magazine = take_magazine, .context = &find};

    *out = (struct image_object){.state = IMAGE_NOWHERE};
    int error = image_walk_at(image, address, &slab);
    return error || out->state == IMAGE_NOWHERE || out->large ? error : image_walk_heaps(image, &heaps);
}
