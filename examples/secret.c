/*
 * secret.c - keys with loam/secret.h: locked in memory, accessible only while they are needed, wiped when they are
 * freed.
 *
 * The group is strict: memory that cannot be locked, or kept out of core files and children, is an error. A program
 * that goes on without gives LOAM_SECRET_BEST_EFFORT, and asks loam_secret_status() what was lost.
 */
#define _GNU_SOURCE
#include <loam/secret.h>

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 32 };

static struct loam_secret_group *keys;

static void allow(enum loam_secret_access access)
{
    if (loam_secret_access(keys, access) != 0)
        err(1, "loam_secret_access");
}

/* From a source of keys to where it stays, and no copy in between. After this a stray read of it is a fault. */
static unsigned char *make_key(void)
{
    unsigned char *key = loam_secret_alloc(keys, SIZE);

    if (!key || getrandom(key, SIZE, 0) != SIZE)
        err(1, "make_key");
    allow(LOAM_SECRET_NONE);
    return key;
}

/* Open only as long as this takes; and how long that is does not tell where they differ. */
static int is_key(const unsigned char *key, const unsigned char *offered)
{
    allow(LOAM_SECRET_READ);
    int same = loam_secret_equal(key, offered, SIZE);
    allow(LOAM_SECRET_NONE);
    return same;
}

static int is_zero_in_child(const unsigned char *key)
{
    static const unsigned char zeroes[SIZE];
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        _exit(is_key(key, zeroes));
    if (child < 0 || waitpid(child, &status, 0) < 0)
        err(1, "fork");
    return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void show(const char *when)
{
    struct loam_secret_status status;

    loam_secret_status(keys, &status);
    printf("%s: secrets %zu, bytes %zu, %s\n", when, status.secrets, status.bytes,
           status.unlocked || status.lost ? "not all is locked" : "all is locked");
}

int main(void)
{
    unsigned char offered[SIZE]; /* as it came from elsewhere */

    keys = loam_secret_group_create("keys", 0);
    if (!keys)
        err(1, "loam_secret_group_create");
    unsigned char *key = make_key();
    show("made");

    allow(LOAM_SECRET_READ);
    memcpy(offered, key, SIZE);
    allow(LOAM_SECRET_NONE);
    printf("the same: %s\n", is_key(key, offered) ? "accepted" : "refused");
    offered[SIZE - 1] ^= 1;
    printf("one bit changed: %s\n", is_key(key, offered) ? "accepted" : "refused");
    loam_secret_wipe(offered, SIZE); /* it is on the stack: the compiler would leave out a memset */
    printf("the same in a forked child: %s\n", is_zero_in_child(key) ? "zeroes" : "the key");

    loam_secret_free(key); /* wiped, although the group is closed */
    show("freed");
    loam_secret_group_destroy(keys);
    return 0;
}
