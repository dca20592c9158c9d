/*
 * outcome.c - outcome FILE COMMAND...: run COMMAND and write into FILE how it ended, and before that each time that it
 * was stopped; then it is continued. COMMAND gets a process group of its own, as from a shell, so that it can be.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(FILE *out, int status)
{
    if (WIFSTOPPED(status))
        fprintf(out, "stopped %d\n", WSTOPSIG(status));
    else if (WIFSIGNALED(status))
        fprintf(out, "signal %d\n", WTERMSIG(status));
    else
        fprintf(out, "exit %d\n", WEXITSTATUS(status));
    if (fflush(out) != 0)
        err(2, "outcome");
}

int main(int argc, char **argv)
{
    FILE *out = argc > 2 ? fopen(argv[1], "we") : NULL;
    int status;

    if (!out)
        err(2, "outcome FILE COMMAND...");
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        execvp(argv[2], argv + 2);
        _exit(99);
    }
    if (child < 0)
        err(2, "fork");
    do {
        if (waitpid(child, &status, WUNTRACED) < 0)
            err(2, "waitpid");
        tell(out, status);
        if (WIFSTOPPED(status))
            kill(-child, SIGCONT);
    } while (WIFSTOPPED(status));
    return 0;
}
