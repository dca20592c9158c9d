/*
 * strings.c - many strings that grow by realloc, a few bytes at a time.
 *
 * Each step appends to a random string; one that has reached its length is freed and started anew. Most steps stay in
 * the size class they are in, so what counts is how soon realloc sees that.
 *
 * Source: the string buffers of the interpreters in D. Detlefs, A. Dosser and B. Zorn, "Memory allocation costs in
 * large C and C++ programs", 1994 (perl, gawk).
 */
#include "workload.h"

enum {
    STRINGS = 4000,
    STEPS = 12000000,
    APPEND_MAX = 24, /* bytes of a step */
    LENGTH_MIN = 32,
    LENGTH_MAX = 2048, /* bytes at which a string ends, uniform */
};

struct string {
    struct object object; /* no data: empty */
    size_t end;           /* bytes at which it ends */
};

static struct string strings[STRINGS];

static void finish(struct string *string)
{
    object_free(string->object);
    string->object = (struct object){0};
}

static void append(struct string *string, size_t length)
{
    struct object old = string->object;
    size_t size = old.size + length;
    unsigned char *data = realloc(old.data, size);

    if (!data)
        fail_no_memory(size);
    if (old.size && data[old.size - 1] != object_mark(old.size))
        fail_corrupted(data, size);
    memset(data + old.size, 'x', length);
    data[0] = data[size - 1] = object_mark(size);
    string->object = (struct object){data, size};
}

void strings_run(const struct job *job)
{
    struct random random = {6};
    size_t steps = job_amount(job, STEPS);

    for (size_t i = 0; i < steps; i++) {
        struct string *string = &strings[random_below(&random, STRINGS)];
        if (string->object.size == 0)
            string->end = random_between(&random, LENGTH_MIN, LENGTH_MAX);
        append(string, random_between(&random, 1, APPEND_MAX));
        if (string->object.size >= string->end)
            finish(string);
    }
    for (size_t i = 0; i < STRINGS; i++)
        if (strings[i].object.size)
            finish(&strings[i]);
}
