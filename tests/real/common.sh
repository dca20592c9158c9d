# common.sh - what the scripts of this directory share; each sources it first.
#
# A script runs one program under the launcher and checks what the program made. The launcher is LOAM_RUN, in shell
# words: `build/loam run --quiet --` unless set. To try a script on another heap, or on the C library's:
#
#     LOAM_RUN="env LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2" tests/real/xz.sh
#     LOAM_RUN=env tests/real/xz.sh
#
# $repo is the root of the repository; $work a fresh directory, the current one, removed at exit.
# The exit status is 77 when the program is not installed.
# shellcheck shell=bash
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LOAM_RUN=${LOAM_RUN:-"'$repo/build/loam' run --quiet --"}
eval "launcher=($LOAM_RUN)"

# The file name of the library that must be found in the program; empty when the C library's heap is tried.
case $LOAM_RUN in
*LD_PRELOAD=*) heap=$(basename "${LOAM_RUN##*LD_PRELOAD=}") ;;
*loam*) heap=libloam.so ;;
*) heap= ;;
esac

work=$(mktemp -d "${TMPDIR:-/tmp}/loam-real.XXXXXX")
stop() { :; } # a script that starts a server has its own
trap 'stop; cd /; rm -rf "$work"' EXIT
cd "$work"

# Nothing of the user's settings may change what a program makes.
unset LD_PRELOAD
export HOME=$work TMPDIR=$work LC_ALL=C.UTF-8 TZ=UTC

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# need COMMAND...: skip the test where one is missing.
need() {
    for command; do
        command -v "$command" >/dev/null || { echo "skipped: no $command here"; exit 77; }
    done
}

on_loam() { "${launcher[@]}" "$@"; }

# same WHAT EXPECTED FOUND: two texts that must be equal, and not empty.
same() {
    if [ -z "$2" ] || [ "$2" != "$3" ]; then
        fail "$1: expected '$2', found '$3'"
    fi
}

# bound PROGRAM COMMAND...: run COMMAND, short, under the launcher, and prove by the loader's own account that PROGRAM,
# one of those that it starts, has its malloc from the heap's library.
bound() {
    local program=$1 trace=$work/bindings
    shift
    mkdir "$trace"
    LD_BIND_NOW=1 LD_DEBUG=bindings LD_DEBUG_OUTPUT=$trace/of on_loam "$@" >/dev/null
    [ -z "$heap" ] ||
        grep -Eqs "file ([^ ]*/)?$program \[0\] to ([^ ]*/)?$heap \[0\]: normal symbol .malloc'" "$trace"/of.* ||
        fail "$program has not its malloc from $heap"
    [[ $LOAM_RUN != *" --mem "* ]] ||
        grep -Eqs "to ([^ ]*/)?libloam-mem.so \[0\]: normal symbol .mem(cpy|move|set|cmp|chr)'" "$trace"/of.* ||
        fail "nothing in $program has its memcpy, memset or memcmp from libloam-mem.so"
    rm -r "$trace"
}

# mapped PID: prove that this running process has the heap's library.
mapped() {
    [ -z "$heap" ] || grep -qF "/$heap" "/proc/$1/maps" || fail "$heap is not in process $1"
}
