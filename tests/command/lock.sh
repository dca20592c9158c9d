# loam run --lock, and what the heap makes of it.

show='echo "$LOAM_OPTIONS"'

test_lock_is_an_option_of_the_heap() {
    expect 0 "$LOAM" run -q --lock sh -c "$show"
    is out lock=all
    expect 0 "$LOAM" run -q --lock=heap -o purge=5 sh -c "$show"
    is out lock=heap,purge=5
    expect 0 env LOAM_OPTIONS=hardened "$LOAM" run -q --lock=future sh -c "$show"
    is out hardened,lock=future
}

test_what_cannot_be_locked_is_refused() {
    expect 125 "$LOAM" run -q --lock=some touch started
    says err '--lock: some is not all, heap or future'
    [ ! -e started ]
}

# As an ordinary user, with the real heap; everything that it needs is in an open directory.
as_user() {
    [ "$(id -u)" -ne 0 ] || set -- setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
    "$@"
}

open_directory() {
    chmod a+rx "$scratch" .
    mkdir open
    chmod a+rwx open
    cp "$LOAM" "$HEAP" open
    as_user open/loam help >/dev/null 2>&1 || skip 'another user cannot reach the command'
}

test_a_limit_of_zero_is_told_before_the_start() {
    open_directory
    ulimit -l 0
    expect 125 as_user env LOAM_LIBRARY="$PWD/open/$(basename "$HEAP")" open/loam run -q --lock touch open/started
    says err 'loam run: --lock: no memory may be locked: RLIMIT_MEMLOCK is 0 (ulimit -l)'
    [ ! -e open/started ]
}

# --- with the heap itself ---

# Prints what of its memory is locked, also in a forked child, and after objects have been moved.
build_locked() {
    "$CC" -O0 -fno-builtin -x c - -o locked <<'PROGRAM'
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static char data[100000];

static int is_locked(void *address)
{
    FILE *smaps = fopen("/proc/self/smaps", "r");
    char line[512];
    uintptr_t start, end;
    int inside = 0, locked = 0;

    while (fgets(line, sizeof(line), smaps)) {
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &end) == 2)
            inside = (uintptr_t)address >= start && (uintptr_t)address < end;
        if (inside && strncmp(line, "VmFlags:", 8) == 0)
            locked = strstr(line, " lo ") != NULL;
    }
    fclose(smaps);
    return locked;
}

static void print(const char *who, void *object)
{
    void *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    printf("%s: heap %d data %d mapping %d\n", who, is_locked(object), is_locked(data), is_locked(mapped));
    fflush(stdout);
}

/* Whether memory that is freed leaves the process within some seconds. */
static int is_given_back(void)
{
    char *freed = malloc(40 << 20);
    unsigned char there = 1;

    memset(freed, 1, 40 << 20);
    free(freed);
    for (int i = 0; i < 500 && there & 1; i++) {
        usleep(10000);
        free(malloc(9 << 20)); /* more than a heap keeps for itself */
        mincore((void *)((uintptr_t)freed + (20 << 20) & -4096ul), 4096, &there);
    }
    return !(there & 1);
}

int main(int argc, char **argv)
{
    size_t size = argc > 1 ? strtoul(argv[1], NULL, 0) : 1 << 20;
    char *object = malloc(size);

    memset(object, 1, size);
    print("parent", object);
    if (fork() == 0) {
        print("child", object);
        printf("child: given back %d\n", is_given_back());
        exit(0);
    }
    wait(NULL);
    object = realloc(object, 3 * size);
    object = realloc(object, 8 * size);
    for (size_t i = 0; i < size; i++)
        if (object[i] != 1)
            return 1;
    int locked = is_locked(object);
    for (int i = 0; i < 4; i++)
        locked += is_locked(malloc(size));
    printf("moved: locked %d of 5\n", locked);
    return 0;
}
PROGRAM
}

# What it prints after the parent's line, if nothing limits it.
rest="child: heap 0 data 0 mapping 0
child: given back 1
moved: locked 5 of 5"

export_heap() {
    export LOAM_LIBRARY=$HEAP
}

need_no_limit() {
    [ "$(id -u)" -eq 0 ] || skip 'only root has no limit'
}

test_all_is_locked() {
    need_no_limit
    export_heap
    build_locked
    expect 0 "$LOAM" run -q --lock ./locked
    is out "parent: heap 1 data 1 mapping 1"$'\n'"$rest"
    empty err
}

test_the_heap_alone_is_locked() {
    need_no_limit
    export_heap
    build_locked
    expect 0 "$LOAM" run -q --lock=heap ./locked
    is out "parent: heap 1 data 0 mapping 0"$'\n'"$rest"
    empty err
    expect 0 "$LOAM" run -q --lock=heap -o source=brk ./locked
    is out "parent: heap 1 data 0 mapping 0"$'\n'"$rest"
}

