/* access.c - see access.h. */
#include "access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "child.h"

void access_store(void *address)
{
    *(volatile char *)address = 1;
}

void access_load(void *address)
{
    (void)*(volatile char *)address;
}

void assert_dies(void (*body)(void *address), void *address, int signal)
{
    struct outcome outcome;

    child_run(body, address, &outcome);
    assert_true(WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == signal);
}
