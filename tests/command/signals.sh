# Signals that are sent to loam alone reach the program; it and loam stop and end as one.

# Start the listener under loam in the background; sets `loam` and `program`, the process ids.
listen() {
    "$LOAM" run -q "$LISTENER" heard &
    loam=$!
    await heard ready
    program=$(sed -n 's/^ready //p' heard)
}

# Wait for loam; it must exit with the status given.
finished() {
    local status=0
    wait "$loam" || status=$?
    [ "$status" -eq "$1" ] || fail "exit status $status, not $1"
}

test_signals_are_passed_on() {
    listen
    for signal in 1 3 6 10 14 15 18 20 21 22 23 28 34 64; do
        kill -$signal "$loam"
        await heard "signal $signal value 0"
    done
    kill -USR2 "$loam"
    finished 7
}

test_interrupt_sent_to_loam_alone_is_passed_on() {
    listen
    kill -INT "$loam"
    await heard 'signal 2 value 0'
    kill -USR2 "$loam"
    finished 7
}

test_value_is_passed_on() {
    /bin/kill --version 2>/dev/null | grep -q util-linux || skip 'no kill that sends values'
    listen
    /bin/kill --queue 42 -s RTMIN "$loam"
    await heard 'signal 34 value 42'
    kill -USR2 "$loam"
    finished 7
}

test_traps_of_a_script() {
    script trapper '#!/bin/bash' 'trap "echo term >>heard" TERM' 'trap "echo usr1 >>heard; exit 9" USR1' \
        'echo ready >>heard' 'while :; do sleep 0.05; done'
    "$LOAM" run -q ./trapper &
    loam=$!
    await heard ready
    kill -TERM "$loam"
    await heard term
    kill -USR1 "$loam"
    finished 9
    is heard $'ready\nterm\nusr1'
}

test_death_by_a_signal_that_was_passed_on() {
    script victim '#!/bin/sh' 'echo $PPID >new' 'mv new pid' 'exec sleep 60'
    "$OUTCOME" outcome "$LOAM" run -q ./victim &
    await pid ''
    kill -TERM "$(cat pid)"
    wait $!
    is outcome 'signal 15'
}

test_continue_sent_to_loam_alone_continues_the_program() {
    script stopper '#!/bin/sh' 'echo $PPID $$ >new' 'mv new pids' 'kill -STOP $$' 'exit 5'
    set -m # a process group of its own
    "$LOAM" run -q ./stopper &
    loam=$!
    set +m
    await pids "$loam"
    await /proc/$loam/status $'State:\tT'
    kill -CONT "$loam"
    finished 5
}

test_kill_of_the_program_ends_loam() {
    listen
    kill -KILL "$program"
    finished 137
}

test_what_the_program_sends_to_its_group_is_not_sent_back() {
    script group '#!/bin/bash' 'trap "echo term >>heard" TERM' 'kill -TERM 0' 'sleep 0.2' 'exit 4'
    ends 'exit 4' "$LOAM" run -q ./group
    is heard term
}

test_program_gets_the_signal_mask_and_dispositions() {
    expect 0 grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status
    mv out plain
    expect 0 "$LOAM" run -q grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status
    cmp plain out
    expect 0 sh -c "trap '' HUP CHLD USR1; exec grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status"
    mv out plain
    expect 0 sh -c "trap '' HUP CHLD USR1; exec '$LOAM' run -q grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status"
    cmp plain out
}

test_ignored_sigchld_loses_no_status() {
    ends 'exit 6' sh -c "trap '' CHLD; exec '$LOAM' run -q sh -c 'exit 6'"
}

test_stop_and_continue() {
    for signal in STOP TSTP TTIN TTOU; do
        script stopper '#!/bin/sh' "kill -$signal \$\$" 'exit 5'
        ends "stopped $(kill -l $signal)"$'\nexit 5' "$LOAM" run -q ./stopper
    done
}

test_stop_and_continue_again() {
    script stopper '#!/bin/sh' 'kill -TSTP $$' 'kill -STOP $$' 'kill -TSTP $$' 'exit 5'
    ends $'stopped 20\nstopped 19\nstopped 20\nexit 5' "$LOAM" run -q ./stopper
}

test_timer_set_before_is_the_programs() {
    command -v python3 >/dev/null || skip 'no python3'
    ends 'signal 14' python3 -c 'import os, signal, sys
signal.setitimer(signal.ITIMER_REAL, 0.3)
os.execvp(sys.argv[1], sys.argv[1:])' "$LOAM" run -q sleep 60
}
