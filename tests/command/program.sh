# Which program is started, and which ones are refused, before anything has happened.

test_options_stop_at_the_program() {
    expect 0 "$LOAM" run -q echo --quiet -o x --
    is out '--quiet -o x --'
    expect 0 "$LOAM" run -q -- echo -- a
    is out '-- a'
}

test_argument_zero_is_as_given() {
    expect 0 "$LOAM" run -q sh -c 'tr "\0" " " </proc/$$/cmdline; echo'
    says out 'sh -c'
}

test_path_is_searched() {
    mkdir first second
    script second/tool '#!/bin/sh' 'echo second'
    printf 'not executable' >first/tool
    expect 0 env PATH="$PWD/first:$PWD/second:$PATH" "$LOAM" run -q tool
    is out second
}

test_empty_element_of_path_is_the_current_directory() {
    script tool '#!/bin/sh' 'echo here'
    expect 0 env PATH=":$PATH" "$LOAM" run -q tool
    is out here
    expect 0 env PATH="$PATH:" "$LOAM" run -q tool
    is out here
}

test_missing() {
    expect 127 "$LOAM" run no-such-program
    is err 'loam run: no-such-program: command not found'
    expect 127 "$LOAM" run ./no-such-program
    is err 'loam run: ./no-such-program: No such file or directory'
    expect 127 "$LOAM" run ''
    says err 'command not found'
}

test_missing_program_leaves_output_files_alone() {
    echo before >file
    expect 127 "$LOAM" run --json file --summary other no-such-program
    is file before
    [ ! -e other ]
}

test_not_executable() {
    echo text >text
    expect 126 "$LOAM" run ./text
    is err 'loam run: ./text: Permission denied'
    expect 126 "$LOAM" run /
    is err 'loam run: /: Permission denied'
    expect 126 "$LOAM" run ./text/x
    is err 'loam run: ./text/x: Not a directory'
}

test_not_executable_in_path() {
    echo text >tool-of-test
    expect 126 env PATH="$PWD:$PATH" "$LOAM" run tool-of-test
    is err 'loam run: tool-of-test: Permission denied'
}

test_text_goes_to_the_shell() {
    script text 'echo "$0 $1"'
    expect 0 "$LOAM" run -q ./text a
    is out './text a'
}

test_script() {
    script hello '#!/bin/sh -e' 'echo hello "$@"'
    expect 0 "$LOAM" run -q ./hello a b
    is out 'hello a b'
}

test_script_without_its_interpreter() {
    script lost '#! /no/such/interpreter -x' 'echo'
    expect 127 "$LOAM" run ./lost
    is err 'loam run: ./lost: its interpreter /no/such/interpreter: No such file or directory'
    script second "#!$PWD/lost"
    expect 127 "$LOAM" run ./second
    is err "loam run: ./second: its interpreter $PWD/lost: its interpreter /no/such/interpreter: No such file or directory"
    script bare '#!'
    expect 126 "$LOAM" run ./bare
    is err 'loam run: ./bare: Exec format error'
}

test_script_that_interprets_itself() {
    script self "#!$PWD/self"
    expect 126 "$LOAM" run ./self
    is err 'loam run: ./self: its interpreter '"$PWD/self: its interpreter $PWD/self: its interpreter $PWD/self: its interpreter $PWD/self: its interpreter $PWD/self: Too many levels of symbolic links"
}

test_static_program() {
    echo 'int main(void) { return 0; }' >static.c
    "$CC" -static static.c -o static 2>/dev/null || skip 'no static C library'
    ./static
    expect 126 "$LOAM" run ./static
    says err 'loam run: ./static is statically linked'
    says err 'libloam.a'
    script by_static "#!$PWD/static"
    expect 126 "$LOAM" run ./by_static
    says err "loam run: ./by_static: its interpreter $PWD/static is statically linked"
}

test_static_pie() {
    echo 'int main(void) { return 0; }' >static.c
    "$CC" -static-pie static.c -o static 2>/dev/null || skip 'no static C library'
    expect 126 "$LOAM" run ./static
    says err 'is statically linked'
}

