/* access.h - single accesses, and that one ends the process. */
#ifndef LOAM_TEST_ACCESS_H
#define LOAM_TEST_ACCESS_H

void access_store(void *address);
void access_load(void *address);

/* Fail the test unless body(address) ends a child by the signal. */
void assert_dies(void (*body)(void *address), void *address, int signal);

#endif
