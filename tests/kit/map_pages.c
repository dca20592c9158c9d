/* map_pages.c - the contract of loam/map.h: memory without a file, and how pages are used. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include <loam/map.h>

#include "access.h"
#include "child.h"
#include "files.h"

enum { MIB = 1 << 20 };

static size_t page;

static void test_anonymous_memory_is_zeroes_in_whole_pages(void **state)
{
    struct loam_map map;

    (void)state;
    assert_int_equal(loam_map_anonymous(0, 0, &map), -EINVAL);
    assert_int_equal(loam_map_anonymous(SIZE_MAX, 0, &map), -ENOMEM);
    assert_int_equal(loam_map_anonymous(PTRDIFF_MAX / 2, LOAM_MAP_GUARDED, &map), -ENOMEM);
    assert_int_equal(loam_map_anonymous(page + 1, 0, &map), 0);
    assert_int_equal(map.size, 2 * page);
    for (size_t i = 0; i < map.size; i++)
        assert_int_equal(((char *)map.data)[i], 0);
    memset(map.data, 7, map.size);
    assert_int_equal(loam_map_advise(&map, 0, map.size, LOAM_MAP_ADVICE_DONT_NEED), 0);
    assert_int_equal(((char *)map.data)[page], 7);
    assert_int_equal(loam_map_resize(&map, 1), -EACCES);
    assert_int_equal(loam_map_window(&map, 0, 1), -EINVAL);
    assert_int_equal(loam_map_check(&map), 0);
    loam_map_close(&map);
}

static void test_children_share_what_is_shared(void **state)
{
    struct loam_map shared, own;

    (void)state;
    assert_int_equal(loam_map_anonymous(1, LOAM_MAP_SHARED | LOAM_MAP_PREFAULT, &shared), 0);
    assert_int_equal(loam_map_anonymous(1, LOAM_MAP_PREFAULT, &own), 0);
    assert_child_succeeds(access_store, shared.data);
    assert_child_succeeds(access_store, own.data);
    assert_int_equal(*(char *)shared.data, 1);
    assert_int_equal(*(char *)own.data, 0);
    loam_map_close(&shared);
    loam_map_close(&own);
}

static void test_huge_pages_can_be_placed(void **state)
{
    const struct files *files = *state;
    struct loam_map map;

    assert_int_equal(loam_map_anonymous(5 * MIB, LOAM_MAP_HUGE | LOAM_MAP_GUARDED, &map), 0);
    assert_int_equal((uintptr_t)map.data % (2 * MIB), 0);
    loam_map_close(&map);
    files_write_hole(files, 10 * MIB);
    assert_int_equal(loam_map_open_window(files->path, LOAM_MAP_WRITE | LOAM_MAP_HUGE, 12345, SIZE_MAX, &map), 0);
    assert_int_equal((uintptr_t)map.data % (2 * MIB), 12345);
    memcpy(map.data, "kept", 4);
    assert_int_equal(loam_map_resize(&map, 40 * MIB), 0);
    assert_int_equal((uintptr_t)map.data % (2 * MIB), 12345);
    assert_memory_equal(map.data, "kept", 4);
    loam_map_close(&map);
}

/* One larger than memory is refused, or takes none until it is used (overcommit_memory): nothing is ended for it. */
static void test_a_ring_takes_no_memory_by_itself(void **state)
{
    struct loam_map ring;

    (void)state;
    assert_int_equal(loam_map_ring(SIZE_MAX, &ring), -ENOMEM);
    for (size_t size = (size_t)1 << 40; size < (size_t)1 << 63; size *= 2) {
        int error = loam_map_ring(size, &ring);
        if (!error)
            loam_map_close(&ring);
        else
            assert_int_equal(error, -ENOMEM);
    }
}

static void test_a_ring_wraps_around(void **state)
{
    struct loam_map ring;
    size_t descriptors = files_open_count(), pages = files_address_pages();

    (void)state;
    assert_int_equal(loam_map_ring(0, &ring), -EINVAL);
    assert_int_equal(loam_map_ring(3 * page - 5, &ring), 0);
    assert_int_equal(ring.size, 3 * page);
    char *data = ring.data;
    for (size_t i = 0; i < ring.size; i++)
        data[i + ring.size] = (char)(i * 7);
    for (size_t i = 0; i < ring.size; i++)
        assert_int_equal(data[i], (char)(i * 7));
    memcpy(data + ring.size - 3, "around", 6);
    assert_memory_equal(data, "und", 3);
    assert_int_equal(loam_map_protect(&ring, LOAM_MAP_ACCESS_READ), 0);
    assert_dies(access_store, data, SIGSEGV);
    assert_dies(access_store, data + 2 * ring.size - 1, SIGSEGV);
    loam_map_close(&ring);
    assert_int_equal(files_open_count(), descriptors);
    assert_int_equal(files_address_pages(), pages);
}

/* --- pages --- */

static void test_advice_on_any_range(void **state)
{
    const struct files *files = *state;
    struct loam_map map;

    files_write(files, 50000);
    assert_int_equal(loam_map_open_window(files->path, LOAM_MAP_WRITE, 777, LOAM_MAP_TO_END, &map), 0);
    for (int advice = LOAM_MAP_ADVICE_NORMAL; advice < LOAM_MAP_ADVICE_HUGE; advice++) {
        assert_int_equal(loam_map_advise(&map, 0, map.size, advice), 0);
        assert_int_equal(loam_map_advise(&map, 1, 1, advice), 0);
        assert_int_equal(loam_map_advise(&map, 4000, 20001, advice), 0);
        assert_int_equal(loam_map_advise(&map, map.size, 0, advice), 0);
        assert_int_equal(loam_map_advise(&map, map.size, 1, advice), -EINVAL);
        assert_int_equal(loam_map_advise(&map, 1, SIZE_MAX, advice), -EINVAL);
        assert_int_equal(files_differ(map.data, 777, map.size), 0);
    }
    assert_int_equal(loam_map_advise(&map, 0, 1, 99), -EINVAL);
    loam_map_close(&map);
}