# patch FILE OFFSET BYTES - as printf(1) writes them.
patch() {
    printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

test_other_processor() {
    cp "$(type -P true)" other
    patch other 18 '\267\000' # e_machine: EM_AARCH64
    [ "$(uname -m)" != aarch64 ] || skip 'this is that processor'
    expect 126 "$LOAM" run ./other
    says err 'loam run: ./other is a program for another processor'
    cp "$(type -P true)" other
    patch other 4 '\001' # EI_CLASS: 32-bit
    expect 126 "$LOAM" run ./other
    says err 'or of another word size'
}

test_broken_programs() {
    local true
    true=$(type -P true)
    head -c 10 "$true" >cut
    chmod +x cut
    expect 126 "$LOAM" run ./cut
    is err 'loam run: ./cut: Exec format error'
    head -c 100 "$true" >cut
    expect 126 "$LOAM" run ./cut
    is err 'loam run: ./cut: Exec format error'
    for offset in 32 54 56; do # e_phoff, e_phentsize, e_phnum
        cp "$true" broken
        patch broken $offset '\377\377'
        expect 126 "$LOAM" run ./broken
        is err 'loam run: ./broken: Exec format error'
    done
    cp "$true" broken
    patch broken 32 '\377\377\377\377\377\377\377\377'
    expect 126 "$LOAM" run ./broken
    : >empty
    chmod +x empty
    expect 0 "$LOAM" run -q ./empty # to execvp(3) it is a shell script
}

test_program_without_its_loader() {
    "$CC" -x c - -o lost -Wl,--dynamic-linker=/no/such/loader <<<'int main(void) { return 0; }'
    expect 127 "$LOAM" run ./lost
    is err 'loam run: ./lost: it needs the dynamic loader /no/such/loader: No such file or directory'
}

test_every_program_here_is_accepted() {
    local file status=0
    for file in /bin/ls /usr/bin/env "$(command -v bash)" "$(command -v "$CC")"; do
        expect 0 "$LOAM" run -q "$file" --version
    done
}

test_set_uid_program() {
    [ "$(id -u)" -eq 0 ] || skip 'only a privileged user can make one'
    cp "$(type -P true)" privileged
    chmod u+s privileged
    expect 0 "$LOAM" run ./privileged # its user is ours: nothing changes
    chown 65534 privileged
    chmod u+s privileged
    expect 126 "$LOAM" run ./privileged
    says err 'loam run: ./privileged is set-uid'
    says err 'Run loam as the user who has them'
}

test_set_gid_program() {
    [ "$(id -u)" -eq 0 ] || skip 'only a privileged user can make one'
    cp "$(type -P true)" privileged
    chgrp 65534 privileged
    chmod g+s privileged
    expect 126 "$LOAM" run ./privileged
    says err 'loam run: ./privileged is set-gid'
    chmod g-x privileged # without it, the bit means another thing
    expect 0 "$LOAM" run -q ./privileged
}

test_set_uid_without_effect() {
    [ "$(id -u)" -eq 0 ] || skip 'only a privileged user can make one'
    command -v setpriv >/dev/null || skip 'no setpriv'
    cp "$(type -P true)" privileged
    chown 65534 privileged
    chmod u+s privileged
    expect 0 setpriv --no-new-privs "$LOAM" run -q ./privileged
    script text '#!/bin/sh' 'exit 0'
    chown 65534 text
    chmod u+s text
    expect 0 "$LOAM" run -q ./text # Linux does not heed the bit of a script
}

test_file_capabilities() {
    [ "$(id -u)" -eq 0 ] || skip 'only a privileged user can give them'
    command -v setcap >/dev/null && command -v setpriv >/dev/null || skip 'no setcap, or no setpriv'
    open=$(mktemp -d /tmp/loam-command-XXXXXX)
    trap 'rm -rf "$open"' EXIT
    chmod 755 "$open"
    cp "$LOAM" "$FAKE" "$(type -P true)" "$open"
    setcap cap_net_raw+ep "$open/true" || skip 'the file system holds no capabilities'
    export LOAM_LIBRARY=$open/${FAKE##*/}
    expect 0 "$open/loam" run -q "$open/true" # root gains nothing by it
    expect 126 nobody "$open/loam" run -q "$open/true"
    says err 'is given capabilities by its file'
}

test_unreadable_program() {
    [ "$(id -u)" -eq 0 ] || skip 'only a privileged user can become another'
    command -v setpriv >/dev/null || skip 'no setpriv'
    open=$(mktemp -d /tmp/loam-command-XXXXXX)
    trap 'rm -rf "$open"' EXIT
    chmod 755 "$open"
    cp "$LOAM" "$FAKE" "$(type -P true)" "$open"
    export LOAM_LIBRARY=$open/${FAKE##*/}
    chmod 711 "$open/true"
    expect 0 nobody "$open/loam" run -q "$open/true"
    chmod 4711 "$open/true"
    expect 126 nobody "$open/loam" run -q "$open/true"
    says err 'is set-uid'
}
