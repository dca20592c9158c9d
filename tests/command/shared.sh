# `loam shared`: heaps in shared memory that have a name. Those here have names that begin with that of this run.

. "$here/subject.sh"

heap=loam-test-$$

# A name is there for as long as the test.
begin() {
    [ -w /dev/shm ] || skip 'no /dev/shm'
    trap 'rm -f "/dev/shm/$heap"*' EXIT
}

# A heap that PID has made and takes part in.
make_heap() {
    begin
    start "$SHARER" make "$heap"
}

# Another participant, whose id is in `other`.
join_heap() {
    mkfifo other_fifo
    "$SHARER" join "$heap" <other_fifo >other_said &
    exec 8>other_fifo
    await other_said ready
    other=$(sed -n 's/^ready //p' other_said)
}

# Kill a process of this test, and wait until it is gone.
kill_now() {
    kill -KILL "$1"
    wait "$1" 2>/dev/null || true
}

# The heap's lines of `ls`; others may have heaps, too.
ours() {
    grep "^$heap" out
}

test_what_to_do() {
    expect 2 "$LOAM" shared
    says err 'loam shared: what to do? ls, stat or rm'
    says err "Try 'loam shared --help'."
    expect 2 "$LOAM" shared find
    expect 2 "$LOAM" shared stat
    says err 'loam shared: stat: which heap?'
    expect 2 "$LOAM" shared stat a b
    says err 'stat: it takes one name'
    expect 2 "$LOAM" shared ls a
    says err 'ls: it takes no name'
    expect 2 "$LOAM" shared rm
    expect 2 "$LOAM" shared rm --json a
    says err 'rm: it has no --json'
    expect 2 "$LOAM" shared ls --force
    says err 'ls: it has no --force'
}

test_no_such_heap() {
    expect 1 "$LOAM" shared stat "$heap"
    empty out
    is err "loam shared: $heap: there is no shared heap of that name"
    expect 1 "$LOAM" shared rm "$heap"
    is err "loam shared: $heap: there is no shared heap of that name"
}

test_names_that_no_heap_has() {
    for name in a/b /a .. ''; do
        expect 1 "$LOAM" shared stat "$name"
        says err 'no shared heap has such a name'
    done
}

test_ls_without_a_heap() {
    begin
    [ -z "$(find /dev/shm -maxdepth 1 -type f)" ] || skip 'there are files in /dev/shm'
    expect 0 "$LOAM" shared ls
    is out 'There is no shared heap in /dev/shm that may be read.'
    empty err
    expect 0 "$LOAM" shared ls --json
    check out <<<'assert j["heaps"] == []'
}

test_ls() {
    make_heap
    expect 0 "$LOAM" shared ls
    head -n 1 out | grep -qE '^name +owner +mode +limit +memory +in use +blocks +participants +dead$'
    [ "$(ours | awk '{ print $1, $2, $3, $4, $5, $(NF-2), $(NF-1), $NF }')" = \
        "$heap $(id -un) 0640 16.0 MiB 5 1 0" ] || fail "$(cat out)"
}

test_ls_is_sorted_and_has_heaps_only() {
    begin
    for name in "$heap-b" "$heap-c" "$heap-a"; do
        "$SHARER" make "$name" </dev/null >/dev/null
    done
    echo text >"/dev/shm/$heap-text"
    mkfifo "/dev/shm/$heap-fifo"
    ln -s "$heap-a" "/dev/shm/$heap-link"
    head -c 100000 /dev/zero >"/dev/shm/$heap-zero"
    head -c 4096 "/dev/shm/$heap-a" >"/dev/shm/$heap-short"
    expect 0 timeout 20 "$LOAM" shared ls
    empty err
    [ "$(ours | awk '{ printf "%s ", $1 }')" = "$heap-a $heap-b $heap-c " ] || fail "$(cat out)"
}

test_ls_json() {
    make_heap
    expect 0 "$LOAM" shared ls --json
    check out <<PYTHON
d, = (h for h in j["heaps"] if h["name"] == "$heap")
assert d["owner"] == "$(id -un)" and d["mode"] == "0640", d
assert d["limit"] == 16 << 20 and d["blocks"] == 5 and d["roots"] == 2, d
assert d["held"] == said["held"] and d["used"] == said["held"] + said["greeting"] + said["kept"], d
assert d["lost"] == 0 and d["participants"] == 1 and d["dead"] == 0, d
assert d["used"] < d["backed"] < d["limit"], d
PYTHON
}

