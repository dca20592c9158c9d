# `loam snap` and `loam diff`: what has grown.

. "$here/subject.sh"

test_no_change() {
    start_subject 2
    expect 0 "$LOAM" snap -o a "$pid"
    empty out
    expect 0 "$LOAM" snap "$pid"
    mv out b
    expect 0 "$LOAM" diff a b
    says out "From process $pid ("
    [ "$(grep -c 'no change' out)" = 2 ] || { cat out; fail 'a change'; }
}

test_growth_to_the_byte() {
    "$CC" -O0 -fno-builtin -x c - -o grows <<'PROGRAM'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
void *kept[1000];
int main(void)
{
    char byte;
    for (int i = 0; i < 500; i++)
        kept[i] = malloc(700);
    setvbuf(stdout, NULL, _IONBF, 0);
    printf("ready %d\n", (int)getpid());
    while (read(0, &byte, 1) == 1) {
        for (int i = 0; i < 250; i++)
            free(kept[i]);
        for (int i = 500; i < 1000; i++)
            kept[i] = malloc(3000);
        memset(kept[0] = malloc(10 << 20), 1, 10 << 20);
        printf("grown 1\n");
    }
    return 0;
}
PROGRAM
    start env LD_PRELOAD="$HEAP" ./grows
    expect 0 "$LOAM" snap -o a "$pid"
    echo >&9
    await said grown
    expect 0 "$LOAM" snap -o b "$pid"
    expect 0 "$LOAM" diff --json a b
    check out <<'PYTHON'
of = {s["object_size"]: s for s in j["sizes"]}
first = min(size for size in of if size >= 700)
second = min(size for size in of if size >= 3000)
assert of[first]["objects"] == -250 and of[first]["bytes"] == -250 * first, of[first]
assert of[second]["objects"] == 500 and of[second]["bytes"] == 500 * second, of[second]
assert of[0]["objects"] == 1 and of[0]["bytes"] == 10 << 20, of[0]
assert j["live_bytes"] == sum(s["bytes"] for s in j["sizes"]), j["live_bytes"]
assert j["sizes"][0]["object_size"] == 0 and j["sizes"][1]["object_size"] == second
heap, = (s for s in j["segments"] if s["kind"] == "loam heap")
assert heap["bytes"] >= 10 << 20, heap
PYTHON
    expect 0 "$LOAM" diff a b
    says out '+10.0 MiB'
    says out 'of large'
    says out 'loam heap'
}

test_process_without_the_heap() {
    start "$SUBJECT"
    expect 0 "$LOAM" snap -o a "$pid"
    expect 0 "$LOAM" diff a a
    ! grep -q 'live bytes' out || fail 'figures of a heap that is not there'
}

test_damaged_snapshots() {
    start_subject
    expect 0 "$LOAM" snap -o a "$pid"
    echo text >text
    expect 1 "$LOAM" diff a text
    says err 'text: it is not a snapshot'
    expect 1 "$LOAM" diff none a
    is err 'loam diff: none: No such file or directory'
    head -n 5 a >short
    expect 1 "$LOAM" diff short a
    is err 'loam diff: short: it was cut off after line 5'
    sed '6s/ [0-9]/ x/' a >damaged
    expect 1 "$LOAM" diff a damaged
    is err 'loam diff: damaged: line 6 is damaged'
    : >nothing
    expect 1 "$LOAM" diff nothing a
    says err 'it is not a snapshot'
}

test_arguments() {
    expect 2 "$LOAM" diff a
    says err 'two files are compared'
    expect 2 "$LOAM" snap
    expect 0 "$LOAM" snap --help
    expect 0 "$LOAM" diff --help
}
