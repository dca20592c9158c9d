/* secret_help.h - what tests of secrets share; need() and is_accessible() are for children. */
#ifndef LOAM_TEST_SECRET_HELP_H
#define LOAM_TEST_SECRET_HELP_H

#include <stdbool.h>
#include <stddef.h>

#include <loam/secret.h>

/* A group; the child ends without. */
struct loam_secret_group *need(unsigned flags);

bool is_zero(const unsigned char *data, size_t n);

/* Whether there are protection keys. */
bool have_keys(void);

/* Asked of write(2), which answers instead of a fault. */
bool is_accessible(const void *address);

/* Fail the test unless a child that runs body(NULL) ends by the signal, and has written the report. */
void assert_ends(void (*body)(void *), int number, const char *report);

#endif
