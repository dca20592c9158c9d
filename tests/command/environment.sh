# What the program's environment becomes, and which library it gets.

show='printf "%s\n" "$LD_PRELOAD" "$LOAM_OPTIONS"'

test_library_is_preloaded() {
    expect 0 "$LOAM" run -q sh -c "$show"
    is out "$FAKE"$'\n'
    expect 0 "$LOAM" run -q cat /proc/self/maps
    says out "$FAKE"
}

test_what_was_preloaded_is_kept() {
    expect 0 env LD_PRELOAD="libm.so.6 libdl.so.2" "$LOAM" run -q sh -c "$show"
    is out "$FAKE:libm.so.6 libdl.so.2"$'\n'
}

test_options_are_kept_and_added_to() {
    expect 0 "$LOAM" run -q -o purge=5 sh -c "$show"
    is out "$FAKE"$'\n'purge=5
    expect 0 env LOAM_OPTIONS=hardened "$LOAM" run -q -o purge=5 --options=source=brk,a sh -c "$show"
    is out "$FAKE"$'\n'hardened,purge=5,source=brk,a
    expect 0 env LOAM_OPTIONS=hardened "$LOAM" run -q sh -c "$show"
    is out "$FAKE"$'\n'hardened
}

test_summary_is_asked_for_last() {
    expect 0 env LOAM_OPTIONS=summary=/nonexistent "$LOAM" run -o purge=5 sh -c "$show"
    says out 'summary=/nonexistent,purge=5,summary=/tmp/loam-run-'
}

test_rest_of_the_environment_is_untouched() {
    env -i LOAM_LIBRARY="$FAKE" LD_PRELOAD="$FAKE" env >plain
    expect 0 env -i LOAM_LIBRARY="$FAKE" "$LOAM" run -q /usr/bin/env
    cmp <(sort plain) <(sort out)
}

test_directory_is_private_and_goes_away() {
    mkdir tmp
    expect 0 env TMPDIR=tmp "$LOAM" run sh -c 'd=${LOAM_OPTIONS##*=}; echo "$d"; stat -c %a "$d"'
    says out "$PWD/tmp/loam-run-"
    says out 700
    rmdir tmp
}

test_directory_that_options_cannot_name() {
    mkdir 'a,b'
    expect 0 env TMPDIR='a,b' "$LOAM" run sh -c 'echo "$LOAM_OPTIONS"'
    says out 'summary=/tmp/loam-run-'
}

test_directory_that_cannot_be_made() {
    mkdir tmp
    chmod 500 tmp
    [ ! -w tmp ] || skip 'a privileged user can write anywhere'
    expect 125 env TMPDIR=tmp "$LOAM" run true
    says err 'loam run: cannot make a directory for the records'
}

test_mem_is_preloaded_after_the_heap() {
    mkdir lib
    cp "$FAKE" lib/libloam.so
    cp "$FAKE" lib/libloam-mem.so
    expect 0 env LOAM_LIBRARY=lib/libloam.so "$LOAM" run -q --mem sh -c "$show"
    is out "$PWD/lib/libloam.so:$PWD/lib/libloam-mem.so"$'\n'
}

test_mem_that_is_missing() {
    mkdir lib
    cp "$FAKE" lib/libloam.so
    expect 125 env LOAM_LIBRARY=lib/libloam.so "$LOAM" run --mem true
    says err 'lib/libloam-mem.so, which belongs beside libloam.so: No such file'
}

test_library_by_name() {
    cp "$FAKE" mine.so
    expect 0 env LOAM_LIBRARY=mine.so "$LOAM" run -q sh -c "cd /; $show"
    is out "$PWD/mine.so"$'\n'
}

test_missing_library_by_name() {
    expect 125 env LOAM_LIBRARY=none.so "$LOAM" run true
    is err 'loam run: LOAM_LIBRARY=none.so: No such file or directory'
}

test_library_that_is_none() {
    echo text >text.so
    expect 125 env LOAM_LIBRARY=text.so "$LOAM" run true
    is err 'loam run: LOAM_LIBRARY=text.so: it is not a shared library'
    expect 125 env LOAM_LIBRARY="$LOAM" "$LOAM" run true
    says err 'is not a shared library for this machine'
}

test_library_that_cannot_be_preloaded() {
    mkdir 'a b'
    cp "$FAKE" 'a b/mine.so'
    expect 125 env LOAM_LIBRARY='a b/mine.so' "$LOAM" run true
    says err 'LD_PRELOAD cannot name a path with spaces or colons'
}

# With the command in bin/, where the library is found.
found_in() {
    mkdir -p bin "$1"
    cp "$LOAM" bin
    cp "$FAKE" "$1/libloam.so"
    unset LOAM_LIBRARY
    expect 0 bin/loam run -q sh -c "$show"
    is out "$PWD/$1/libloam.so"$'\n'
}

test_library_beside_the_command() {
    found_in bin
}

test_library_in_lib() {
    found_in lib
}

test_library_in_the_lib_of_this_machine() {
    local machine
    machine=$("$CC" -print-multiarch 2>/dev/null) && [ -n "$machine" ] || skip 'libraries lie in lib here'
    found_in "lib/$machine"
}

test_library_of_a_linked_command() {
    mkdir -p opt/bin opt/lib
    cp "$LOAM" opt/bin
    cp "$FAKE" opt/lib/libloam.so
    ln -s opt/bin/loam linked
    unset LOAM_LIBRARY
    expect 0 ./linked run -q sh -c "$show"
    is out "$PWD/opt/lib/libloam.so"$'\n'
}

test_missing_library() {
    mkdir bin
    cp "$LOAM" bin
    unset LOAM_LIBRARY
    expect 125 bin/loam run true
    says err "loam run: cannot find libloam.so: it is neither in $PWD/bin"
}

test_run_within_a_run() {
    expect 0 "$LOAM" run --summary outer "$LOAM" run --summary inner true
    says outer '(pid '
    says inner '(pid '
}
