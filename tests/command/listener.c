/*
 * listener.c - listener FILE: write into FILE "ready PID", then a line for each signal that comes, with the value that
 * came along. SIGUSR2 ends it with status 7.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    FILE *out = argc == 2 ? fopen(argv[1], "we") : NULL;
    siginfo_t info = {0};
    sigset_t all;

    if (!out)
        err(2, "listener FILE");
    setvbuf(out, NULL, _IOLBF, 0);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    fprintf(out, "ready %d\n", (int)getpid());
    while (info.si_signo != SIGUSR2)
        if (sigwaitinfo(&all, &info) > 0)
            fprintf(out, "signal %d value %d\n", info.si_signo, info.si_code == SI_QUEUE ? info.si_value.sival_int : 0);
    return 7;
}
