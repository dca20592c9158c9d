# `loam map`: the segments of a process.

. "$here/subject.sh"

# Every known address lies in a segment of its kind.
kinds='
for name, kind in [("text", "text"), ("rodata", "read-only data"), ("data", "data"), ("bss", "bss"), ("stack", "stack"),
                   ("anonymous", "anonymous"), ("shared", "shared memory"), ("file", "mapped file")]:
    found, = (s for s in j["segments"] if s["start"] <= said[name] < s["end"])
    assert found["kind"] == kind, (name, found)
'

test_kinds() {
    start_subject
    expect 0 "$LOAM" map --json "$pid"
    { echo "$kinds"; cat; } <<'PYTHON' | check out
for name in "small", "middle", "large":
    found, = (s for s in j["segments"] if s["start"] <= said[name] < s["end"])
    assert found["kind"] == "loam heap", (name, found)
assert j["totals"]["loam reserve"]["segments"] >= 1 and j["totals"]["loam records"]["segments"] >= 1
assert j["totals"]["kernel"]["segments"] >= 1
PYTHON
}

test_kinds_without_the_heap() {
    start "$SUBJECT" 4
    expect 0 "$LOAM" map --json "$pid"
    { echo "$kinds"; cat; } <<'PYTHON' | check out
assert j["totals"]["loam heap"]["segments"] == 0
found, = (s for s in j["segments"] if s["start"] <= said["small"] < s["end"])
assert found["kind"] == "program break", found
PYTHON
}

test_kinds_of_a_static_program() {
    "$CC" -static-pie -o static "$here/subject.c" -pthread 2>/dev/null || skip 'no static C library'
    start ./static 3
    expect 0 "$LOAM" map --json "$pid"
    echo "$kinds" | check out
}

test_kinds_of_a_program_at_fixed_addresses() {
    "$CC" -no-pie -o fixed "$here/subject.c" -pthread
    start ./fixed 3
    expect 0 "$LOAM" map --json "$pid"
    echo "$kinds" | check out
}

test_stacks_of_threads() {
    start_subject 6
    expect 0 "$LOAM" map --json "$pid"
    check out <<'PYTHON'
for i in range(1, 6):
    found, = (s for s in j["segments"] if s["start"] <= said[f"stack{i}"] < s["end"])
    assert found["kind"] == "stack" and found["thread"] == said[f"thread{i}"], found
    guard, = (s for s in j["segments"] if s["end"] == found["start"])
    assert guard["kind"] == "stack guard" and guard["thread"] == found["thread"], guard
main, = (s for s in j["segments"] if s["path"] == "[stack]")
assert main["thread"] == said["ready"]
PYTHON
}

# A thread that runs has no stack pointer that could be read.
test_stacks_of_threads_that_run() {
    "$CC" -O1 -x c - -o busy -pthread <<'PROGRAM'
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
static void *run(void *unused)
{
    dprintf(1, "thread %d\nstack %p\nready %d\n", (int)syscall(SYS_gettid), __builtin_frame_address(0), (int)getpid());
    for (;;)
        __asm__ volatile("");
    return unused;
}
int main(void)
{
    pthread_t thread;
    char byte;
    pthread_create(&thread, 0, run, 0);
    return (int)read(0, &byte, 1);
}
PROGRAM
    start ./busy
    expect 0 "$LOAM" map --json "$pid"
    check out <<'PYTHON'
found, = (s for s in j["segments"] if s["start"] <= said["stack"] < s["end"])
assert found["kind"] == "stack" and found["thread"] == said["thread"], found
PYTHON
}

