# What the command says of itself. All messages begin with the command's name.

test_version() {
    expect 0 "$LOAM" --version
    is out "loam $VERSION"
    empty err
}

test_help_lists_the_commands() {
    expect 0 "$LOAM" --help
    says out 'Usage: loam COMMAND'
    says out "  run      start a program on loam's heap"
    says out '  shared   list shared heaps, look at one, remove names'
    mv out by_option
    expect 0 "$LOAM" help
    cmp by_option out
}

test_help_of_a_command() {
    expect 0 "$LOAM" help run
    says out 'Usage: loam run [OPTION]... [--] PROGRAM [ARGUMENT]...'
    says out '--summary FILE'
    says out 'estimate from all allocations'
    mv out by_help
    expect 0 "$LOAM" run --help
    cmp by_help out
}

test_help_fits_into_120_columns() {
    for command in run shared; do
        "$LOAM" help "$command" | awk 'length > 120 { exit 1 }'
    done
}

test_no_command() {
    expect 2 "$LOAM"
    empty out
    says err 'Usage: loam COMMAND'
}

test_unknown_command() {
    expect 2 "$LOAM" walk
    is err "loam: there is no command 'walk'; see 'loam --help'"
    expect 2 "$LOAM" help walk
    says err "there is no command 'walk'"
}

test_unknown_option() {
    expect 2 "$LOAM" --walk
    says err "loam: unrecognized option '--walk'"
}

test_run_without_a_program() {
    expect 125 "$LOAM" run
    says err 'loam run: there is no program to run'
    expect 125 "$LOAM" run --
}

test_run_with_an_unknown_option() {
    expect 125 "$LOAM" run --walk true
    says err "loam run: unrecognized option '--walk'"
    says err "Try 'loam run --help'."
}

test_run_with_an_option_that_lacks_its_argument() {
    expect 125 "$LOAM" run --json
    says err "loam run: option '--json' requires an argument"
}

test_help_on_a_full_device() {
    [ -w /dev/full ] || skip 'no /dev/full'
    expect 1 sh -c "'$LOAM' --help >/dev/full"
    says err 'loam: cannot write to stdout: No space left on device'
}
