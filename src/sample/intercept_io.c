/*
 * intercept_io.c - read(), fwrite() and their like: what comes from files, or goes there.
 *
 * The whole of what the caller says there is room for must be there, even if less comes; but for fgets(), where what
 * the line took is looked at.
 * Source: C17, 7.21; POSIX.1-2017.
 */
#include "sample/intercept_group.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef ssize_t read_checked(int fd, void *to, size_t size, size_t room);
typedef char *fgets_checked(char *to, size_t room, int size, FILE *file);

static struct {
    __typeof__(read) *read;
    __typeof__(write) *write;
    __typeof__(pread) *pread;
    __typeof__(pwrite) *pwrite;
    __typeof__(recv) *recv;
    __typeof__(send) *send;
    __typeof__(fread) *fread;
    __typeof__(fwrite) *fwrite;
    __typeof__(fgets) *fgets;
    __typeof__(puts) *puts;
    __typeof__(fputs) *fputs;
    read_checked *read_checked;
    fgets_checked *fgets_checked;
} real;

static ssize_t on_read(int fd, void *to, size_t size)
{
    bounds_check(to, size, ACCESS_WRITE, "read");
    return real.read(fd, to, size);
}

static ssize_t on_read_checked(int fd, void *to, size_t size, size_t room)
{
    bounds_check(to, size, ACCESS_WRITE, "read");
    return real.read_checked(fd, to, size, room);
}

static ssize_t on_pread(int fd, void *to, size_t size, off_t offset)
{
    bounds_check(to, size, ACCESS_WRITE, "pread");
    return real.pread(fd, to, size, offset);
}

static ssize_t on_recv(int fd, void *to, size_t size, int flags)
{
    bounds_check(to, size, ACCESS_WRITE, "recv");
    return real.recv(fd, to, size, flags);
}

static ssize_t on_write(int fd, const void *from, size_t size)
{
    bounds_check(from, size, ACCESS_READ, "write");
    return real.write(fd, from, size);
}

static ssize_t on_pwrite(int fd, const void *from, size_t size, off_t offset)
{
    bounds_check(from, size, ACCESS_READ, "pwrite");
    return real.pwrite(fd, from, size, offset);
}

static ssize_t on_send(int fd, const void *from, size_t size, int flags)
{
    bounds_check(from, size, ACCESS_READ, "send");
    return real.send(fd, from, size, flags);
}

static size_t on_fread(void *to, size_t size, size_t count, FILE *file)
{
    bounds_check(to, size * count, ACCESS_WRITE, "fread");
    return real.fread(to, size, count, file);
}

static size_t on_fwrite(const void *from, size_t size, size_t count, FILE *file)
{
    bounds_check(from, size * count, ACCESS_READ, "fwrite");
    return real.fwrite(from, size, count, file);
}

/* The line has been written by then; the room that the caller said there is counts. */
static char *on_fgets(char *to, int size, FILE *file)
{
    bounds_check(to, size > 0, ACCESS_WRITE, "fgets");
    char *line = real.fgets(to, size, file);
    if (line)
        bounds_check(to, strlen(line) + 1, ACCESS_WRITE, "fgets");
    return line;
}

static char *on_fgets_checked(char *to, size_t room, int size, FILE *file)
{
    bounds_check(to, size > 0, ACCESS_WRITE, "fgets");
    char *line = real.fgets_checked(to, room, size, file);
    if (line)
        bounds_check(to, strlen(line) + 1, ACCESS_WRITE, "fgets");
    return line;
}

static int on_puts(const char *s)
{
    bounds_check_string(s, SIZE_MAX, "puts");
    return real.puts(s);
}

static int on_fputs(const char *s, FILE *file)
{
    bounds_check_string(s, SIZE_MAX, "fputs");
    return real.fputs(s, file);
}

static const struct patch patches[] = {
    ROW("read", on_read, read),
    ROW("pread", on_pread, pread),
    ROW("pread64", on_pread, pread),
    ROW("recv", on_recv, recv),
    ROW("write", on_write, write),
    ROW("pwrite", on_pwrite, pwrite),
    ROW("pwrite64", on_pwrite, pwrite),
    ROW("send", on_send, send),
    ROW("fread", on_fread, fread),
    ROW("fwrite", on_fwrite, fwrite),
    ROW("fgets", on_fgets, fgets),
    ROW("puts", on_puts, puts),
    ROW("fputs", on_fputs, fputs),
    ROW("__read_chk", on_read_checked, read_checked),
    ROW("__fgets_chk", on_fgets_checked, fgets_checked),
};

const struct intercept_group intercept_io = {patches, LENGTH(patches)};
