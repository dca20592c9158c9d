/*
 * child.h - run a piece of a test in a child of its own, which may die.
 */
#ifndef LOAM_TEST_CHILD_H
#define LOAM_TEST_CHILD_H

struct outcome {
    int status;      /* of waitpid(2) */
    char text[4096]; /* the beginning of what the child wrote to stderr */
};

/*
 * Run body(argument) in a forked child, which then exits with 0 by exit(3). It gets no core file, its signals'
 * default actions, and SIGALRM after a minute.
 */
void child_run(void (*body)(void *argument), void *argument, struct outcome *out);

/* Fail the test, showing what the child wrote, unless it exited with 0. */
void assert_child_succeeds(void (*body)(void *argument), void *argument);

/* In the child: exit with 1, saying on stderr what does not hold. */
#define REQUIRE(condition) child_require((condition), #condition, __FILE__, __LINE__)
void child_require(int holds, const char *what, const char *file, int line);

#endif
