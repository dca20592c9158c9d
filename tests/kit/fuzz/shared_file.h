/*
 * shared_file.h - a heap's file as others may write to it: any word of it, at any time.
 *
 * It begins as a copy of a heap that has been used, or as one that has not; the input says what becomes of it.
 */
#ifndef LOAM_KIT_FUZZ_SHARED_FILE_H
#define LOAM_KIT_FUZZ_SHARED_FILE_H

#include "fuzz.h"

enum { FILE_SLICES = 16 };

/* The file, made anew; the descriptor is the caller's to close. */
int file_new(struct input *input);

/* Change what is in it, or its size. Never makes it smaller: who may do that can have anyone get SIGBUS. */
void file_harm(int fd, struct input *input);

/* Make it smaller, before anyone has attached. */
void file_cut(int fd, struct input *input);

/* An offset of a word in it, mostly where something is. */
uint64_t file_offset(struct input *input);

#endif
