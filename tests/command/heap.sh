# The same with the heap itself in the fake library's place.

export LOAM_LIBRARY=$HEAP

test_summary_of_a_program() {
    expect 0 "$LOAM" run ls /
    says err 'loam: ls (pid '
    says err 'live memory'
    says err 'waste at exit'
    ! grep -q 'left no record' err || fail 'no record'
}

test_figures_of_a_known_program() {
    command -v python3 >/dev/null || skip 'no python3'
    "$CC" -O0 -fno-builtin -x c - -o known <<'PROGRAM'
#include <stdlib.h>
void *kept[1000];
int main(void)
{
    for (int i = 0; i < 1000; i++)
        kept[i] = malloc(700);
    for (int i = 0; i < 1000; i += 2)
        free(kept[i]);
    return 0;
}
PROGRAM
    expect 0 "$LOAM" run -q -o sample=0 --json file ./known
    python3 - <<'CHECK'
import json

process, = json.load(open("file"))["processes"]
assert process["program"] == "known", process["program"]
best = max(process["classes"], key=lambda c: c["live_bytes"] if c["object_size"] else 0)
assert best["object_size"] >= 700, best
assert 500 <= best["live_objects"] <= 510 and 1000 <= best["allocations"] <= 1010, best
assert 700000 <= best["requested_bytes"] <= 710000, best
# The peak is looked at when a magazine is empty or full: it can be short by one of them.
assert 850 <= process["live_objects_at_peak"] <= 1010 and 600000 <= process["live_bytes_peak"], process
assert process["resident_peak"] >= process["resident_exit"] > 0
CHECK
}

test_children_that_exit_in_every_way() {
    script family '#!/bin/sh' '(exit 1)' 'ls / >listed' 'sh -c "kill -KILL \$\$" || true' 'exit 2'
    expect 2 "$LOAM" run ./family
    says err 'exited with status 2'
    says err '  ls'
}

test_options_reach_the_heap() {
    expect 0 "$LOAM" run -q -o nonsense=1 true
    says err 'there is no option nonsense'
}

test_python() {
    command -v python3 >/dev/null || skip 'no python3'
    expect 0 "$LOAM" run -q -- python3 -c 'print(sum(range(10)))'
    is out 45
}
