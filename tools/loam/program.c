/*
 * program.c - see program.h.
 *
 * Everything found here would also come to light later: as an error of execve(2), as a mutter of the dynamic loader,
 * or, worst, as a program that quietly runs on another heap. Between the check and the start the file can change;
 * then it comes to light later.
 */
#include "program.h"

#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
    SCRIPT_LINE = 256,    /* bytes of a script's first line that Linux reads */
    INTERPRETERS_MAX = 5, /* interpreters of interpreters that Linux follows */
    SUBJECT_MAX = 2 * PATH_MAX,
};

/* The file under examination: the program, or an interpreter on the way to it. */
struct subject {
    const char *path;
    const char *name; /* what messages call it */
    const struct elf_file *library;
    int fd;
    int depth; /* interpreters passed */
};

static int check_file(struct subject *subject);

int program_prepare(const char *name, char path[PATH_MAX], struct library *library)
{
    if (library_find(library) < 0)
        return EXIT_OWN_FAILURE;
    int status = program_find(name, path);
    return status ? status : program_check(name, path, &library->file);
}

int program_exit_status(int error)
{
    return error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_START;
}

/* Say why, as perror(3), and give the exit status for it. */
static int refuse(const char *name, int error)
{
    warnx("%s: %s", name, strerror(error));
    return program_exit_status(error);
}

/* Whether execve(2) would take the file at `path`. Returns 0 or -errno. */
static int executable(const char *path)
{
    struct stat status;

    if (stat(path, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EACCES;
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/* The first executable `name` in the directories of $PATH; an empty one is the current. Returns 0 or -errno. */
static int search(const char *name, char path[PATH_MAX])
{
    const char *directories = getenv("PATH");
    int result = -ENOENT;

    if (!directories)
        directories = "/bin:/usr/bin"; /* execvp(3) */
    for (const char *at = directories;; at++) {
        int length = (int)strcspn(at, ":");
        int n = snprintf(path, PATH_MAX, "%.*s/%s", length ? length : 1, length ? at : ".", name);
        int error = n < PATH_MAX ? executable(path) : -ENAMETOOLONG;
        if (!error)
            return 0;
        if (error == -EACCES)
            result = error; /* a later directory may do, but if none does, this says more than ENOENT */
        at += length;
        if (!*at)
            return result;
    }
}

int program_find(const char *name, char path[PATH_MAX])
{
    int error;

    if (strchr(name, '/')) {
        error = snprintf(path, PATH_MAX, "%s", name) < PATH_MAX ? executable(path) : -ENAMETOOLONG;
    } else {
        error = *name ? search(name, path) : -ENOENT;
        if (error == -ENOENT) {
            warnx("%s: command not found", *name ? name : "''");
            return EXIT_NOT_FOUND;
        }
    }
    return error ? refuse(name, -error) : 0;
}

/* Put the interpreter of a script that begins with `line` into `path`. Returns whether it names one. */
static bool script_interpreter(const char *line, char path[SCRIPT_LINE])
{
    const char *at = line + 2;

    at += strspn(at, " \t");
    size_t length = strcspn(at, " \t\n");
    memcpy(path, at, length);
    path[length] = '\0';
    return length > 0;
}

static int check_interpreter(const struct subject *script, const char *path)
{
    char name[SUBJECT_MAX];
    struct subject next = {.path = path, .name = name, .library = script->library, .depth = script->depth + 1};

    snprintf(name, sizeof(name), "%s: its interpreter %s", script->name, path);
    if (next.depth > INTERPRETERS_MAX)
        return refuse(script->name, ELOOP);
    int error = executable(path);
    return error ? refuse(name, -error) : check_file(&next);
}

/*
 * Linux and the loader ignore LD_PRELOAD in a program that is to have rights that its caller has not. On a file
 * system mounted nosuid, or under no_new_privs, a file gives none.
 */
static bool rights_are_given(const char *path)
{
    struct statvfs mount;

    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
        return false;
    return statvfs(path, &mount) < 0 || !(mount.f_flag & ST_NOSUID);
}

/* Source: bprm_fill_uid() and cap_bprm_creds_from_file() of Linux. */
static int check_rights(const struct subject *subject)
{
    struct stat status;
    const char *what = NULL;

    if (stat(subject->path, &status) < 0)
        return refuse(subject->name, errno);
    if ((status.st_mode & S_ISUID) && status.st_uid != getuid())
        what = "set-uid";
    else if ((status.st_mode & S_ISGID) && (status.st_mode & S_IXGRP) && status.st_gid != getgid())
        what = "set-gid";
    else if (getuid() != 0 && getxattr(subject->path, "security.capability", NULL, 0) > 0)
        what = "given capabilities by its file";
    if (!what || !rights_are_given(subject->path))
        return 0;
    warnx("%s is %s: Linux lets no caller preload a library into a program with more rights than its own.\n"
          "Run loam as the user who has them, or take a copy of the program without.",
          subject->name, what);
    return EXIT_CANNOT_START;
}

static int check_loader(const struct subject *subject, const char *loader)
{
    int error = executable(loader);

    if (!error)
        return 0;
    warnx("%s: it needs the dynamic loader %s: %s", subject->name, loader, strerror(-error));
    return program_exit_status(-error);
}

static int check_elf(const struct subject *subject)
{
    struct elf_file file;
    int error = elf_file_read(subject->fd, &file);

    if (error)
        return refuse(subject->name, -error);
    if (!elf_file_same_processor(&file, subject->library)) {
        warnx("%s is a program for another processor, or of another word size, than libloam.so is built for.\n"
              "Start it with a loam that is built for it.",
              subject->name);
        return EXIT_CANNOT_START;
    }
    if (file.type != ET_EXEC && file.type != ET_DYN)
        return refuse(subject->name, ENOEXEC);
    if (!file.loader[0]) {
        warnx("%s is statically linked: its malloc is built in, and nothing can be preloaded into it.\n"
              "Link it dynamically, or with libloam.a.",
              subject->name);
        return EXIT_CANNOT_START;
    }
    return check_loader(subject, file.loader);
}

/* By its first bytes: a script, an ELF file, or text that execvp(3) gives to the shell. */
static int check_contents(const struct subject *subject)
{
    char line[SCRIPT_LINE + 1] = {0};
    char path[SCRIPT_LINE];

    if (pread(subject->fd, line, SCRIPT_LINE, 0) < 0)
        return refuse(subject->name, errno);
    if (memcmp(line, ELFMAG, SELFMAG) == 0) {
        int status = check_rights(subject);
        return status ? status : check_elf(subject);
    }
    if (memcmp(line, "#!", 2) != 0)
        return check_interpreter(subject, "/bin/sh");
    return script_interpreter(line, path) ? check_interpreter(subject, path) : refuse(subject->name, ENOEXEC);
}

static int check_file(struct subject *subject)
{
    subject->fd = open(subject->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (subject->fd < 0 && errno == EACCES)
        return check_rights(subject); /* may be executed but not read; what else it is, will show */
    if (subject->fd < 0)
        return refuse(subject->name, errno);
    int status = check_contents(subject);
    close(subject->fd);
    return status;
}

int program_check(const char *name, const char *path, const struct elf_file *library)
{
    struct subject subject = {.path = path, .name = name, .library = library};

    return check_file(&subject);
}
