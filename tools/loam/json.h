/*
 * json.h - the parts that JSON documents are made of.
 */
#ifndef LOAM_TOOLS_JSON_H
#define LOAM_TOOLS_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json_field {
    const char *name;
    uint64_t value;
};

/* A field of the struct that `s` points to, under its own name. */
#define JSON_FIELD(s, name) ((struct json_field){#name, (s)->name})

/* A string of any bytes, in quotes: what is not UTF-8 becomes U+FFFD, byte by byte. */
void json_string(FILE *out, const char *string);

/* The opening brace of a document about a process, and its first members: "loam", "name", "pid". */
void json_begin(FILE *out, const char *name, int pid);

/* `"a": 1,"b": 2`, with `separator` before each name. */
void json_fields(FILE *out, const char *separator, const struct json_field *fields, size_t count);

#endif
