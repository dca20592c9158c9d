/*
 * shared.cpp - loam/shared.h beside managed_shared_memory of Boost.Interprocess: what it takes to allocate a block and
 * free it, in one process and in four that use one heap.
 */
#include "rounds.h"

#include <boost/interprocess/managed_shared_memory.hpp>
#include <loam/shared.h>
#include <sys/wait.h>
#include <unistd.h>

namespace
{
enum { PROCESSES = 4, LIVE = 1000, PAIR = 64 };
const size_t MEMORY = 64 << 20;
const char *const name = "loam-bench-shared";

loam_shared *heap;
boost::interprocess::managed_shared_memory *boost_heap;

struct loam_way {
    static void *allocate(size_t size)
    {
        return loam_shared_alloc(heap, size);
    }
    static void release(void *block)
    {
        loam_shared_free(heap, block);
    }
};

struct boost_way {
    static void *allocate(size_t size)
    {
        return boost_heap->allocate(size);
    }
    static void release(void *block)
    {
        boost_heap->deallocate(block);
    }
};

template <class way> void pair(size_t times)
{
    for (size_t i = 0; i < times; i++) {
        void *block = way::allocate(PAIR);
        use(block);
        way::release(block);
    }
}

/* A thousand blocks are alive; one of them, at random, is replaced by one of another size. */
template <class way> void churn(size_t times)
{
    void *live[LIVE] = {};
    uint32_t state = (uint32_t)getpid();

    for (size_t i = 0; i < times; i++) {
        state = state * 1664525 + 1013904223;
        void *&block = live[(state >> 8) % LIVE];
        if (block)
            way::release(block);
        block = way::allocate(16 + (state >> 4) % 497);
        use(block);
    }
    for (void *block : live)
        if (block)
            way::release(block);
}

template <void (*work)(size_t)> void in_four(size_t times)
{
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0) {
            work(times);
            _exit(0);
        }
    while (wait(NULL) > 0)
        continue;
}

void compare(const char *title, void (*loam)(size_t), void (*boost)(size_t), size_t times)
{
    subject subjects[] = {{"loam_shared_alloc, loam_shared_free", loam, {}}, {"managed_shared_memory", boost, {}}};

    rounds_run(subjects, 2, times);
    rounds_print(title, subjects, 2);
}
} // namespace

int main()
{
    using namespace boost::interprocess;

    shared_memory_object::remove(name);
    managed_shared_memory segment(create_only, name, MEMORY);
    shared_memory_object::remove(name);
    boost_heap = &segment;
    if (loam_shared_anonymous(MEMORY, &heap) != 0)
        return 1;
    compare("shared: 64 bytes, again and again", pair<loam_way>, pair<boost_way>, 200000);
    compare("shared: 16 to 512 bytes, a thousand alive", churn<loam_way>, churn<boost_way>, 200000);
    compare("shared: 64 bytes, in four processes", in_four<pair<loam_way>>, in_four<pair<boost_way>>, 100000);
    compare("shared: a thousand alive, in four processes", in_four<churn<loam_way>>, in_four<churn<boost_way>>, 100000);
    loam_shared_close(heap);
    return 0;
}
