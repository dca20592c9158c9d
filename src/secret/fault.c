/*
 * fault.c - see fault.h: wipe everything when the process ends, and tell of faults at secrets' addresses.
 *
 * To wipe, pages are first moved away from where the program knows them, which makes the addresses inaccessible, and
 * zeroed there: no thread reads zeroes where its key was, unless the kernel moves nothing. One that touches a secret
 * then faults, and sleeps in the handler until the process ends; the thread that wipes does not, so that it cannot wait
 * for itself.
 *
 * Locking: none, as the thread that holds the lock may be the one that is interrupted. Records are read that another
 * thread may be changing, which suffices: `open` is set before anything secret is in a page (range.h says in which
 * order), and reset after it has been wiped, and a chunk's record and its slots are never unmapped. The handler is
 * given to the kernel after the range is reserved. What a report says of a secret that is being allocated or freed at
 * that moment, or of a group that is being destroyed, may be wrong.
 *
 * Source: sigaction(2), mremap(2); "Async-signal-safe" of signal-safety(7).
 */
#include "secret/fault.h"

#include "base/report.h"
#include "base/text.h"
#include "secret/fork.h"
#include "secret/place.h"
#include "sys/fault.h"
#include "sys/file.h"
#include "sys/memory.h"
#include "sys/sys.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

enum { REPORT_SIZE = 512 };

static const int fatal[] = {SIGSEGV, SIGBUS, SIGHUP,  SIGINT, SIGQUIT, SIGILL, SIGTRAP,
                            SIGABRT, SIGFPE, SIGTERM, SIGSYS, SIGXCPU, SIGXFSZ};

enum { FAULTS = 2 }; /* the first of them are taken from a handler of the program's, too */

static struct sigaction earlier[FAULTS]; /* what they called before; SIG_DFL for none */

static bool is_default(const struct sigaction *action)
{
    return !(action->sa_flags & SA_SIGINFO) && action->sa_handler == SIG_DFL;
}

/* --- wiping --- */

/* With a key, 0 is the one that every thread may use. */
static int unprotect(const struct loam_secret_group *group, void *address, size_t size)
{
    int protection = PROT_READ | PROT_WRITE;

    return group->key < 0 ? sys_protect(address, size, protection) : sys_key_protect(address, size, protection, 0);
}

/*
 * Fill the hole by pages past the end of an empty file: a thread that was about to open the group, and does so now,
 * finds no zeroes there either.
 */
static void fill(void *address, size_t size, int empty)
{
    int flags = MAP_SHARED | MAP_FIXED_NOREPLACE;
    uint64_t offset = (uintptr_t)address - range.base; /* so that neighbours are one mapping */

    if (empty < 0 || sys_map_file(address, size, PROT_NONE, flags, empty, offset) < 0)
        range_fill(address, size);
}

/* Pages that the kernel does not open are given back to it, if it takes them. */
static void zero(const struct loam_secret_group *group, void *address, size_t size)
{
    if (unprotect(group, address, size) == 0)
        loam_secret_wipe(address, size);
    else
        sys_purge(address, size);
}

static bool wipe_moved(const struct loam_secret_group *group, void *address, size_t size, int empty)
{
    intptr_t away = sys_reserve(size);

    if (away < 0)
        return false;
    if (sys_remap_at(address, size, size, (void *)away) < 0) {
        sys_unmap((void *)away, size);
        return false;
    }
    fill(address, size, empty);
    zero(group, (void *)away, size);
    return true;
}

/* Pages that are partly locked are several mappings, which cannot be moved at once. None can if there are too many. */
static void wipe_chunk(const struct chunk *chunk, const struct loam_secret_group *group, int empty)
{
    char *data = (char *)chunk_data(chunk), *end = data + chunk->open * PAGE_SIZE;

    if (wipe_moved(group, data, (size_t)(end - data), empty))
        return;
    for (char *page = data; page < end; page += PAGE_SIZE)
        if (!wipe_moved(group, page, PAGE_SIZE, empty)) {
            zero(group, page, PAGE_SIZE);
            sys_protect_none(page, PAGE_SIZE);
        }
}

/* In a child that has not used them since the fork, the pages are zero. */
static void wipe_chunks(void)
{
    if (!range_reserved() || *range.marker == 0)
        return;
    int empty = sys_memfd("loam", MFD_CLOEXEC);
    FOR_EACH_OPEN(chunk)
    {
        const struct loam_secret_group *group = chunk->group;
        if (group)
            wipe_chunk(chunk, group, empty);
    }
    if (empty >= 0)
        sys_close(empty);
}

/* In a child, the thread that wipes is the parent's. */
static void wait_for_wiper(void)
{
    while (!__atomic_load_n(&range.wiped, __ATOMIC_ACQUIRE) && !fork_happened())
        sys_futex_wait(&range.wiped, 0);
    sys_futex_wake(&range.wiped); /* the next who waits */
}

/*
 * Who comes second may be about to end the process, and waits for the first. That one takes no signal meanwhile, whose
 * handler would end the process half way, and waits for nobody.
 */
PUBLIC void loam_secret_wipe_all(void)
{
    sigset_t all, mask;
    int wiper = 0, self = sys_thread();

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask);
    if (__atomic_compare_exchange_n(&range.wiper, &wiper, self, false, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE)) {
        wipe_chunks();
        __atomic_store_n(&range.wiped, 1, __ATOMIC_RELEASE);
        sys_futex_wake(&range.wiped);
    }
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if (wiper && wiper != self)
        wait_for_wiper();
}

