# The program's status, output and input go through as they are.

test_exit_status() {
    for status in 0 1 3 125 255; do
        ends "exit $status" "$LOAM" run -q sh -c "exit $status"
    done
}

test_exit_status_with_a_summary() {
    ends 'exit 3' "$LOAM" run sh -c 'exit 3'
    says err 'exited with status 3'
}

test_death_by_signal_is_passed_on() {
    ulimit -c 0
    for signal in 1 2 3 6 9 11 13 14 15; do
        ends "signal $signal" "$LOAM" run -q sh -c "kill -$signal \$\$"
    done
}

test_death_by_signal_with_a_summary() {
    ends 'signal 15' "$LOAM" run sh -c 'kill -TERM $$'
    says err 'was killed by signal 15 (Terminated)'
    says err 'It left no record of its heap: a process that a signal kills cannot write one.'
}

test_shell_sees_the_signal() {
    expect 143 "$LOAM" run -q sh -c 'kill -TERM $$'
}

test_output_is_untouched() {
    script speak '#!/bin/sh' 'printf "\\000\\377out"' 'printf "\\001err" >&2'
    ./speak >out.plain 2>err.plain
    expect 0 "$LOAM" run --quiet ./speak
    cmp out.plain out
    cmp err.plain err
    expect 0 "$LOAM" run ./speak
    cmp out.plain out
    cmp err.plain <(head -c 4 err)
}

test_input_goes_to_the_program() {
    printf 'a\nb\n' >in
    expect 0 sh -c "'$LOAM' run -q cat <in"
    cmp in out
}

test_closed_standard_streams_stay_closed() {
    local count='n=0; for i in 0 1 2; do [ ! -e /proc/$$/fd/$i ] || n=$((n + (1 << i))); done; exit $n'
    ends 'exit 2' sh -c "exec '$LOAM' run --json json sh -c '$count' <&- 2>&-"
    ends 'exit 0' sh -c "exec '$LOAM' run --json json --summary text sh -c '$count' <&- >&- 2>&-"
    says json '"exit_status": 0'
    says text 'exited with status 0'
}

test_no_other_descriptor_reaches_the_program() {
    expect 0 ls /proc/self/fd
    mv out plain
    expect 0 "$LOAM" run --summary s --json j ls /proc/self/fd
    cmp plain out
}

test_a_gone_reader_of_the_summary_changes_nothing() {
    ends 'exit 5' bash -c "exec 2> >(exec true); sleep 0.2; exec '$LOAM' run sh -c 'exit 5'"
}

test_quiet_makes_no_directory() {
    expect 0 env TMPDIR=/nonexistent "$LOAM" run -q sh -c 'echo "$LOAM_OPTIONS"'
    is out ''
}
