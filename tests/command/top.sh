# `loam top`: on a terminal.

. "$here/subject.sh"

screen() {
    python3 "$here/screen.py" "$@"
}

test_process() {
    start_subject 2
    expect 0 screen "=loam top: process $pid" '=object' '=48 B' '=loam heap' q -- "$LOAM" top "$pid"
}

test_counts_of_calls() {
    start env LD_PRELOAD="$HEAP" LOAM_OPTIONS=sample=0,summary=. "$SUBJECT"
    expect 0 screen '=mallocs/s' q -- "$LOAM" top "$pid"
}

test_growth_is_seen() {
    "$CC" -x c - -o grows <<'PROGRAM'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    printf("ready %d\n", (int)getpid());
    for (int i = 0; i < 3000; i++) {
        memset(malloc(100000), 1, 100000);
        usleep(20000);
    }
    return 0;
}
PROGRAM
    start env LD_PRELOAD="$HEAP" ./grows
    expect 0 screen '=MiB/s' q -- "$LOAM" top -d 0.2 "$pid"
    kill "$pid"
}

test_keys() {
    start_subject
    expect 0 screen '=by size' s '=growth' s '=name' p '=PAUSED' p + '=2' - '=1' q -- "$LOAM" top "$pid"
}

test_list() {
    start_subject
    expect 0 screen '=all processes on loam' "=$pid" q -- "$LOAM" top
}

test_one_of_the_list() {
    start_subject
    expect 0 screen "=$pid" '\n' '=at hand' '\x1b' '=threads' q -- "$LOAM" top
}

test_count() {
    start_subject
    expect 0 screen '=resident' -- "$LOAM" top -n 2 -d 0.1 "$pid"
}

test_process_without_the_heap() {
    start "$SUBJECT"
    expect 0 screen '=only segments are known' '=program break' q -- "$LOAM" top "$pid"
}

test_process_that_ends() {
    start_subject
    (sleep 0.5; kill -KILL "$pid") &
    expect 1 screen '=loam heap' -- "$LOAM" top -d 0.1 "$pid"
}

test_no_terminal() {
    start_subject
    expect 1 "$LOAM" top "$pid"
    says err 'it needs a terminal'
}

test_arguments() {
    expect 2 "$LOAM" top 1 2
    says err 'one process at a time'
    expect 2 "$LOAM" top -d 0
    says err 'seconds from 0.1 to 60'
    expect 2 "$LOAM" top -n 0
    says err 'a number above 0'
    expect 0 "$LOAM" top --help
}
