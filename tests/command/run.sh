#!/usr/bin/env bash
# run.sh GROUP - run every function test_* of GROUP.sh, in the order in which they stand there.
#
# Each runs in a shell of its own that stops at the first command that fails, in an empty directory, with the fake
# library. The programs under test come from the environment: LOAM, HEAP (libloam.so), FAKE, OUTCOME, LISTENER,
# SUBJECT, LEAKY, BUSY, SHARER, SHORTEN, CC, VERSION.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
group=${1:?usage: run.sh GROUP}
: "${LOAM:?}" "${HEAP:?}" "${FAKE:?}" "${OUTCOME:?}" "${LISTENER:?}" "${SUBJECT:?}" "${LEAKY:?}" "${BUSY:?}" "${SHARER:?}" "${SHORTEN:?}" "${CC:?}" "${VERSION:?}"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/loam-command-XXXXXX")
trap 'chmod -R u+rwx "$scratch"; rm -rf "$scratch"' EXIT
unset LD_PRELOAD LOAM_OPTIONS NO_COLOR TMPDIR "${!FAKE_@}"
export LC_ALL=C LOAM_LIBRARY=$FAKE

SKIPPED=77

fail() {
    echo "  $*" >&2
    exit 1
}

# A test that cannot be done here says why.
skip() {
    echo "  skipped: $*" >&2
    exit $SKIPPED
}

# expect STATUS COMMAND... - run it with its output in `out` and `err`; it must exit with STATUS.
expect() {
    local wanted=$1 status=0
    shift
    "$@" >out 2>err || status=$?
    [ "$status" -eq "$wanted" ] && return
    cat out err >&2
    fail "exit status $status, not $wanted: $*"
}

# says FILE TEXT - FILE must contain TEXT.
says() {
    grep -qF -- "$2" "$1" && return
    cat "$1" >&2
    fail "$1 does not say: $2"
}

# is FILE TEXT - FILE must be TEXT, to the byte, and a newline.
is() {
    printf '%s\n' "$2" | cmp - "$1" >&2 || { cat "$1" >&2; fail "$1 is not: $2"; }
}

empty() {
    [ ! -s "$1" ] && return
    cat "$1" >&2
    fail "$1 is not empty"
}

# ends WANTED COMMAND... - as waitpid(2) tells it, COMMAND must end WANTED: "exit 3", "signal 15".
ends() {
    local wanted=$1
    shift
    "$OUTCOME" outcome "$@" >out 2>err || fail "cannot run $*"
    is outcome "$wanted"
}

# Wait until FILE says TEXT.
await() {
    local i
    for ((i = 0; i < 3000; i++)); do
        grep -qF -- "$2" "$1" 2>/dev/null && return
        sleep 0.01
    done
    cat "$1" >&2
    fail "$1 never says: $2"
}

# script FILE LINE... - an executable file of these lines.
script() {
    local file=$1
    shift
    printf '%s\n' "$@" >"$file"
    chmod +x "$file"
}

# Whether user 65534 can reach the file: for what a privileged user's tests must try as another.
nobody() {
    setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

# shellcheck source=/dev/null
. "$here/$group.sh"

failed=0
for name in $(sed -n 's/^\(test_[a-z0-9_]*\)() *{$/\1/p' "$here/$group.sh"); do
    mkdir "$scratch/$name"
    (
        set -e
        cd "$scratch/$name"
        "$name"
    )
    status=$?
    case $status in
    0) echo "ok      $name" ;;
    "$SKIPPED") echo "skipped $name" ;;
    *)
        echo "FAILED  $name"
        failed=1
        ;;
    esac
done
leftover=$(find /tmp -maxdepth 1 -name 'loam-run-*' -user "$(id -u)" -newer "$scratch" 2>/dev/null | head -n 3)
[ -z "$leftover" ] || echo "note: directories of records that are still there: $leftover"
exit $failed
