/*
 * shorten.c - to be preloaded: when the program calls the function SHORTER_IN, the file SHORTER_FILE is made
 * SHORTER_SIZE bytes long, as another might do at that moment. fstat: when that file is the one asked about.
 */
#include <fcntl.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void shorten_in(const char *function, const struct stat *file)
{
    const char *path = getenv("SHORTER_FILE"), *in = getenv("SHORTER_IN"), *to = getenv("SHORTER_SIZE");
    struct stat named;

    if (!path || !in || !to || strcmp(in, function) != 0 || stat(path, &named) < 0)
        return;
    if ((!file || (file->st_ino == named.st_ino && file->st_dev == named.st_dev)) && truncate(path, atol(to)) < 0)
        abort();
}

int fstat(int fd, struct stat *out)
{
    int result = fstatat(fd, "", out, AT_EMPTY_PATH);

    if (result == 0)
        shorten_in("fstat", out);
    return result;
}

/* Every user is a stranger. */
struct passwd *getpwuid(uid_t user)
{
    (void)user;
    shorten_in("getpwuid", NULL);
    return NULL;
}
