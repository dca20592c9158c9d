/* secret_help.c - see secret_help.h. */
#include "secret_help.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "child.h"

struct loam_secret_group *need(unsigned flags)
{
    struct loam_secret_group *group = loam_secret_group_create("keys", flags);

    REQUIRE(group != NULL);
    return group;
}

bool is_zero(const unsigned char *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (data[i])
            return false;
    return true;
}

bool have_keys(void)
{
    struct loam_secret_group *group = loam_secret_group_create("keys", LOAM_SECRET_KEYS);

    loam_secret_group_destroy(group);
    return group != NULL;
}

bool is_accessible(const void *address)
{
    int ends[2];

    REQUIRE(pipe(ends) == 0);
    bool result = write(ends[1], address, 1) == 1;
    REQUIRE(result || errno == EFAULT);
    close(ends[0]);
    close(ends[1]);
    return result;
}

void assert_ends(void (*body)(void *), int number, const char *report)
{
    struct outcome outcome;

    child_run(body, NULL, &outcome);
    if (!WIFSIGNALED(outcome.status) || WTERMSIG(outcome.status) != number || !strstr(outcome.text, report))
        fail_msg("status 0x%x, expected signal %d and \"%s\": %s", (unsigned)outcome.status, number, report,
                 outcome.text);
}