test_stat() {
    make_heap
    expect 0 "$LOAM" shared stat "$heap"
    empty err
    [ "$(head -n 1 out)" = "The shared heap $heap  (owner $(id -un), mode 0640)" ] || fail "$(cat out)"
    says out 'in 5 blocks, rounding included'
    grep -qE "^ +1 +$pid +[0-9.]+ [KM]iB   command_sharer$" out || fail "no participant: $(cat out)"
    grep -qE "^ +greeting +$(said greeting) B$" out || fail "no root: $(cat out)"
    grep -qE '^ +empty +empty$' out || fail "no empty root: $(cat out)"
}

test_stat_json() {
    make_heap
    expect 0 "$LOAM" shared stat --json "$heap"
    check out <<PYTHON
assert j["name"] == "$heap" and j["blocks"] == 5 and j["mode"] == "0640", j
assert j["by_participant"] == [{"number": 1, "pid": said["ready"], "dead": False, "held": said["held"]}], j
roots = {r["name"]: r["bytes"] for r in j["by_root"]}
assert roots == {"greeting": said["greeting"], "empty": None}, roots
PYTHON
}

test_two_participants_one_of_which_dies() {
    make_heap
    join_heap
    kill_now "$other"
    expect 0 "$LOAM" shared ls
    [ "$(ours | awk '{ print $(NF-1), $NF }')" = '1 1' ] || fail "$(cat out)"
    expect 0 "$LOAM" shared stat "$heap"
    grep -qE "^ +2 +$other .* died, not recovered$" out || fail "$(cat out)"
    grep -qE "^ +1 +$pid .* command_sharer$" out || fail "$(cat out)"
    expect 0 "$LOAM" shared stat --json "$heap"
    check out <<PYTHON
assert j["participants"] == 1 and j["dead"] == 1 and j["lost"] == said["held"] and j["held"] == 2 * said["held"], j
assert [p["dead"] for p in j["by_participant"]] == [False, True], j
PYTHON
    "$SHARER" join "$heap" </dev/null >/dev/null # in its place, so it recovers it
    expect 0 "$LOAM" shared stat --json "$heap"
    check out <<<'assert j["participants"] == 1 and j["dead"] == 0 and j["lost"] == 0, j'
}

test_without_participants() {
    begin
    "$SHARER" make "$heap" </dev/null >said
    expect 0 "$LOAM" shared stat "$heap"
    says out 'in 2 blocks'
    [ "$(grep -A 1 Participants out | tail -n 1)" = '    none' ] || fail "$(cat out)"
    says out greeting
}

test_without_roots() {
    begin
    start "$SHARER" bare "$heap"
    expect 0 "$LOAM" shared stat "$heap"
    says out 'in 3 blocks'
    [ "$(grep -A 1 Roots out | tail -n 1)" = '    none' ] || fail "$(cat out)"
    expect 0 "$LOAM" shared stat --json "$heap"
    check out <<<'assert j["by_root"] == [] and j["roots"] == 0 and len(j["by_participant"]) == 1, j'
}

test_looking_changes_nothing() {
    make_heap
    join_heap
    kill_now "$other"
    cksum <"/dev/shm/$heap" >before
    "$LOAM" shared ls >/dev/null
    "$LOAM" shared stat "$heap" >/dev/null
    cksum <"/dev/shm/$heap" | cmp - before
}

test_file_that_is_no_heap() {
    begin
    echo text >"/dev/shm/$heap"
    expect 1 "$LOAM" shared stat "$heap"
    is err "loam shared: $heap: it is not a shared heap, or damaged, or of another version; its file is /dev/shm/$heap"
    expect 1 "$LOAM" shared rm --force "$heap"
    [ -e "/dev/shm/$heap" ] || fail 'it is removed'
}

test_damaged_heap() {
    begin
    "$SHARER" make "$heap" </dev/null >said
    truncate -s 20000 "/dev/shm/$heap"
    expect 1 "$LOAM" shared stat "$heap"
    says err 'damaged'
}

# shorter FUNCTION SIZE COMMAND... - run it; when it calls FUNCTION the heap's file is made SIZE bytes long.
shorter() {
    local in=$1 size=$2
    shift 2
    env LD_PRELOAD="$SHORTEN" SHORTER_FILE="/dev/shm/$heap" SHORTER_IN="$in" SHORTER_SIZE="$size" "$@"
}

