/*
 * harness.h - what all stress programs share: options, random numbers, sizes, objects with a pattern, and failure.
 *
 * Every program prints its seed. With the same seed, options and one thread it does the same again.
 */
#ifndef LOAM_STRESS_HARNESS_H
#define LOAM_STRESS_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MAX_THREADS = 64,
};

struct options {
    uint64_t seed;       /* --seed N; else from the kernel */
    unsigned threads;    /* --threads N */
    uint64_t operations; /* --operations N: of each thread, times LOAM_TEST_SCALE; each program says what one is */
    double seconds;      /* --seconds N: repeat for so long; else 0, once */
    const char *mode;    /* --mode NAME, where a program has several */
};
extern struct options options;

/* Take the command line over `defaults` into `options`, and print what came of it. Exits on a wrong command line. */
void harness_start(int argc, char **argv, struct options defaults);

/* Is it time to stop? Once `rounds` of the program's rounds are done, or after --seconds where given. */
bool harness_done(unsigned rounds);

/* Exit with 1, saying why and from which seed. */
#define FAIL(...) harness_fail(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void harness_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Fail unless the heap is valid. No other thread may allocate. */
void harness_validate(const char *when);

/* Run `body` in options.threads threads, with 0, 1, ... as argument, and wait for all. */
void harness_run_threads(void (*body)(unsigned index));

/* A generator of random numbers for one thread. */
struct random {
    uint64_t state;
};
struct random random_start(uint64_t stream);
uint64_t random_next(struct random *random);
uint64_t random_below(struct random *random, uint64_t limit);

/* Mostly small; as many bytes in the large sizes, up to `limit` bytes, as in the small ones. */
size_t random_size(struct random *random, size_t limit);

/*
 * An object of the allocator under test. Every byte of it carries a pattern made of seed, address and size; so an
 * object that another writes to, or that two own, is found when it is next looked at.
 */
struct object {
    void *memory; /* NULL: none */
    size_t size;
    enum { BY_MALLOC, BY_ALIGNED_ALLOC, BY_OTHER } origin; /* which of the sized frees may be used */
    size_t alignment;                                      /* as given to aligned_alloc */
};

/* Allocate by malloc(). */
void object_malloc(struct object *object, size_t size);

/* Allocate by one of all the ways there are, alignments among them. */
void object_allocate(struct object *object, struct random *random, size_t size);

/* Check every byte, then resize; to 0 is to free. */
void object_resize(struct object *object, size_t size);

/* Check every byte, then free. */
void object_free(struct object *object);

/* Check every byte. */
void object_check(const struct object *object);

#endif