# 2 MiB of objects, a quarter of metadata for slices and chunks, and one for heaps.
test_records_of_the_heap_are_locked() {
    export_heap
    expect 0 "$LOAM" run -q --lock=heap grep VmLck /proc/self/status
    [ "$(tr -dc 0-9 <out)" -ge $((2048 + 2 * 256 + 200)) ] || fail "$(cat out)"
}

test_a_checked_program_is_not_locked() {
    expect 0 env LD_PRELOAD="$HEAP" LOAM_OPTIONS=check,leaks=0,lock=heap grep VmLck /proc/self/status
    [ "$(tr -dc 0-9 <out)" -eq 0 ] || fail "$(cat out)"
}

test_what_is_mapped_later_is_locked() {
    need_no_limit
    export_heap
    build_locked
    expect 0 "$LOAM" run -q --lock=future ./locked
    is out "parent: heap 1 data 0 mapping 1"$'\n'"$rest"
}

test_within_a_limit_the_heap_is_locked() {
    open_directory
    build_locked
    cp locked open
    ulimit -l 8192
    expect 0 as_user env LOAM_LIBRARY="$PWD/open/$(basename "$HEAP")" open/loam run -q --lock open/locked 500000
    says out 'parent: heap 1 data 0 mapping 0'
    says err 'loam: cannot lock all memory: RLIMIT_MEMLOCK is 8192 KiB (ulimit -l), and to grow past it would end the program; the heap alone is locked, as far as that goes.'
}

test_past_the_limit_the_program_goes_on() {
    open_directory
    build_locked
    cp locked open
    ulimit -l 8192
    expect 0 as_user env LOAM_LIBRARY="$PWD/open/$(basename "$HEAP")" open/loam run -q --lock=heap open/locked 30000000
    is err 'loam: cannot lock more of the heap: mlock fails with error 12, RLIMIT_MEMLOCK is 8192 KiB (ulimit -l); what it grows by from now on is not locked.'
}

test_past_the_limit_idle_memory_is_given_back() {
    open_directory
    "$CC" -x c - -o open/shrinks <<'PROGRAM'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCKS = 1000, SIZE = 64000 };

static long resident(void)
{
    char line[64] = {0};
    FILE *file = fopen("/proc/self/statm", "r");
    fgets(line, sizeof(line), file);
    fclose(file);
    return atol(strchr(line, ' ')) * 4096;
}

static void *blocks[BLOCKS];

static void come_and_go(size_t size)
{
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = memset(malloc(size), 1, size);
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

int main(void)
{
    come_and_go(SIZE);
    for (int i = 0; i < 1000 && resident() > BLOCKS * SIZE / 2; i++) {
        come_and_go(48);
        usleep(10000);
    }
    return resident() > BLOCKS * SIZE / 2;
}
PROGRAM
    ulimit -l 8192
    expect 0 as_user env LOAM_LIBRARY="$PWD/open/$(basename "$HEAP")" open/loam run -q --lock=heap open/shrinks
    says err 'what it grows by from now on is not locked'
}

# As in a container that an ordinary user starts: it has every capability, and the limit holds all the same.
test_root_of_a_namespace_is_limited() {
    open_directory
    build_locked
    cp locked open
    as_user unshare -Ur true 2>/dev/null || skip 'no user namespaces'
    ulimit -l 8192
    for kind in all future; do
        expect 0 as_user unshare -Ur env LOAM_LIBRARY="$PWD/open/$(basename "$HEAP")" open/loam run -q --lock=$kind \
            open/locked 500000
        says out 'parent: heap 1 data 0 mapping 0'
        says err 'loam: cannot lock all memory: RLIMIT_MEMLOCK is 8192 KiB (ulimit -l)'
    done
}

# --- the proof ---

build_steady() {
    [ "$(id -u)" -eq 0 ] || skip 'only root may have memory of others taken'
    export_heap
    "$CC" -O1 -fno-builtin -D_GNU_SOURCE "$here/steady.c" -o steady
    head -c 1048576 /dev/urandom >file
    sync file
}

test_a_locked_program_has_no_faults() {
    build_steady
    expect 0 "$LOAM" run -q --lock ./steady file
    is out 'minor 0 major 0 absent 0'
    empty err
}

test_one_that_is_not_locked_has_faults() {
    build_steady
    expect 0 "$LOAM" run -q ./steady file
    ! grep -q ' absent 0$' out || skip 'the kernel takes nothing here'
    ! grep -q 'major 0 ' out || fail 'no faults'
}