static long count_faults(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

/* Without what sanitizers add, which faults itself. */
__attribute__((no_sanitize_address, no_sanitize_thread)) static void store_to_each_page(const struct loam_map *map)
{
    for (size_t at = 0; at < map->size; at += 4096)
        ((volatile char *)map->data)[at] = 1;
}

static long count_faults_of_stores(struct loam_map *map)
{
    long before = count_faults();

    store_to_each_page(map);
    long faults = count_faults() - before;
    loam_map_close(map);
    return faults;
}

/* Of a file, stores fault once more if it is written to the disk meanwhile, as others sync: so there are some tries. */
static void test_what_is_prefaulted_does_not_fault(void **state)
{
    const struct files *files = *state;
    struct loam_map map;
    long faults = LONG_MAX;

    assert_int_equal(loam_map_anonymous(4 * MIB, LOAM_MAP_PREFAULT, &map), 0);
    assert_in_range(count_faults_of_stores(&map), 0, 100);
    for (int i = 0; i < 20 && faults > 100; i++) {
        files_write_hole(files, 4 * MIB);
        assert_int_equal(loam_map_open(files->path, LOAM_MAP_WRITE, &map), 0);
        assert_int_equal(loam_map_prefault(&map, 5, 4 * MIB - 5), 0);
        faults = count_faults_of_stores(&map);
    }
    assert_in_range(faults, 0, 100);
}

static void test_protection_is_of_the_whole_map(void **state)
{
    struct loam_map map;

    (void)state;
    assert_int_equal(loam_map_anonymous(3 * page, 0, &map), 0);
    char *data = map.data;
    memset(data, 5, map.size);
    assert_int_equal(loam_map_protect(&map, LOAM_MAP_ACCESS_READ), 0);
    assert_dies(access_store, data + map.size - 1, SIGSEGV);
    assert_int_equal(data[0], 5);
    assert_int_equal(loam_map_prefault(&map, 0, 1), -EACCES);
    assert_int_equal(loam_map_protect(&map, LOAM_MAP_ACCESS_NONE), 0);
    assert_dies(access_load, data, SIGSEGV);
    assert_int_equal(loam_map_protect(&map, LOAM_MAP_ACCESS_READ_WRITE), 0);
    data[0] = 6;
    assert_int_equal(loam_map_protect(&map, 99), -EINVAL);
    loam_map_close(&map);
}

static void test_pages_become_a_guard(void **state)
{
    const struct files *files = *state;
    struct loam_map maps[2];

    files_write(files, 8 * page);
    assert_int_equal(loam_map_anonymous(8 * page, 0, &maps[0]), 0);
    assert_int_equal(loam_map_open(files->path, LOAM_MAP_WRITE, &maps[1]), 0);
    for (int i = 0; i < 2; i++) {
        char *data = maps[i].data;
        assert_int_equal(loam_map_guard(&maps[i], page, 2 * page), 0);
        assert_dies(access_load, data + page, SIGSEGV);
        assert_dies(access_store, data + 3 * page - 1, SIGSEGV);
        data[0] = data[3 * page] = 1;
        assert_int_equal(loam_map_guard(&maps[i], 1, page), -EINVAL);
        assert_int_equal(loam_map_guard(&maps[i], 0, 1), -EINVAL);
        assert_int_equal(loam_map_guard(&maps[i], 8 * page, page), -EINVAL);
        assert_int_equal(loam_map_guard(&maps[i], 0, 0), 0);
        loam_map_close(&maps[i]);
    }
}

static void assert_guarded(const struct loam_map *map)
{
    assert_dies(access_load, (char *)map->data - 1, SIGSEGV);
    assert_dies(access_load, (char *)map->data + map->size, SIGSEGV);
}

static void test_guards_are_on_either_side(void **state)
{
    const struct files *files = *state;
    struct loam_map map;

    assert_int_equal(loam_map_anonymous(100, LOAM_MAP_GUARDED, &map), 0);
    assert_guarded(&map);
    loam_map_close(&map);
    files_write(files, 4 * page);
    size_t pages = files_address_pages();
    assert_int_equal(loam_map_open(files->path, LOAM_MAP_WRITE | LOAM_MAP_GUARDED, &map), 0);
    assert_guarded(&map);
    const size_t sizes[] = {300 * page, 2 * page, 3 * page};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(loam_map_resize(&map, sizes[i]), 0);
        assert_guarded(&map);
        assert_int_equal(files_differ(map.data, 0, 2 * page), 0);
    }
    loam_map_close(&map);
    assert_int_equal(files_address_pages(), pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(test_anonymous_memory_is_zeroes_in_whole_pages),
        ON_DISK(test_children_share_what_is_shared),
        ON_DISK(test_huge_pages_can_be_placed),
        ON_DISK(test_a_ring_wraps_around),
        ON_DISK(test_a_ring_takes_no_memory_by_itself),
        ON_DISK(test_advice_on_any_range),
        ON_DISK(test_what_is_prefaulted_does_not_fault),
        ON_DISK(test_protection_is_of_the_whole_map),
        ON_DISK(test_pages_become_a_guard),
        ON_DISK(test_guards_are_on_either_side),
        IN_MEMORY(test_huge_pages_can_be_placed),
        IN_MEMORY(test_advice_on_any_range),
        IN_MEMORY(test_what_is_prefaulted_does_not_fault),
        IN_MEMORY(test_guards_are_on_either_side),
    };

    page = (size_t)sysconf(_SC_PAGESIZE);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