/* Last of all that runs at exit(3). */
__attribute__((destructor(101))) static void wipe_at_exit(void)
{
    loam_secret_wipe_all();
}

/* A child of vfork(2) ends alone, and its memory is its parent's; any other has zeroes until it uses a function. */
static void wipe_own(void)
{
    if (!range_reserved() || range.process == sys_pid())
        loam_secret_wipe_all();
}

/* --- reports --- */

static void tell_where(struct text *text, uintptr_t address)
{
    struct place place;

    if (!place_around(address, &place))
        text_string(text, "it lies in none of those");
    else if (address < place.start + place.size)
        text_format(text, "it is byte %u of one of %u bytes", (uint64_t)(address - place.start), (uint64_t)place.size);
    else
        text_format(text, "it is past the end of one of %u bytes", (uint64_t)place.size);
}

static void describe(struct text *text, uintptr_t address, const char *kind)
{
    const struct chunk *chunk = range_find(address);
    const struct loam_secret_group *group = chunk->group;
    bool inside = address - chunk_data(chunk) < chunk->open * PAGE_SIZE;

    if (!group) {
        text_format(text,
                    "loam: %s at %x, where no secret is, or none any more: look for a use after it was freed, or an "
                    "access that goes past its bounds.\n",
                    kind, (uint64_t)address);
        return;
    }
    if (inside)
        text_format(text, "loam: %s of a %s secret at %x: ", kind,
                    group->key < 0 && group->access == LOAM_SECRET_READ ? "read-only" : "closed", (uint64_t)address);
    else
        text_format(text, "loam: %s outside the pages of secrets at %x: ", kind, (uint64_t)address);
    tell_where(text, address);
    text_format(text, " in group \"%s\"; %s.\n", group->name,
                inside ? "open the group by loam_secret_access() first"
                       : "look for an access that goes past its bounds");
}

/* All has been wiped when it is written: whoever reads it may let it wait. */
static void report(uintptr_t address, const void *context)
{
    char buffer[REPORT_SIZE];
    struct text text;

    text_init(&text, buffer, sizeof(buffer));
    if (range_wiped())
        text_format(&text, "loam: %s of a secret at %x after all of them have been wiped.\n", fault_kind(context),
                    (uint64_t)address);
    else
        describe(&text, address, fault_kind(context));
    wipe_own();
    report_write(&text);
}

/* --- signals --- */

/* Signals are taken meanwhile: one of them may be what ends the process. */
void fault_sleep(void)
{
    sigset_t none;

    sigemptyset(&none);
    for (;;)
        sigsuspend(&none);
}

/* What the program had asked for once is no more asked for when it has been called. */
static const struct sigaction *earlier_action(int number)
{
    static bool spent[FAULTS];

    for (size_t i = 0; i < FAULTS; i++) {
        if (fatal[i] != number || is_default(&earlier[i]))
            continue;
        bool once = earlier[i].sa_flags & (int)SA_RESETHAND;
        return once && __atomic_exchange_n(&spent[i], true, __ATOMIC_RELAXED) ? NULL : &earlier[i];
    }
    return NULL;
}

/* Of an instruction, which faults again when the handler returns; what the processor found in idle memory is not. */
static bool is_fault(int number, const siginfo_t *info)
{
    bool by_instruction = number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE;
    return by_instruction && info->si_code > 0 && !(number == SIGBUS && info->si_code == BUS_MCEERR_AO);
}

/*
 * The action is the default one by now. An instruction that faulted does so again; other signals are sent again, and
 * delivered when the handler returns.
 */
static void end_process(int number, const siginfo_t *info)
{
    wipe_own();
    signal(number, SIG_DFL);
    if (!is_fault(number, info))
        sys_raise(number);
}

/* What another process sends is ignored if the program had wanted that; a fault never is. */
static void call_earlier(const struct sigaction *action, int number, siginfo_t *info, void *context)
{
    if (action->sa_flags & SA_SIGINFO)
        action->sa_sigaction(number, info, context);
    else if (action->sa_handler != SIG_IGN)
        action->sa_handler(number);
    else if (info->si_code > 0)
        end_process(number, info);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    uintptr_t address = (uintptr_t)info->si_addr;
    bool ours = (number == SIGSEGV || number == SIGBUS) && info->si_code > 0 && range_holds(address);
    const struct sigaction *other = ours ? NULL : earlier_action(number);

    if (other)
        call_earlier(other, number, info, context);
    else {
        int wiper = __atomic_load_n(&range.wiper, __ATOMIC_ACQUIRE);
        if (ours && wiper && wiper != sys_thread())
            fault_sleep();
        if (ours)
            report(address, context);
        end_process(number, info);
    }
    errno = saved;
}

/*
 * An earlier handler is called as it asked to be. One that has replaced this one since stays: it may call it.
 */
static void watch(size_t i)
{
    static bool taken[FAULTS];
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK}, old;

    if (sigaction(fatal[i], NULL, &old) != 0 || (old.sa_flags & SA_SIGINFO && old.sa_sigaction == on_signal))
        return;
    bool unused = is_default(&old);
    if (!unused && (i >= FAULTS || taken[i]))
        return;
    sigfillset(&action.sa_mask);
    if (i < FAULTS) {
        taken[i] = true;
        earlier[i] = old;
        action.sa_mask = unused ? action.sa_mask : old.sa_mask;
        action.sa_flags |= old.sa_flags & (SA_NODEFER | SA_RESTART);
    }
    sigaction(fatal[i], &action, NULL);
}

void fault_watch(void)
{
    for (size_t i = 0; i < LENGTH(fatal); i++)
        watch(i);
}