test_file_that_is_made_shorter_while_it_is_read() {
    begin
    local line="loam shared: $heap: its file was made shorter, or memory ran out, while it was read"
    for size in 0 4096 40960; do
        "$SHARER" make "$heap" </dev/null >said
        expect 1 shorter fstat "$size" "$LOAM" shared stat "$heap"
        empty out
        is err "$line"
        rm "/dev/shm/$heap"
    done
    "$SHARER" make "$heap" </dev/null >said
    expect 1 shorter getpwuid 0 "$LOAM" shared stat "$heap"
    is err "$line"
}

test_ls_goes_on_after_a_file_that_is_made_shorter() {
    begin
    for name in "$heap-a" "$heap" "$heap-b"; do
        "$SHARER" make "$name" </dev/null >said
    done
    expect 1 shorter fstat 0 "$LOAM" shared ls
    is err "loam shared: $heap: its file was made shorter, or memory ran out, while it was read"
    [ "$(ours | awk '{ printf "%s ", $1 }')" = "$heap-a $heap-b " ] || fail "$(cat out)"
}

test_rm_of_a_file_that_is_made_shorter() {
    begin
    "$SHARER" make "$heap" </dev/null >said
    expect 1 shorter fstat 0 "$LOAM" shared rm "$heap"
    says err 'its file was made shorter'
    [ -e "/dev/shm/$heap" ] || fail 'it is removed'
}

test_file_that_grows() {
    begin
    "$SHARER" make "$heap" </dev/null >said
    truncate -s 1T "/dev/shm/$heap"
    expect 0 "$LOAM" shared stat "$heap"
    says out 'in 2 blocks'
}

test_heap_of_another_user() {
    make_heap
    [ "$(id -u)" = 0 ] || skip 'not root'
    chmod 0600 "/dev/shm/$heap"
    cp "$LOAM" command
    chmod 755 . .. command
    expect 1 nobody ./command shared stat "$heap"
    is err "loam shared: $heap: Permission denied"
    expect 0 nobody ./command shared ls
    ! grep -q "^$heap" out || fail 'it is listed'
    chmod 0644 "/dev/shm/$heap"
    expect 0 nobody ./command shared stat "$heap"
    says out "$pid"
    expect 1 nobody ./command shared rm --force "$heap"
    [ -e "/dev/shm/$heap" ] || fail 'it is removed'
}

test_name_with_control_characters() {
    begin
    heap="$heap"$'\e[1m'
    "$SHARER" make "$heap" </dev/null >/dev/null
    expect 0 "$LOAM" shared ls
    says out "loam-test-$$?[1m"
    expect 0 "$LOAM" shared stat "$heap"
    ! grep -q $'\e' out || fail 'it moves the cursor'
    expect 1 "$LOAM" shared stat "$heap-2"
    ! grep -q $'\e' err || fail 'it moves the cursor'
}

# A warning of another's heap is on the terminal of whoever lists.
test_name_of_a_heap_that_cannot_be_opened() {
    begin
    heap="$heap"$'\e[1m'
    "$SHARER" make "$heap" </dev/null >/dev/null
    expect 1 sh -c 'exec 3<&- 4<&- 5<&- 6<&-; ulimit -n 4; exec "$0" shared ls' "$LOAM"
    says err "loam shared: loam-test-$$?[1m: Too many open files"
}

test_rm() {
    begin
    "$SHARER" make "$heap" </dev/null >/dev/null
    "$SHARER" make "$heap-2" </dev/null >/dev/null
    expect 0 "$LOAM" shared rm "$heap" "$heap-2"
    empty out
    empty err
    [ ! -e "/dev/shm/$heap" ] && [ ! -e "/dev/shm/$heap-2" ] || fail 'there is a name'
}

test_rm_goes_on_after_one_that_fails() {
    begin
    "$SHARER" make "$heap" </dev/null >/dev/null
    expect 1 "$LOAM" shared rm "$heap-none" "$heap"
    [ ! -e "/dev/shm/$heap" ] || fail 'there is a name'
}

test_rm_of_a_heap_in_use() {
    make_heap
    expect 1 "$LOAM" shared rm "$heap"
    empty out
    is err "loam shared: $heap: it is in use (participants: 1); --force removes the name, and they go on using it"
    [ -e "/dev/shm/$heap" ] || fail 'it is removed'
    expect 0 "$LOAM" shared rm --force "$heap"
    is out "$heap: the name is removed; participants that go on using it: 1"
    [ ! -e "/dev/shm/$heap" ] || fail 'there is a name'
    kill -0 "$pid"
}

test_rm_of_a_heap_whose_participants_died() {
    make_heap
    kill_now "$pid"
    expect 0 "$LOAM" shared rm "$heap"
    [ ! -e "/dev/shm/$heap" ] || fail 'there is a name'
}
