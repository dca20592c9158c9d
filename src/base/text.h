/*
 * text.h - build text in a fixed buffer, without allocation.
 *
 * What does not fit is cut off; the text is always terminated. Safe in signal handlers and before
 * the C library is ready.
 */
#ifndef LOAM_BASE_TEXT_H
#define LOAM_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
    char *data;
    size_t size; /* bytes of data, the terminator's included */
    size_t length;
};

void text_init(struct text *text, char *data, size_t size);
void text_string(struct text *text, const char *string);
void text_number(struct text *text, uint64_t number);
void text_hex(struct text *text, uint64_t number);

/* A printf of its own: %s char*, %d int, %u uint64_t, %x uint64_t as 0x..., %%. */
void text_format(struct text *text, const char *format, ...);

#endif
