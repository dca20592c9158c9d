/*
 * library.c - see library.h.
 *
 * The dynamic loader only mutters when it cannot preload a library, and starts the program without it. So what it
 * would refuse is refused here, where it can be explained.
 */
#include "library.h"

#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where it lies, seen from the command's directory. */
static const char *const places[] = {
    "libloam.so",
    "../lib/libloam.so",
#ifdef LOAM_MULTIARCH
    "../lib/" LOAM_MULTIARCH "/libloam.so",
#endif
    "../lib64/libloam.so",
};

enum { PLACE_COUNT = sizeof(places) / sizeof(places[0]) };

/* The directory of this command's executable, symbolic links resolved. */
static int own_directory(char *directory, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", directory, size);

    if (length < 0)
        return -errno;
    if ((size_t)length == size)
        return -ENAMETOOLONG;
    directory[length] = '\0';
    char *slash = strrchr(directory, '/');
    if (!slash)
        return -ENOENT; /* an executable out of reach, as in another mount namespace */
    *slash = '\0';
    return 0;
}

static int check(const struct library *library)
{
    if (library->file.type != ET_DYN || library->file.loader[0] || !elf_file_native(&library->file)) {
        warnx("%s is not a shared library for this machine", library->path);
        return -ENOEXEC;
    }
    if (strpbrk(library->path, " :\t\n")) {
        warnx("%s: LD_PRELOAD cannot name a path with spaces or colons in it; move or link loam elsewhere",
              library->path);
        return -EINVAL;
    }
    return 0;
}

static int open_library(const char *name, struct library *out)
{
    if (!realpath(name, out->path))
        return -errno;
    int fd = open(out->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    int error = elf_file_read(fd, &out->file);
    close(fd);
    return error;
}

static int find_named(const char *name, struct library *out)
{
    int error = open_library(name, out);

    if (!error)
        return check(out);
    if (error == -ENOEXEC)
        warnx("LOAM_LIBRARY=%s: it is not a shared library", name);
    else
        warnx("LOAM_LIBRARY=%s: %s", name, strerror(-error));
    return error;
}

static int find_beside(const char *directory, struct library *out)
{
    char name[2 * PATH_MAX];

    for (int i = 0; i < PLACE_COUNT; i++) {
        snprintf(name, sizeof(name), "%s/%s", directory, places[i]);
        int error = open_library(name, out);
        if (!error)
            return check(out);
        if (error != -ENOENT && error != -ENOTDIR) {
            warnx("%s: %s", name, error == -ENOEXEC ? "it is not a shared library" : strerror(-error));
            return error;
        }
    }
    warnx("cannot find libloam.so: it is neither in %s, where the command is, nor in the lib directory beside it; "
          "LOAM_LIBRARY=FILE names another",
          directory);
    return -ENOENT;
}

int library_find_other(const struct library *library, const char *file, struct library *out)
{
    char name[PATH_MAX + NAME_MAX + 1];
    int directory = (int)(strrchr(library->path, '/') - library->path);

    snprintf(name, sizeof(name), "%.*s/%s", directory, library->path, file);
    int error = open_library(name, out);
    if (!error)
        return check(out);
    warnx("%s, which belongs beside libloam.so: %s", name,
          error == -ENOEXEC ? "it is not a shared library" : strerror(-error));
    return error;
}

int library_find(struct library *out)
{
    const char *name = getenv("LOAM_LIBRARY");
    char directory[PATH_MAX];

    if (name && *name)
        return find_named(name, out);
    int error = own_directory(directory, sizeof(directory));
    if (!error)
        return find_beside(directory, out);
    warnx("cannot tell where this command is: /proc/self/exe: %s; LOAM_LIBRARY=FILE names the library",
          strerror(-error));
    return error;
}