# The kernel's own sum, and another program's.
test_sums() {
    start_subject 3
    expect 0 "$LOAM" map --json "$pid"
    check out <<'PYTHON'
rollup = {}
for line in proc("smaps_rollup").splitlines()[1:]:
    name, value = line.split()[:2]
    rollup[name.rstrip(":")] = int(value) * 1024
total = {name: sum(t[name] for kind, t in j["totals"].items() if kind != "all")
         for name in ("resident", "proportional", "private_dirty", "private_clean", "swapped", "locked", "anonymous")}
assert total["resident"] == rollup["Rss"], (total, rollup)
assert total["private_dirty"] == rollup["Private_Dirty"], (total, rollup)
assert total["private_clean"] == rollup["Private_Clean"], (total, rollup)
assert total["anonymous"] == rollup["Anonymous"], (total, rollup)
assert total["swapped"] == rollup["Swap"] and total["locked"] == rollup["Locked"], (total, rollup)
assert abs(total["proportional"] - rollup["Pss"]) <= 1024 * len(j["segments"]), (total, rollup)
assert len(j["segments"]) == len(proc("maps").splitlines())
PYTHON
    command -v pmap >/dev/null || skip 'no pmap'
    pmap -X "$pid" >pmap
    check out <<'PYTHON'
lines = open("pmap").read().splitlines()[1:]
header = lines[0].split()
rows = [line.split() for line in lines[1:]]
rss = {int(row[0], 16): int(row[header.index("Rss")]) * 1024 for row in rows if ":" in row[3]}
for s in j["segments"]:
    assert rss[s["start"]] == s["resident"], (s, rss[s["start"]])
PYTHON
}

# What readelf says is loaded where.
test_segments_of_the_program() {
    command -v readelf >/dev/null || skip 'no readelf'
    start_subject
    expect 0 "$LOAM" map --json "$pid"
    readelf -lW "$SUBJECT" >elf
    check out <<'PYTHON'
loads = []
for line in open("elf"):
    words = line.split()
    if words and words[0] == "LOAD":
        flags = "".join(words[6:-1])
        loads.append((int(words[2], 16), int(words[4], 16), int(words[5], 16), flags))
base = min(s["start"] for s in j["segments"] if s["path"] == j["program"])
if loads[0][0] > 0:
    base = 0
for address, in_file, in_memory, flags in loads:
    kind = "text" if "E" in flags else "data" if "W" in flags else "read-only data"
    found = [s for s in j["segments"] if s["start"] <= base + address < s["end"]]
    assert len(found) == 1 and found[0]["kind"] == kind and found[0]["path"] == j["program"], (kind, found)
    if in_memory > in_file + 8192:
        last, = (s for s in j["segments"] if s["start"] <= base + address + in_memory - 1 < s["end"])
        assert last["kind"] == "bss" and last["path"] == j["program"], last
PYTHON
}

test_text() {
    start_subject 3
    expect 0 "$LOAM" map "$pid"
    says out "The memory of process $pid ("
    says out 'the stack grows down'
    says out 'library'
    says out 'loam heap'
    grep -q '^  all but kernel' out || fail 'no sum'
    expect 0 "$LOAM" map -a "$pid"
    says out 'stack guard'
    [ "$(grep -c libc.so out)" -ge 4 ] || fail 'not every segment has a line'
}

test_stack_limit() {
    ulimit -s 16384
    start_subject
    expect 0 "$LOAM" map "$pid"
    says out 'the stack grows down, to 16.0 MiB'
}

# Neither its C library nor its heap is one that loam knows: it has none.
test_go_program() {
    command -v go >/dev/null || skip 'no go'
    cat >program.go <<'PROGRAM'
package main

import (
	"fmt"
	"os"
	"time"
	"unsafe"
)

var inData = 1
var kept [][]byte

func main() {
	for i := 0; i < 1000; i++ {
		kept = append(kept, make([]byte, 10000))
	}
	for i := 0; i < 4; i++ {
		go func() {
			for {
				time.Sleep(time.Millisecond)
			}
		}()
	}
	time.Sleep(100 * time.Millisecond)
	fmt.Println("data", uintptr(unsafe.Pointer(&inData)))
	fmt.Println("object", uintptr(unsafe.Pointer(&kept[0][0])))
	fmt.Println("ready", os.Getpid())
	os.Stdin.Read(make([]byte, 1))
}
PROGRAM
    HOME=$PWD GOFLAGS=-mod=mod go build -o program program.go
    start ./program
    expect 0 "$LOAM" map --json "$pid"
    check out <<'PYTHON'
for name, kind in ("data", "data"), ("object", "anonymous"):
    found, = (s for s in j["segments"] if s["start"] <= said[name] < s["end"])
    assert found["kind"] == kind, (name, found)
assert j["totals"]["text"]["segments"] >= 1 and j["totals"]["bss"]["segments"] >= 1
assert len(j["segments"]) == len(proc("maps").splitlines())
PYTHON
    expect 0 "$LOAM" map "$pid"
    expect 1 "$LOAM" stats "$pid"
    says err "does not run on loam's heap"
}

