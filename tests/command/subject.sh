# For groups that look at a process: the subject, started on the heap, and what it said.

export LOAM_LIBRARY=$HEAP
export LOAM_OPTIONS=sample=0 # every figure is exact

# start COMMAND... - run it until its input ends, which is when the test does; wait until it has said "ready".
start() {
    mkfifo "fifo$$"
    "$@" <"fifo$$" >said &
    exec 9>"fifo$$"
    await said ready
    pid=$(said ready)
}

# On loam, with so many threads.
start_subject() {
    start env LD_PRELOAD="$HEAP" "$SUBJECT" "${1:-1}"
}

# What the subject said of NAME.
said() {
    sed -n "s/^$1 //p" said
}

# check FILE - run the Python program on stdin with `j` the JSON document in FILE, `said` what the subject said, and
# `proc(NAME)` the contents of a file of its directory in /proc.
check() {
    cat >check.py
    python3 - "$1" "${pid:-0}" <<'PRELUDE'
import json
import sys

j = json.load(open(sys.argv[1]))
said = {}
try:
    for line in open("said"):
        name, value = line.split()
        said[name] = int(value, 0)
except FileNotFoundError:
    pass


def proc(name):
    return open(f"/proc/{sys.argv[2]}/{name}").read()


exec(compile(open("check.py").read(), "check.py", "exec"))
PRELUDE
}
