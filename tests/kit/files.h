/* files.h - files for tests, in a directory of their own, with bytes that are known from where they are. */
#ifndef LOAM_TEST_FILES_H
#define LOAM_TEST_FILES_H

#include <stddef.h>
#include <stdint.h>

struct files {
    char directory[64];
    char path[80]; /* of a file in it, which files_write() makes */
};

/* Make an empty directory in `where`. Fails the test if that cannot be. */
struct files *files_new(const char *where);

/* Remove it and the file. */
void files_delete(struct files *files);

/* Make the file hold `size` bytes as of files_byte(), or be a hole from end to end. */
void files_write(const struct files *files, size_t size);
void files_write_hole(const struct files *files, uint64_t size);

/* Make it `size` bytes long, as another process would. */
void files_truncate(const struct files *files, uint64_t size);

/* Bytes of the file now, and of the disk that it has; -1 if it is not there. */
int64_t files_size(const struct files *files);
int64_t files_room(const struct files *files);

/* How many of n bytes at `data` are not what the file has at `offset` and on. */
size_t files_differ(const void *data, uint64_t offset, size_t n);
unsigned char files_byte(uint64_t offset);

/* Read by read(2) what the file has. */
void files_read(const struct files *files, uint64_t offset, void *out, size_t n);

/* For cmocka: the state of a test is a directory of its own, on a disk or in memory. */
int files_set_up(void **state);
int files_set_up_in_memory(void **state);
int files_tear_down(void **state);

#define ON_DISK(test)   cmocka_unit_test_setup_teardown(test, files_set_up, files_tear_down)
#define IN_MEMORY(test) cmocka_unit_test_setup_teardown(test, files_set_up_in_memory, files_tear_down)

/* What a test must not leave behind. */
size_t files_open_count(void); /* descriptors */
size_t files_address_pages(void);

#endif
