# `loam leaks`: objects that nothing points to.

. "$here/subject.sh"

PROGRAMS=${PROGRAMS:-200}

test_nothing_is_lost() {
    start_subject 4
    expect 0 "$LOAM" leaks --exit-code 3 "$pid"
    says out '0 objects of 0 B are lost'
}

test_each_of_many_programs() {
    echo "seeds 1 to $PROGRAMS"
    for ((seed = 1; seed <= PROGRAMS; seed++)); do
        mkdir "$seed"
        (
            cd "$seed"
            start env LD_PRELOAD="$HEAP" "$LEAKY" "$seed"
            expect 0 "$LOAM" leaks --json "$pid"
            check out <<'PYTHON'
assert j["lost_objects"] == said["lost"], (j, said)
assert j["lost_bytes"] == said["lost_bytes"], (j, said)
assert j["indirect_objects"] == said["indirect"], (j, said)
PYTHON
        ) || fail "seed $seed"
        rm -r "$seed"
    done
}

# Whatever instruction its threads are stopped at.
test_nothing_is_lost_of_a_busy_process() {
    start env LD_PRELOAD="$HEAP" "$BUSY" 4
    for ((i = 0; i < PROGRAMS; i++)); do
        expect 0 "$LOAM" leaks --exit-code 3 "$pid"
    done
}

test_exit_code() {
    start env LD_PRELOAD="$HEAP" "$LEAKY" 1
    expect 0 "$LOAM" leaks "$pid"
    expect 42 "$LOAM" leaks --exit-code 42 "$pid"
    expect 2 "$LOAM" leaks --exit-code 256 "$pid"
    says err 'an exit status is a number from 0 to 255'
}

test_text() {
    start env LD_PRELOAD="$HEAP" "$LEAKY" 1
    expect 0 "$LOAM" leaks "$pid"
    says out "Leaks of process $pid ("
    says out "$(said lost) objects of"
    says out 'the process stood still for'
    grep -q '^  lost ' out || fail 'no lost ones'
    grep -q '^  indirectly ' out || fail 'no indirectly lost ones'
}

test_process_goes_on() {
    start env LD_PRELOAD="$HEAP" "$LEAKY" 1
    for i in 1 2 3; do
        expect 0 "$LOAM" leaks "$pid"
        [ "$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$pid/status")" = S ] || fail 'it does not wait for its input again'
        [ "$(sed -n 's/^TracerPid:\t//p' "/proc/$pid/status")" = 0 ] || fail 'it is still traced'
    done
    exec 9>&-
    for ((i = 0; i < 1000; i++)); do
        [ -d "/proc/$pid" ] && [ "$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$pid/status")" != Z ] || return 0
        sleep 0.01
    done
    fail 'it did not end'
}

test_process_that_is_traced() {
    command -v strace >/dev/null || skip 'no strace'
    start_subject
    strace -p "$pid" -o trace &
    for ((i = 0; i < 500; i++)); do
        grep -q '^TracerPid:	0' "/proc/$pid/status" || break
        sleep 0.01
    done
    expect 1 "$LOAM" leaks "$pid"
    says err 'cannot be stopped: another process traces it'
    kill %2 2>/dev/null || kill $!
}

test_process_without_the_heap() {
    start "$SUBJECT"
    expect 1 "$LOAM" leaks "$pid"
    says err "does not run on loam's heap"
}

test_at_the_end_of_a_program() {
    expect 0 "$LOAM" run --leaks "$LEAKY" 3 </dev/null
    says err 'waste at exit'
    lost=$(sed -n 's/^lost //p' out)
    says err "$lost objects of"
    expect 9 "$LOAM" run --leaks --exit-code 9 "$LEAKY" 3 </dev/null
    expect 0 "$LOAM" run -q --leaks --exit-code 9 ls /
}

test_end_by_each_way() {
    expect 3 "$LOAM" run --leaks sh -c 'exit 3'
    says err 'exited with status 3'
    says err 'are lost'
    ends 'signal 9' "$LOAM" run --leaks sh -c 'kill -KILL $$'
    ends 'signal 15' "$LOAM" run --leaks sh -c 'kill -TERM $$'
}

state() {
    sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status"
}

test_stop_and_continue() {
    "$LOAM" run --leaks sh -c 'kill -STOP $$; echo on' >out 2>err &
    outer=$!
    for ((i = 0; i < 1000; i++)); do
        [ "$(state $outer)" != T ] || break
        sleep 0.01
    done
    [ "$(state $outer)" = T ] || fail 'it does not stop as the program does'
    kill -CONT $outer
    await out on
    wait $outer
}
