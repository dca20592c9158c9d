/*
 * protection.c - mprotect(2), and a handler of SIGSEGV that sees what was done where.
 *
 * A page is made read-only; the first write to it faults. The handler notes where, and makes the page writable; when it
 * returns, the processor does the write again. This is how debuggers, garbage collectors and databases learn which
 * pages are written to.
 */
#define _GNU_SOURCE
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char *page;
static size_t page_size;

/* What the handler leaves for the program: it can print nothing itself, see signal-safety(7). */
static volatile sig_atomic_t faults, refused_by_protection;
static char *volatile fault_address;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    char *address = info->si_addr;

    (void)context;
    if (address < page || address >= page + page_size || faults > 0) {
        /* Another fault than the one that is looked for: it does what it would have done without a handler. */
        struct sigaction by_default = {.sa_handler = SIG_DFL};
        sigaction(signal, &by_default, NULL);
        return;
    }
    faults++;
    fault_address = address;
    refused_by_protection = info->si_code == SEGV_ACCERR; /* SEGV_MAPERR: nothing is mapped there */
    mprotect(page, page_size, PROT_READ | PROT_WRITE);
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

    page_size = (size_t)sysconf(_SC_PAGESIZE);
    page = mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || sigaction(SIGSEGV, &action, NULL) != 0)
        err(1, "cannot set up");

    strcpy(page, "written before");
    if (mprotect(page, page_size, PROT_READ) != 0)
        err(1, "mprotect");
    printf("read-only, and readable: %s\n", page);

    volatile char *target = page + 8;
    target[0] = 'B'; /* faults, is let through, and is done */
    printf("a write to byte %td was refused by its protection: %s\n", fault_address - page,
           refused_by_protection ? "yes" : "no");
    target[1] = 'E'; /* does not fault any more */
    printf("after %d fault: %s\n", (int)faults, page);
    munmap(page, page_size);
    return 0;
}
