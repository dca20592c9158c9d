/* harness.c - see harness.h. */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"

#include "allocator.h"

struct options options;

static struct timespec started;

static uint64_t number(const char *text)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 0);

    if (*text == '\0' || *end != '\0') {
        fprintf(stderr, "%s is not a number\n", text);
        exit(2);
    }
    return value;
}

static void take_option(int option)
{
    switch (option) {
    case 's':
        options.seed = number(optarg);
        break;
    case 't':
        options.threads = (unsigned)number(optarg);
        break;
    case 'o':
        options.operations = number(optarg);
        break;
    case 'd':
        options.seconds = (double)number(optarg);
        break;
    case 'm':
        options.mode = optarg;
        break;
    default:
        exit(2);
    }
}

void harness_start(int argc, char **argv, struct options defaults)
{
    const struct option known[] = {
        {"seed", required_argument, NULL, 's'},       {"threads", required_argument, NULL, 't'},
        {"operations", required_argument, NULL, 'o'}, {"seconds", required_argument, NULL, 'd'},
        {"mode", required_argument, NULL, 'm'},       {NULL, 0, NULL, 0},
    };
    int option;

    options = defaults;
    if (getrandom(&options.seed, sizeof(options.seed), 0) != sizeof(options.seed))
        options.seed = (uint64_t)getpid();
    options.seed >>= 32; /* short enough to be typed */
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        take_option(option);
    if (options.threads < 1 || options.threads > MAX_THREADS) {
        fprintf(stderr, "--threads is from 1 to %d\n", MAX_THREADS);
        exit(2);
    }
    clock_gettime(CLOCK_MONOTONIC, &started);
    setvbuf(stdout, NULL, _IOLBF, 0); /* what was printed is there when the program fails */
    printf("--seed %" PRIu64 " --threads %u --operations %" PRIu64 "%s%s\n", options.seed, options.threads,
           options.operations, options.mode ? " --mode " : "", options.mode ? options.mode : "");
    options.operations = scaled(options.operations);
}

bool harness_done(unsigned rounds)
{
    static unsigned done;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (options.seconds > 0)
        return (double)(now.tv_sec - started.tv_sec) + 1e-9 * (double)(now.tv_nsec - started.tv_nsec) >=
               options.seconds;
    return done++ == rounds;
}

void harness_fail(const char *file, int line, const char *format, ...)
{
    char message[500];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    dprintf(STDERR_FILENO, "%s:%d: with --seed %" PRIu64 " --threads %u: %s\n", file, line, options.seed,
            options.threads, message);
    _exit(1);
}

void harness_validate(const char *when)
{
    int faults = heap_validate();

    if (faults != 0)
        FAIL("the heap has %d faults %s", faults, when);
}

struct start {
    void (*body)(unsigned index);
    unsigned index;
};

static void *run_body(void *argument)
{
    struct start *start = argument;

    start->body(start->index);
    return NULL;
}

void harness_run_threads(void (*body)(unsigned index))
{
    pthread_t threads[MAX_THREADS];
    struct start starts[MAX_THREADS];

    for (unsigned i = 0; i < options.threads; i++) {
        starts[i] = (struct start){body, i};
        if (pthread_create(&threads[i], NULL, run_body, &starts[i]) != 0)
            FAIL("no thread %u", i);
    }
    for (unsigned i = 0; i < options.threads; i++)
        pthread_join(threads[i], NULL);
}

struct random random_start(uint64_t stream)
{
    return (struct random){mix(options.seed, stream)};
}

uint64_t random_next(struct random *random)
{
    return mix(random->state++, 0x1051);
}

uint64_t random_below(struct random *random, uint64_t limit)
{
    return random_next(random) % limit;
}

/* One in 32 is from a scale of its own, all scales being equally likely; the others halve with every doubling. */
size_t random_size(struct random *random, size_t limit)
{
    uint64_t number = random_next(random);
    unsigned scales = 64 - (unsigned)__builtin_clzl(limit);
    unsigned scale =
        number % 32 == 0 ? (unsigned)random_below(random, scales) : 5 + (unsigned)__builtin_ctzl(number >> 8 | 1 << 12);
    size_t size = (size_t)random_below(random, (uint64_t)1 << (scale + 1));

    return size <= limit ? size : limit;
}

