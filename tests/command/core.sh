# The same of a core file: what it tells must be what the process told.

. "$here/subject.sh"

FUZZ_RUNS=${FUZZ_RUNS:-60}
FUZZ_SEED=${FUZZ_SEED:-$(date +%s)}

# Take the process's core, with its own name for messages, into core.
take_core() {
    command -v gcore >/dev/null || skip 'no gcore'
    gcore -o gcore "$pid" >gcore.out 2>&1 || skip 'gcore cannot read a process here'
    mv "gcore.$pid" core
}

test_same_heap() {
    start_subject 3
    expect 0 "$LOAM" stats --json "$pid"
    mv out live
    take_core
    expect 0 "$LOAM" stats --json --core core
    diff <(grep -v '"name"' live) <(grep -v '"name"' out)
}

test_same_segments() {
    start_subject 3
    expect 0 "$LOAM" map --json "$pid"
    mv out live
    take_core
    expect 0 "$LOAM" map --json --core core
    check out <<'PYTHON'
live = json.load(open("live"))
of = {s["start"]: s for s in j["segments"]}
for s in live["segments"]:
    if s["kind"] in ("text", "read-only data", "data", "bss", "loam heap", "loam records", "stack", "anonymous"):
        found = of[s["start"]]
        assert found["kind"] == s["kind"] and found["end"] == s["end"] and found["thread"] == s["thread"], (s, found)
PYTHON
    expect 0 "$LOAM" map --core core
    says out 'in file'
}

test_same_objects() {
    start_subject 2
    take_core
    expect 0 "$LOAM" explain --core core $(($(said middle) + 9)) "$(said freed)" "$(said stack1)" "$(said data)"
    says out "It is byte 9 of an object of 5120 bytes at $(said middle), which is in use."
    says out 'which is freed, and at hand'
    says out "is in stack of thread $(said thread1)."
    says out 'It is byte 0 of in_data.'
}

test_symbols_of_a_program_that_was_moved() {
    cp "$SUBJECT" here
    start env LD_PRELOAD="$HEAP" ./here
    take_core
    mv here there
    expect 0 "$LOAM" explain --core core --exe there "$(said data)"
    says out 'It is byte 0 of in_data.'
}

test_same_leaks() {
    start env LD_PRELOAD="$HEAP" "$LEAKY" 7
    take_core
    expect 3 "$LOAM" leaks --exit-code 3 --json --core core
    check out <<'PYTHON'
assert j["lost_objects"] == said["lost"] and j["lost_bytes"] == said["lost_bytes"], (j, said)
assert j["indirect_objects"] == said["indirect"], (j, said)
PYTHON
}

test_core_that_the_kernel_wrote() {
    case $(cat /proc/sys/kernel/core_pattern) in
    core*) ;;
    *) skip 'the kernel gives cores to another program' ;;
    esac
    ulimit -c unlimited || skip 'no right to core files'
    start env LD_PRELOAD="$HEAP" "$LEAKY" 7
    expect 0 "$LOAM" stats --json "$pid"
    mv out live
    kill -ABRT "$pid"
    for ((i = 0; i < 500; i++)); do
        core=$(ls core* 2>/dev/null) && [ -s "$core" ] && ! [ -d "/proc/$pid/task/$pid" ] && break
        [ "$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null)" != Z ] || break
        sleep 0.01
    done
    core=$(ls core* 2>/dev/null) || skip 'the kernel wrote no core file'
    expect 0 "$LOAM" stats --json --core "$core"
    diff <(grep -v '"name"' live) <(grep -v '"name"' out)
    expect 0 "$LOAM" leaks --json --core "$core"
    check out <<'PYTHON'
assert j["lost_objects"] == said["lost"] and j["indirect_objects"] == said["indirect"], (j, said)
PYTHON
}

test_core_without_the_heap() {
    start "$SUBJECT"
    take_core
    expect 0 "$LOAM" map --core core
    expect 1 "$LOAM" stats --core core
    says err "does not run on loam's heap"
}

test_what_is_no_core_file() {
    echo text >text
    expect 1 "$LOAM" stats --core text
    is err 'loam stats: text: it is not a core file'
    expect 1 "$LOAM" map --core "$LOAM"
    says err 'it is not a core file'
    expect 1 "$LOAM" map --core .
    says err 'Is a directory'
    expect 1 "$LOAM" map --core none
    is err 'loam map: none: No such file or directory'
    expect 1 "$LOAM" map --core /dev/null
    says err 'it is not a core file'
}

# A header that says so does not make anybody look through an address space.
test_segment_that_is_said_to_be_huge() {
    start env LD_PRELOAD="$HEAP" "$LEAKY" 7
    take_core
    python3 - <<'PYTHON'
import struct

core = bytearray(open("core", "rb").read())
offset, size, count = struct.unpack_from("<Q", core, 32)[0], *struct.unpack_from("<HH", core, 54)
loads = [at for at in range(offset, offset + count * size, size) if struct.unpack_from("<I", core, at)[0] == 1]
writable = [at for at in loads if struct.unpack_from("<I", core, at + 4)[0] & 2]
highest = max(writable, key=lambda at: struct.unpack_from("<Q", core, at + 16)[0])
struct.pack_into("<Q", core, highest + 40, 1 << 46)
open("huge", "wb").write(core)
PYTHON
    expect 3 timeout 60 "$LOAM" leaks --exit-code 3 --json --core huge
    check out <<'PYTHON'
assert j["lost_objects"] == said["lost"] and j["lost_bytes"] == said["lost_bytes"], (j, said)
PYTHON
}

test_damaged_core_files() {
    start_subject 2
    take_core
    echo "seed $FUZZ_SEED, $FUZZ_RUNS files"
    python3 - "$LOAM" "$FUZZ_SEED" "$FUZZ_RUNS" "$(said small)" <<'PYTHON'
import os
import random
import subprocess
import sys

loam, seed, runs, address = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
whole = open("core", "rb").read()
commands = [["stats"], ["stats", "--json"], ["map"], ["map", "--json"], ["leaks"], ["explain"]]
random.seed(seed)
for run in range(runs):
    damaged = bytearray(whole)
    if run % 3 == 0:
        del damaged[random.randrange(len(damaged)) >> random.randrange(20):]
    else: # headers and notes lie first
        for _ in range(1 << random.randrange(12)):
            at = random.randrange(len(damaged)) >> (random.randrange(16) if run % 3 == 1 else 0)
            damaged[at] = random.randrange(256)
    with open("damaged", "wb") as file:
        file.write(damaged)
    for command in commands:
        arguments = [loam, command[0], "--core", "damaged"] + command[1:] + ([address] if command[0] == "explain" else [])
        done = subprocess.run(arguments, capture_output=True, timeout=60)
        lines = done.stderr.decode(errors="replace").splitlines()
        told = f"seed {seed}, run {run}: {command}: status {done.returncode}, {lines}"
        assert done.returncode in (0, 1), told
        assert len(lines) <= 1 and all(line.startswith("loam ") for line in lines), told
        if done.returncode and command[0] != "explain":
            assert lines, told
PYTHON
}
