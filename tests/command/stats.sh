# `loam stats`: what a heap holds.

. "$here/subject.sh"

test_what_the_program_itself_is_told() {
    start_subject
    expect 0 "$LOAM" stats --json "$pid"
    check out <<'PYTHON'
assert j["live_bytes"] - j["large"]["span"] == said["uordblks"], j["live_bytes"]
assert j["large"]["span"] == said["hblkhd"]
assert j["cached_bytes"] == said["fsmblks"]
spans = sum(c["span"] for c in j["classes"])
assert spans + j["dirty"] == said["arena"]
PYTHON
}

test_sums() {
    start_subject 3
    expect 0 "$LOAM" stats --json "$pid"
    check out <<'PYTHON'
spans = sum(c["span"] for c in j["classes"])
live = sum(c["live"] * c["object_size"] for c in j["classes"])
assert j["committed"] == spans + j["large"]["span"] + j["dirty"] + j["purged"], j
assert j["between"] == spans - live and j["between"] >= j["cached_bytes"] + j["free_bytes"]
assert j["inside"] == 0
PYTHON
}

test_waste_inside_objects() {
    start env LD_PRELOAD="$HEAP" LOAM_OPTIONS=sample=0,summary=. "$SUBJECT"
    expect 0 "$LOAM" stats --json "$pid"
    check out <<'PYTHON'
# 100 objects of 5000 bytes in 5120
assert 12000 <= j["inside"] <= 16000, j["inside"]
PYTHON
    expect 0 "$LOAM" stats "$pid"
    says out 'inside them'
}

test_what_threads_are_told() {
    start_subject 8
    expect 0 "$LOAM" stats --json "$pid"
    check out <<'PYTHON'
assert j["live_bytes"] - j["large"]["span"] == said["uordblks"]
assert j["cached_bytes"] == said["fsmblks"]
assert j["large"]["live"] == 8, j["large"]
small, = (c for c in j["classes"] if c["object_size"] == 48)
assert 800 <= small["live"] < 900, small
assert small["allocations"] == 0
PYTHON
}

test_one_thread_more_is_its_objects_more() {
    for threads in 3 4; do
        mkdir $threads
        (cd $threads && start_subject $threads && "$LOAM" stats --json "$pid" >out)
    done
    cp 4/out four
    check 3/out <<'PYTHON'
four = json.load(open("four"))
def live(document, size):
    return sum(c["live"] for c in document["classes"] if c["object_size"] == size)
assert live(four, 48) - live(j, 48) == 100
assert four["large"]["live"] - j["large"]["live"] == 1
middle = min(c["object_size"] for c in j["classes"] if c["object_size"] >= 5000)
assert live(four, middle) - live(j, middle) == 100
PYTHON
}

test_each_thread_has_its_heap() {
    start_subject 4
    expect 0 "$LOAM" stats --json "$pid"
    check out <<'PYTHON'
assert {h["thread"] for h in j["by_thread"]} == {said["ready"], said["thread1"], said["thread2"], said["thread3"]}
assert all(h["in_use"] for h in j["by_thread"])
assert sum(h["cached_bytes"] for h in j["by_thread"]) == j["cached_bytes"]
assert sum(h["span_bytes"] for h in j["by_thread"]) == sum(c["span"] for c in j["classes"])
PYTHON
}

test_text() {
    start_subject 2
    expect 0 "$LOAM" stats "$pid"
    says out "The heap of process $pid ("
    says out 'By size of object'
    says out 'By thread'
    says out 'Where it lies'
    says out '        48 B '
    [ "$(wc -L <out)" -le 100 ] || fail 'lines are too long'
}

test_in_other_modes_of_the_heap() {
    for options in hardened source=brk purge=0; do
        mkdir $options
        (
            cd $options
            export LOAM_OPTIONS=sample=0,$options
            start_subject 2
            expect 0 "$LOAM" stats --json "$pid"
            check out <<'PYTHON'
assert j["live_bytes"] - j["large"]["span"] == said["uordblks"]
small, = (c for c in j["classes"] if c["object_size"] == 48)
assert 200 <= small["live"] < 300, small
PYTHON
        )
    done
}

test_process_that_has_allocated_nothing() {
    "$CC" -x c - -o nothing <<'PROGRAM'
#include <unistd.h>
int main(void)
{
    char byte;
    write(1, "ready 1\n", 8);
    return (int)read(0, &byte, 1);
}
PROGRAM
    start env LD_PRELOAD="$HEAP" ./nothing
    pid=$!
    expect 0 "$LOAM" stats --json "$pid"
    check out <<'PYTHON'
assert j["live_objects"] == 0 and j["committed"] == 0
PYTHON
    for command in stats map leaks; do
        expect 0 "$LOAM" $command "$pid"
    done
    expect 0 "$LOAM" snap "$pid"
    expect 0 "$LOAM" stats --html page "$pid"
}

test_process_without_the_heap() {
    start env "$SUBJECT"
    expect 1 "$LOAM" stats "$pid"
    says err "process $pid ("
    says err "does not run on loam's heap; 'loam run PROGRAM' starts one that does"
    empty out
}

test_no_process() {
    expect 1 "$LOAM" stats 4000000
    is err 'loam stats: there is no process 4000000'
}

test_no_number() {
    for pid in x 1x 0 -1 99999999999 ''; do
        expect 2 "$LOAM" stats -- "$pid"
        says err "'$pid' is not the id of a process"
    done
}

test_arguments() {
    expect 2 "$LOAM" stats
    says err 'the id of a process is missing'
    expect 2 "$LOAM" stats 1 2
    says err 'one process at a time'
    expect 2 "$LOAM" stats --core file 1
    says err '--core takes the place of a process'
    expect 2 "$LOAM" stats --nonsense
    says err "Try 'loam stats --help'"
    expect 0 "$LOAM" stats --help
    says out 'Usage: loam stats '
}

test_heap_of_another_version() {
    python3 - "$HEAP" other.so <<'PATCH'
import sys

library = bytearray(open(sys.argv[1], "rb").read())
at = library.index(b"LOAMIMG\0", 4096)
while library[at + 8:at + 16][1:4] != b"\0\0\0":
    at = library.index(b"LOAMIMG\0", at + 1)
library[at + 8] = 99
open(sys.argv[2], "wb").write(library)
PATCH
    start env LD_PRELOAD="$PWD/other.so" "$SUBJECT"
    expect 1 "$LOAM" stats "$pid"
    says err 'its heap is one of another version of loam'
    [ "$(wc -l <err)" = 1 ] || fail 'more than one line'
    expect 1 "$LOAM" leaks "$pid"
}

# Whenever it ends, there is either a picture or one line that says why there is none.
test_process_that_ends_meanwhile() {
    for ((i = 0; i < 150; i++)); do
        LD_PRELOAD=$HEAP sh -c 'for i in 1 2 3 4 5 6; do :; done; exec ls -d /' >/dev/null &
        pid=$!
        [ $((i % 3)) = 0 ] || sleep 0.00$((i % 9 + 1))
        for command in "stats --json $pid" "map --json $pid" "leaks $pid" "explain $pid 0x1"; do
            status=0
            # shellcheck disable=SC2086 # words
            "$LOAM" $command >out 2>err || status=$?
            [ "$status" -le 1 ] || fail "$command: status $status: $(cat err)"
            [ "$(wc -l <err)" -le 1 ] || { cat err; fail "$command: more than one line"; }
        done
        wait
    done
}