test_process_of_another_namespace() {
    unshare -pf true 2>/dev/null || skip 'no right to make a namespace'
    start unshare -pf --kill-child env LD_PRELOAD="$HEAP" "$SUBJECT"
    pid=$(pgrep -P "$(jobs -p | tail -n 1)") || fail 'no subject'
    expect 0 "$LOAM" map --json "$pid"
    check out <<'PYTHON'
assert said["ready"] < 10
assert j["totals"]["loam heap"]["segments"] == 1
PYTHON
    expect 0 "$LOAM" stats --json "$pid"
}

test_process_of_another_user() {
    [ "$(id -u)" = 0 ] || skip 'only root can try it'
    start_subject
    cp "$LOAM" loam
    chmod 755 . loam
    nobody ./loam help >/dev/null 2>&1 || skip 'another user cannot reach the command'
    expect 1 nobody ./loam map "$pid"
    is err "loam map: process $pid belongs to user root: only that user and root may read its memory"
    empty out
}

test_kernel_thread() {
    [ -d /proc/2 ] && ! [ -s /proc/2/maps ] && [ "$(cat /proc/2/comm)" = kthreadd ] || skip 'no kernel thread to be seen'
    expect 1 "$LOAM" map 2
    says err 'process 2 has no memory of its own'
}

test_zombie() {
    "$CC" -x c - -o parent <<'PROGRAM'
#include <stdio.h>
#include <unistd.h>
int main(void)
{
    char byte;
    pid_t child = fork();
    if (child == 0)
        return 0;
    usleep(100000);
    printf("ready %d\n", (int)child);
    fflush(stdout);
    return (int)read(0, &byte, 1);
}
PROGRAM
    start ./parent
    expect 1 "$LOAM" map "$pid"
    says err "process $pid has no memory of its own"
}

test_many_mappings() {
    "$CC" -x c - -o many <<'PROGRAM'
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void)
{
    char byte, *all = mmap(0, 8000 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 8000; i += 2)
        mprotect(all + i * 4096, 4096, PROT_READ | PROT_WRITE);
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    return (int)read(0, &byte, 1);
}
PROGRAM
    start ./many
    expect 0 "$LOAM" map --json "$pid"
    check out <<'PYTHON'
assert j["totals"]["anonymous"]["segments"] >= 7999, j["totals"]["anonymous"]
PYTHON
}

test_arguments() {
    expect 2 "$LOAM" map
    says err 'the id of a process is missing'
    expect 0 "$LOAM" map --help
    says out 'Usage: loam map '
    expect 1 "$LOAM" map 4000000
    is err 'loam map: there is no process 4000000'
}

test_output_that_cannot_be_written() {
    expect 1 sh -c '"$0" map $$ >/dev/full' "$LOAM"
    says err 'cannot write to stdout'
}

test_command() {
    expect 7 "$LOAM" map -- sh -c 'echo said; exit 7'
    says out said
    says out "The memory of process"
    says out 'the program break grows up'
    expect 0 "$LOAM" map --json -- env LD_PRELOAD="$HEAP" ls -d /
    sed -i '/^\/$/d' out
    check out <<'PYTHON'
assert j["totals"]["loam heap"]["segments"] >= 1
assert j["program"].endswith("/ls"), j["program"]
PYTHON
    expect 127 "$LOAM" map -- nonexistent-command
    ends 'signal 15' "$LOAM" map -- sh -c 'kill -TERM $$'
}
