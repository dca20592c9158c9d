# At a terminal, the program is treated as if loam were not there: terminal.py plays the terminal.

terminal() {
    command -v python3 >/dev/null || skip 'no python3'
    python3 "$here/terminal.py" "$@"
}

test_interrupt_reaches_the_program_once() {
    terminal interrupt "$LOAM" run -q "$LISTENER" heard
}

test_quit_reaches_the_program_once() {
    terminal quit "$LOAM" run -q "$LISTENER" heard
}

test_stop_key_reaches_the_program_once() {
    terminal stop "$LOAM" run -q "$LISTENER" heard
}

test_new_size_reaches_the_program_once() {
    terminal size "$LOAM" run -q "$LISTENER" heard
}

test_hangup_reaches_the_program() {
    terminal hangup "$LOAM" run -q "$LISTENER" heard
}

test_colour_at_a_terminal_alone() {
    terminal output "$LOAM" run true >shown
    says shown $'\033['
    expect 0 "$LOAM" run true
    ! grep -q $'\033' err || fail 'colour in a file'
}

test_no_color() {
    NO_COLOR=1 terminal output "$LOAM" run true >shown
    says shown 'exited with status 0'
    ! grep -q $'\033' shown || fail 'colour in spite of NO_COLOR'
    TERM=dumb terminal output "$LOAM" run true >shown
    ! grep -q $'\033' shown || fail 'colour on a dumb terminal'
}
