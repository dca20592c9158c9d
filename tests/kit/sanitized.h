/* sanitized.h - whether a sanitizer has memory of its own here, which is terabytes. */
#ifndef LOAM_TEST_SANITIZED_H
#define LOAM_TEST_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

#endif
