/*
 * layout.c - the contract of loam/layout.h.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include <loam/layout.h>
#include <loam/malloc.h>

enum { PAGE = 4096 };

static int in_data = 1;
static char in_bss[100000];
static const char in_read_only[5000] = "constant";

struct wanted {
    uintptr_t address;
    struct loam_segment found;
    int count;
    uintptr_t last_end;
    size_t resident;
};

static int look_for(void *context, const struct loam_segment *segment)
{
    struct wanted *wanted = context;

    assert_true(segment->start < segment->end);
    assert_true(segment->start >= wanted->last_end);
    wanted->last_end = segment->end;
    wanted->resident += segment->resident;
    if (wanted->address >= segment->start && wanted->address < segment->end) {
        wanted->found = *segment;
        wanted->count++;
    }
    return 0;
}

static struct loam_segment segment_of(const void *pointer)
{
    struct wanted wanted = {.address = (uintptr_t)pointer};

    assert_int_equal(loam_layout_walk(look_for, &wanted), 0);
    assert_int_equal(wanted.count, 1);
    return wanted.found;
}

static void segments_of_the_program_have_their_kinds(void **state)
{
    (void)state;
    assert_int_equal(segment_of((void *)(uintptr_t)segment_of).kind, LOAM_SEGMENT_TEXT);
    assert_int_equal(segment_of(in_read_only).kind, LOAM_SEGMENT_READ_ONLY);
    assert_int_equal(segment_of(&in_data).kind, LOAM_SEGMENT_DATA);
    assert_int_equal(segment_of(in_bss + sizeof(in_bss) / 2).kind, LOAM_SEGMENT_BSS);
    assert_int_equal(segment_of((void *)(uintptr_t)segment_of).protection, PROT_READ | PROT_EXEC);
    assert_int_equal(segment_of(&in_data).protection, PROT_READ | PROT_WRITE);
}

/* Between inaccessible pages: the kernel joins what lies beside a mapping of the same kind, a BSS for one. */
static void *map_apart(size_t size)
{
    char *start = mmap(NULL, size + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_int_equal(mprotect(start + PAGE, size, PROT_READ | PROT_WRITE), 0);
    return start + PAGE;
}

static void unmap_apart(void *memory, size_t size)
{
    munmap((char *)memory - PAGE, size + 2 * PAGE);
}

/*
 * From commit 05a1760, where a mapping right above a library's BSS was called BSS. Where the kernel has put the program
 * break so near that the mapping holds it, it calls that the heap.
 */
static void what_is_joined_to_a_bss_is_what_most_of_it_is(void **state)
{
    enum { MUCH = 1 << 24 };
    void *end = (void *)segment_of(in_bss + sizeof(in_bss) / 2).end;
    void *above = mmap(end, MUCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    (void)state;
    bool fits = above != MAP_FAILED, holds_break = fits && (char *)sbrk(0) <= (char *)above + MUCH;
    if (fits && !holds_break)
        assert_int_equal(segment_of(above).kind, LOAM_SEGMENT_ANONYMOUS);
    if (fits)
        munmap(above, MUCH);
    if (!fits || holds_break)
        skip();
    assert_int_equal(segment_of(in_bss + sizeof(in_bss) / 2).kind, LOAM_SEGMENT_BSS);
}

static void mappings_have_their_kinds(void **state)
{
    void *anonymous = map_apart(8192);
    void *shared = mmap(NULL, 8192, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    void *none = mmap(NULL, 8192, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    (void)state;
    memset(anonymous, 1, 4096);
    assert_int_equal(segment_of(anonymous).kind, LOAM_SEGMENT_ANONYMOUS);
    assert_true(segment_of(anonymous).private_dirty >= 4096);
    assert_int_equal(segment_of(shared).kind, LOAM_SEGMENT_SHARED);
    assert_true(segment_of(shared).shared);
    assert_int_equal(segment_of(none).kind, LOAM_SEGMENT_INACCESSIBLE);
    unmap_apart(anonymous, 8192);
    munmap(shared, 8192);
    munmap(none, 8192);
}

static void the_heap_is_told_from_other_memory(void **state)
{
    void *object = memset(loam_malloc(100), 1, 100);
    struct loam_segment segment = segment_of(object);

    (void)state;
    assert_int_equal(segment.kind, LOAM_SEGMENT_HEAP);
    assert_true(segment.resident > 0);
    loam_free(object);
}

static void *find_own_stack(void *unused)
{
    struct loam_segment segment = segment_of(&unused);

    assert_int_equal(segment.kind, LOAM_SEGMENT_STACK);
    assert_int_equal(segment.thread, (int)syscall(SYS_gettid));
    return NULL;
}

static void each_thread_has_its_stack(void **state)
{
    pthread_t thread;

    (void)state;
    find_own_stack(NULL);
    assert_int_equal(pthread_create(&thread, NULL, find_own_stack, NULL), 0);
    pthread_join(thread, NULL);
}

static int stop_at_once(void *context, const struct loam_segment *segment)
{
    (void)segment;
    (*(int *)context)++;
    return 42;
}

static void a_walk_ends_when_the_visitor_wants(void **state)
{
    int count = 0;

    (void)state;
    assert_int_equal(loam_layout_walk(stop_at_once, &count), 42);
    assert_int_equal(count, 1);
}

static void every_kind_has_a_name(void **state)
{
    (void)state;
    for (int kind = 0; kind <= LOAM_SEGMENT_KERNEL; kind++)
        assert_true(strlen(loam_segment_name((enum loam_segment_kind)kind)) > 2);
    assert_string_equal(loam_segment_name((enum loam_segment_kind)(LOAM_SEGMENT_KERNEL + 1)), "");
    assert_string_equal(loam_segment_name((enum loam_segment_kind) - 1), "");
}

static void assert_explained(const void *pointer, const char *words)
{
    char text[1024];
    size_t length = loam_explain(pointer, text, sizeof(text));

    assert_int_equal(length, strlen(text));
    if (!strstr(text, words))
        fail_msg("'%s' is not in: %s", words, text);
}

static void objects_are_explained(void **state)
{
    char *object = loam_malloc(200), *large = loam_malloc(3 << 20);

    (void)state;
    assert_explained(object, "an object of 208 bytes");
    assert_explained(object, "The object is in use.");
    assert_explained(object + 7, "It points 7 bytes into an object of 208 bytes");
    assert_explained(large + 100000, "It points 100000 bytes into an object of 3145728 bytes");
    loam_free(object);
    loam_free(large);
    assert_explained(object, "The object is free");
}

static void other_memory_is_explained(void **state)
{
    int local = 0;
    char words[64];

    (void)state;
    snprintf(words, sizeof(words), "in stack of thread %d", (int)getpid());
    assert_explained(&local, words);
    assert_explained(&in_data, "in data of /");
    assert_explained(NULL, "nor in any mapping of the process");
}

static void an_explanation_is_cut_where_room_ends(void **state)
{
    char text[8] = "1234567";

    (void)state;
    assert_int_equal(loam_explain(&in_data, text, 0), 0);
    assert_string_equal(text, "1234567");
    assert_true(loam_explain(&in_data, text, 5) <= 4);
    assert_int_equal(text[4], '\0');
    assert_int_equal(text[5], '6');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_of_the_program_have_their_kinds),
        cmocka_unit_test(mappings_have_their_kinds),
        cmocka_unit_test(what_is_joined_to_a_bss_is_what_most_of_it_is),
        cmocka_unit_test(the_heap_is_told_from_other_memory),
        cmocka_unit_test(each_thread_has_its_stack),
        cmocka_unit_test(a_walk_ends_when_the_visitor_wants),
        cmocka_unit_test(every_kind_has_a_name),
        cmocka_unit_test(objects_are_explained),
        cmocka_unit_test(other_memory_is_explained),
        cmocka_unit_test(an_explanation_is_cut_where_room_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
