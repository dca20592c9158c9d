/*
 * mmap.c - mmap(2): memory in whole pages; of its own, shared with a child, and that is a file.
 *
 *                    MAP_PRIVATE                       MAP_SHARED
 *     MAP_ANONYMOUS  zeroes of one's own               zeroes that children see, too
 *     a file         its bytes; writes are a copy's    its bytes; writes go to the file
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 4096 };

static char *map(int flags, int fd)
{
    char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);

    if (memory == MAP_FAILED) /* not NULL */
        err(1, "mmap");
    return memory;
}

static void in_child(char *memory)
{
    pid_t child = fork();

    if (child < 0)
        err(1, "fork");
    if (child == 0) {
        strcpy(memory, "the child's");
        _exit(0);
    }
    if (waitpid(child, NULL, 0) != child)
        err(1, "waitpid");
}

static void anonymous(const char *name, int kind)
{
    char *memory = map(kind | MAP_ANONYMOUS, -1);

    strcpy(memory, "the parent's");
    in_child(memory);
    printf("anonymous, %s: %s\n", name, memory);
    munmap(memory, SIZE);
}

static void of_file(const char *name, int kind)
{
    char path[] = "/tmp/loam-example-XXXXXX", in_file[16] = "";
    int fd = mkstemp(path);
    if (fd < 0)
        err(1, "%s", path);
    unlink(path); /* the file lasts while it is open */
    if (pwrite(fd, "as it was", 10, 0) != 10 || ftruncate(fd, SIZE) != 0)
        err(1, "cannot write the file");

    char *memory = map(kind, fd);
    memcpy(memory, "AS", 2);
    if (kind == MAP_SHARED && msync(memory, SIZE, MS_SYNC) != 0) /* now it is on the disk, too */
        err(1, "msync");
    if (pread(fd, in_file, 10, 0) != 10)
        err(1, "pread");
    printf("a file, %s: memory has \"%s\", the file \"%s\"\n", name, memory, in_file);
    munmap(memory, SIZE);
    close(fd); /* could have been done right after mmap */
}

int main(void)
{
    anonymous("private", MAP_PRIVATE);
    anonymous("shared", MAP_SHARED);
    of_file("private", MAP_PRIVATE);
    of_file("shared", MAP_SHARED);
    return 0;
}
