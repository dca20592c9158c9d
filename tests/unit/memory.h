/*
 * memory.h - what the tests do to memory: mark it, look at the mark again, ask how much of it is resident.
 */
#ifndef LOAM_TEST_MEMORY_H
#define LOAM_TEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KIB = 1024,
    MIB = 1024 * KIB,
    GIB = 1024 * MIB,
};

/* A well-mixed number made of two. */
uint64_t mix(uint64_t a, uint64_t b);

/* Fill `size` bytes with the pattern of `key`. A shorter pattern is the beginning of a longer one. */
void pattern_write(void *memory, size_t size, uint64_t key);

/* The offset of the first byte that is not as pattern_write() left it; `size` when every byte is. */
size_t pattern_compare(const void *memory, size_t size, uint64_t key);

/* Are all `size` bytes zero? */
bool all_zero(const void *memory, size_t size);

/* The process's resident memory, in bytes. */
size_t resident_bytes(void);

/* LOAM_TEST_SCALE times `count`: how much longer than usual the tests are to run. */
uint64_t scaled(uint64_t count);

#endif
