# `loam explain`: what lies at an address.

. "$here/subject.sh"

test_objects() {
    start_subject
    expect 0 "$LOAM" explain "$pid" "$(said small)"
    says out "$(said small) is in loam heap"
    says out "It is byte 0 of an object of 48 bytes at $(said small), which is in use."
    says out "of the heap of thread $pid"
    expect 0 "$LOAM" explain "$pid" $(($(said middle) + 4321))
    says out "It is byte 4321 of an object of 5120 bytes at $(said middle), which is in use."
    expect 0 "$LOAM" explain "$pid" $(($(said large) + 3000000))
    says out "It is byte 3000000 of an object of 3145728 bytes at $(said large), which is in use."
    says out 'a large one'
    expect 0 "$LOAM" explain "$pid" "$(said freed)"
    says out 'which is freed, and at hand for the thread that had it'
}

test_stacks() {
    start_subject 2
    expect 0 "$LOAM" explain "$pid" "$(said stack)" "$(said stack1)"
    says out "is in stack of thread $pid."
    says out "is in stack of thread $(said thread1)."
    says out "bytes above the thread's stack pointer"
}

test_symbols() {
    start_subject
    expect 0 "$LOAM" explain "$pid" "$(said data)" $(($(said bss) + 5)) "$(said text)"
    says out 'It is byte 0 of in_data.'
    says out 'It is byte 50005 of in_bss.'
    says out 'It is byte 0 of in_text.'
    says out 'is in text of '
}

test_unmapped() {
    start_subject
    expect 1 "$LOAM" explain "$pid" 0x10
    says out '0x10 is not mapped.'
    says out 'below the start of read-only data'
}

test_process_without_the_heap() {
    start "$SUBJECT"
    expect 0 "$LOAM" explain "$pid" "$(said small)"
    says out 'is in program break'
}

test_arguments() {
    expect 2 "$LOAM" explain
    says err 'the address is missing'
    expect 2 "$LOAM" explain 1
    says err 'the address is missing'
    expect 2 "$LOAM" explain 1 nonsense
    says err "'nonsense' is not an address"
    expect 1 "$LOAM" explain 4000000 0x1
    says err 'there is no process 4000000'
}

test_watched_objects_say_who_had_them() {
    "$CC" -g -O0 -fno-builtin -w -x c - -o watched <<'PROGRAM'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static char *allocate(void) { return malloc(40); }
static void release(char *p) { free(p); }
int main(void)
{
    free(malloc(1)); /* the first is no sample */
    char *live = allocate(), *freed = allocate();
    release(freed);
    printf("live %p\nfreed %p\nready %d\n", live, freed, (int)getpid());
    fflush(stdout);
    getchar();
    return 0;
}
PROGRAM
    start env LD_PRELOAD="$HEAP" LOAM_OPTIONS=sample=1 ./watched
    expect 0 "$LOAM" explain "$pid" "$(said live)"
    says out 'It is byte 0 of an object of 40 bytes at '
    says out 'which is in use, and watched'
    says out "  It was allocated by thread $pid:"
    says out '    at allocate  <stdin>:4'
    expect 0 "$LOAM" explain "$pid" "$(said freed)"
    says out 'which is freed, and watched'
    says out '    at release  <stdin>:5'
}
