# What is printed at the end, of records that are known.

# The text with the process id replaced.
without_pid() {
    sed 's/(pid [0-9]*)/(pid PID)/' "$1"
}

test_summary_goes_to_stderr() {
    expect 0 "$LOAM" run true
    empty out
    without_pid err | diff "$here/summary.txt" - >&2
}

test_summary_into_a_file() {
    expect 0 "$LOAM" run --summary file true
    empty err
    without_pid file | diff "$here/summary.txt" - >&2
    expect 0 "$LOAM" run --quiet --summary file true
    without_pid file | diff "$here/summary.txt" - >&2
}

test_summary_to_stdout() {
    expect 0 "$LOAM" run --summary - echo first
    empty err
    is <(head -n 1 out) first
    without_pid out | tail -n +2 | diff "$here/summary.txt" - >&2
}

test_summary_fits_into_100_columns() {
    expect 0 "$LOAM" run env true
    awk 'length > 100 { exit 1 }' "$here/summary.txt" err
}

test_file_that_cannot_be_opened() {
    for option in --summary --json; do
        expect 125 "$LOAM" run $option /nonexistent/file touch started
        is err 'loam run: cannot write /nonexistent/file: No such file or directory'
        [ ! -e started ]
    done
}

test_file_that_cannot_be_written() {
    [ -w /dev/full ] || skip 'no /dev/full'
    for option in --summary --json; do
        expect 3 "$LOAM" run -q $option /dev/full sh -c 'exit 3'
        is err 'loam run: cannot write /dev/full: No space left on device'
    done
}

# A program that runs true N times under env, each with a larger peak.
children() {
    script parent '#!/bin/bash' "for ((i = 1; i <= $1; i++)); do FAKE_PEAK=\$i FAKE_PROGRAM=child\$i /bin/true; done"
}

test_other_process() {
    children 1
    FAKE_PROGRAM=parent expect 0 "$LOAM" run ./parent
    says err 'loam: parent (pid '
    says err '1 other process'
    says err '1.0 MiB     80.0 MiB       12.3 M       12.3 M       2.50 s  child1'
}

test_other_processes_by_peak() {
    children 13
    expect 0 "$LOAM" run ./parent
    says err '13 other processes, by peak of resident memory'
    grep -o 'child[0-9]*$' err >order
    is order "$(printf 'child%d\n' 13 12 11 10 9 8 7 6 5 4)"
    says err '  and 3 more processes'
    children 11
    expect 0 "$LOAM" run ./parent
    says err '  and 1 more process'
}

test_no_record_of_the_program() {
    script quitter '#!/bin/sh' '/bin/true' 'kill -KILL $$'
    expect 137 "$LOAM" run ./quitter
    says err 'loam: ./quitter (pid '
    says err 'was killed by signal 9 (Killed)'
    says err '1 other process'
}

test_no_record_though_it_exited() {
    expect 0 "$LOAM" run env -u LOAM_OPTIONS true
    says err 'loam: env (pid '
    says err 'exited with status 0'
    says err 'It left no record of its heap. Perhaps it executed a program that libraries cannot be preloaded into'
}

test_bad_records() {
    while read -r kind message; do
        FAKE_RECORD=$kind expect 0 "$LOAM" run true
        says err "is ignored: $message"
        says err 'It left no record of its heap'
    done <<'KINDS'
garbage it is no record of a process
empty it is no record of a process
version it is a record of another version of loam
short it is cut off
classes it is a damaged record
name it is a damaged record
pid it is a record of another process than it is named for
KINDS
}

test_bad_record_beside_good_ones() {
    script parent '#!/bin/bash' 'FAKE_RECORD=short /bin/true' 'FAKE_PROGRAM=good /bin/true' ':'
    expect 0 "$LOAM" run ./parent
    says err 'is ignored: it is cut off'
    says err '1 other process'
    says err 'good'
}

test_other_things_among_the_records() {
    script litter '#!/bin/sh' 'd=${LOAM_OPTIONS##*=}' 'mkfifo "$d/fifo"' 'ln -s /etc/passwd "$d/1.0"' 'echo >"$d/x"'
    expect 0 "$LOAM" run ./litter
    says err 'loam run: record fifo is ignored: it is no record of a process'
    says err 'loam run: record 1.0 is ignored: Too many levels of symbolic links'
    says err 'loam run: record x is ignored'
    script litter '#!/bin/sh' 'mkdir -p "${LOAM_OPTIONS##*=}/a/b"; echo "${LOAM_OPTIONS##*=}" >where'
    expect 0 "$LOAM" run ./litter
    says err "loam run: cannot remove the directory of the records, $(cat where): Directory not empty"
    rm -r "$(cat where)"
}

test_records_that_were_taken_away() {
    script thief '#!/bin/sh' 'rm -r "${LOAM_OPTIONS##*=}"' 'exec env -u LOAM_OPTIONS sh -c "exit 3"'
    expect 3 "$LOAM" run ./thief
    says err 'loam run: cannot read the records'
}

test_extreme_figures() {
    FAKE_RECORD=huge expect 0 "$LOAM" run true
    says err '16.0 EiB'
    FAKE_RECORD=zero expect 0 "$LOAM" run true
    says err '0 of 0 B together; 0 freed'
}

test_name_with_control_characters() {
    FAKE_PROGRAM=$'a\033[2Jb\n' expect 0 "$LOAM" run true
    says err 'loam: a?[2Jb? (pid'
}
