/*
 * layout.c - where the memory of a process is: text, read-only data, data, BSS, heap, mappings and stack.
 *
 *     stack            grows down from the top
 *     mappings         files, libraries, anonymous memory
 *     program break    what brk(2) moves
 *     BSS              globals without a value: zeroes that the file need not hold
 *     data             globals with one
 *     read-only data   constants
 *     text             machine code
 *
 * loam_layout_walk() of loam/layout.h reads the kernel's list of them, proc_pid_smaps(5), and tells what each one is.
 * The addresses differ from run to run (ASLR); the order does not.
 */
#define _GNU_SOURCE
#include <loam/brk.h>
#include <loam/layout.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static const char constant[] = "a constant";
static int with_value = 1;
static int without_value;

struct search {
    uintptr_t address;
    enum loam_segment_kind kind;
};

static int look_at(void *context, const struct loam_segment *segment)
{
    struct search *search = context;

    if (search->address < segment->start || search->address >= segment->end)
        return 0;
    search->kind = segment->kind;
    return 1; /* ends the walk */
}

static void show(const char *what, const void *where)
{
    struct search search = {.address = (uintptr_t)where};

    if (loam_layout_walk(look_at, &search) != 1)
        errx(1, "%s lies in no segment", what);
    printf("%-24s %s\n", what, loam_segment_name(search.kind));
}

static void compare(const char *what, const void *low, const void *high)
{
    printf("%-40s %s\n", what, (uintptr_t)low < (uintptr_t)high ? "yes" : "no");
}

int main(void)
{
    int local = 0;
    char *object = malloc(100), *below_break = loam_sbrk(4096);
    char *mapping = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!object || below_break == (void *)-1 || mapping == MAP_FAILED)
        err(1, "no memory");

    show("the function main", (const void *)(uintptr_t)main);
    show("a constant", constant);
    show("a global with a value", &with_value);
    show("one without", &without_value);
    show("below the break", below_break);
    show("an object of malloc", object);
    show("memory of mmap", mapping);
    show("a local variable", &local);

    printf("\n");
    compare("text is below read-only data", (const void *)(uintptr_t)main, constant);
    compare("read-only data is below data", constant, &with_value);
    compare("data is below BSS", &with_value, &without_value);
    compare("BSS is below the break", &without_value, below_break);
    compare("the break is below the mappings", below_break, mapping);
    compare("the mappings are below the stack", mapping, &local);
    munmap(mapping, 4096);
    free(object);
    return 0;
}
