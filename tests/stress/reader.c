/*
 * reader.c - read a process's heap from outside while its threads allocate and free as fast as they can.
 *
 * An operation is one reading. Each must succeed and fit together; when the threads have come to rest, it must tell to
 * the byte what the process itself is told.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "image/figures.h"
#include "memory.h"
#include "objects.h"

#include "allocator.h"

enum {
    OWN = 2000, /* objects of each thread, at most */
    LARGEST = 4 * MIB,
    SPACE_MAX = 8, /* how many times what is alive at most, the heap may have committed by a reading */
};

/* Between the process that is read and the one that reads. */
static struct shared {
    atomic_bool started, stop, quiet, end;
    atomic_uint resting; /* threads */
    struct mallinfo2 told;
} * shared;

/* --- the process that is read --- */

static void allocate_and_free(unsigned index)
{
    struct random random = random_start(index);
    void **own = calloc(OWN, sizeof(*own));

    while (!shared->stop) {
        void **slot = &own[random_below(&random, OWN)];
        free(*slot);
        *slot = random_below(&random, 2) ? malloc(1 + random_size(&random, LARGEST)) : NULL;
        shared->started = true;
    }
    if (atomic_fetch_add(&shared->resting, 1) + 1 == options.threads) {
        mallinfo2(); /* the first call may itself allocate */
        shared->told = mallinfo2();
        shared->quiet = true;
    }
    while (!shared->end)
        usleep(1000);
}

static _Noreturn void be_read(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    harness_run_threads(allocate_and_free);
    _exit(0);
}

/* --- the process that reads --- */

static int copy(void *context, uintptr_t address, void *to, size_t size)
{
    struct iovec local = {.iov_base = to, .iov_len = size}, remote = {.iov_base = (void *)address, .iov_len = size};

    return process_vm_readv(*(pid_t *)context, &local, 1, &remote, 1, 0) == (ssize_t)size ? 0 : -1;
}

static uintptr_t root(void)
{
#ifdef LOAM_TEST_OWN_NAMES
    extern const char loam_image[];
    return (uintptr_t)loam_image;
#else
    return (uintptr_t)dlsym(RTLD_DEFAULT, "loam_image");
#endif
}

static void check_class(const struct class_figures *c, const struct image_class *class)
{
    if (figures_objects(c) != c->slabs * class->objects || c->span != c->slabs * class->span)
        FAIL("%lu objects of %lu bytes, %lu of them live, in %lu slabs of %zu", figures_objects(c), c->object_size,
             c->live, c->slabs, class->objects);
}

static void check(const struct figures *f, const struct image *image)
{
    uint64_t span = f->large.span;

    for (unsigned class = 0; class < f->class_count; class ++) {
        check_class(&f->classes[class], &image->classes[class]);
        span += f->classes[class].span;
    }
    /* A large object that came and went while its neighbours were read may be counted with what follows it. */
    if (span > SPACE_MAX * f->committed)
        FAIL("slabs of %lu bytes in %lu committed", span, f->committed);
    if (f->heaps > options.threads + 1 || f->heaps_in_use > options.threads + 1)
        FAIL("%lu heaps, %lu in use", f->heaps, f->heaps_in_use);
}

static void count_objects(const struct image *image, struct figures *out)
{
    struct objects objects;

    if (objects_read(image, &objects) != 0)
        FAIL("objects cannot be read");
    for (size_t i = 0; i < objects.slab_count; i++) {
        struct object_place place = {.slab = &objects.slabs[i]};
        for (; place.index < place.slab->objects; place.index++)
            if (object_is(place, OBJECT_LIVE)) {
                out->live_objects++;
                out->live_bytes += place.slab->object_size;
            }
    }
    objects_free(&objects);
}

static void read_once(struct image_source *source, struct figures *figures, struct image *image)
{
    int error = image_open(source, root(), image);

    if (!error)
        error = figures_read(source, root(), figures);
    if (error)
        FAIL("reading failed: %s", strerror(-error));
}

static void compare_at_rest(struct image_source *source)
{
    struct figures figures, counted = {.live_bytes = 0};
    struct image image;

    read_once(source, &figures, &image);
    check(&figures, &image);
    if (figures.live_bytes != shared->told.uordblks + shared->told.hblkhd ||
        figures.cached_bytes != shared->told.fsmblks)
        FAIL("%lu bytes live, %lu cached; it is told %zu, %zu", figures.live_bytes, figures.cached_bytes,
             shared->told.uordblks + shared->told.hblkhd, shared->told.fsmblks);
    count_objects(&image, &counted);
    if (counted.live_bytes != figures.live_bytes || counted.live_objects != figures.live_objects)
        FAIL("%lu objects of %lu bytes one by one, %lu of %lu by class", counted.live_objects, counted.live_bytes,
             figures.live_objects, figures.live_bytes);
}

static void read_many(pid_t pid)
{
    struct image_source source = {.read = copy, .context = &pid};
    struct figures figures;
    struct image image;

    while (!shared->started)
        sched_yield();
    for (uint64_t i = 0; i < options.operations; i++) {
        read_once(&source, &figures, &image);
        if (i > 0)
            check(&figures, &image);
    }
    shared->stop = true;
    while (!shared->quiet)
        sched_yield();
    compare_at_rest(&source);
    shared->end = true;
}

int main(int argc, char **argv)
{
    int status;

    harness_start(argc, argv, (struct options){.threads = 4, .operations = 10000});
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        FAIL("no memory");
    pid_t pid = fork();
    if (pid == 0)
        be_read();
    read_many(pid);
    if (waitpid(pid, &status, 0) != pid || status != 0)
        FAIL("the process that was read ended with %x", status);
    return 0;
}