static uint64_t key_of(const struct object *object)
{
    return mix(mix(options.seed, object->size), (uintptr_t)object->memory);
}

/* One of the alignments that programs use, and now and then one that they do not. */
static size_t random_alignment(struct random *random)
{
    uint64_t number = random_next(random);

    return (size_t)8 << (number % 16 != 0 ? number / 16 % 6 : number / 16 % 16);
}

static void allocate_aligned(struct object *object, struct random *random)
{
    size_t alignment = random_alignment(random);

    object->origin = random_below(random, 2) ? BY_ALIGNED_ALLOC : BY_OTHER;
    object->alignment = alignment;
    if (object->origin == BY_ALIGNED_ALLOC)
        object->memory = aligned_alloc(alignment, object->size);
    else if (posix_memalign(&object->memory, alignment, object->size) != 0)
        object->memory = NULL;
    if ((uintptr_t)object->memory % alignment != 0)
        FAIL("%p is not aligned to %zu", object->memory, alignment);
}

static void allocate_zeroed(struct object *object)
{
    object->memory = calloc(1, object->size);
    if (object->memory && !all_zero(object->memory, object->size))
        FAIL("calloc(1, %zu) at %p is not zero", object->size, object->memory);
}

static void take_into_use(struct object *object)
{
    if (!object->memory)
        FAIL("no memory of %zu bytes: %s", object->size, strerror(errno));
    if (malloc_usable_size(object->memory) < object->size)
        FAIL("%p has %zu usable bytes instead of %zu", object->memory, malloc_usable_size(object->memory),
             object->size);
    pattern_write(object->memory, object->size, key_of(object));
}

void object_malloc(struct object *object, size_t size)
{
    *object = (struct object){.memory = malloc(size), .size = size, .origin = BY_MALLOC};
    take_into_use(object);
}

void object_allocate(struct object *object, struct random *random, size_t size)
{
    uint64_t way = random_below(random, 16);

    *object = (struct object){.size = size, .origin = BY_MALLOC};
    if (way < 2)
        allocate_aligned(object, random);
    else if (way < 4)
        allocate_zeroed(object);
    else if (way < 6)
        object->memory = realloc(NULL, size);
    else
        object->memory = malloc(size);
    take_into_use(object);
}

static void check_bytes(const struct object *object, size_t size, uint64_t key, const char *when)
{
    size_t same = pattern_compare(object->memory, size, key);

    if (same != size)
        FAIL("%p of %zu bytes is damaged at byte %zu %s", object->memory, object->size, same, when);
}

void object_check(const struct object *object)
{
    check_bytes(object, object->size, key_of(object), "while in use");
}

void object_resize(struct object *object, size_t size)
{
    uint64_t key = key_of(object);
    size_t kept = size < object->size ? size : object->size;
    void *memory;

    object_check(object);
    memory = realloc(object->memory, size);
    if (!memory && size != 0)
        FAIL("no memory to make %zu bytes %zu: %s", object->size, size, strerror(errno));
    *object = (struct object){.memory = memory, .size = size, .origin = BY_MALLOC};
    if (!memory)
        return; /* resizing to 0 frees */
    check_bytes(object, kept, key, "by realloc");
    pattern_write(memory, size, key_of(object));
}

void object_free(struct object *object)
{
    bool sized = object->size & 1; /* as good a choice as any */

    object_check(object);
    if (sized && object->origin == BY_MALLOC && optional.free_sized)
        optional.free_sized(object->memory, object->size);
    else if (sized && object->origin == BY_ALIGNED_ALLOC && optional.free_aligned_sized)
        optional.free_aligned_sized(object->memory, object->alignment, object->size);
    else
        free(object->memory);
    object->memory = NULL;
}
