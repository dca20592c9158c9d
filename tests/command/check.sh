# `loam check`: what is told, of whom, where, and how it ends.

export LOAM_LIBRARY=$HEAP

WRONG='
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
struct item { struct item *next; char name[12]; };
static char *duplicate(const char *text) { char *copy = malloc(strlen(text)); strcpy(copy, text); return copy; }
static void release(void *object) { free(object); }
static struct item *lost(void) { return calloc(3, sizeof(struct item)); }
static inline __attribute__((always_inline)) void inner(volatile char *p) { p[32] = 1; }
static void outer(volatile char *p) { inner(p); }
int main(int argc, char **argv)
{
    int wrong = argc > 1 ? atoi(argv[1]) : 0;
    char *volatile object = malloc(32);
    strcpy(object, "text");
    if (wrong == 1) puts(duplicate("forgotten terminator"));
    if (wrong == 2) { release(object); puts(object); }
    if (wrong == 3) { release(object); release(object); }
    if (wrong == 4) memset(lost(), 1, 3);
    if (wrong == 5) outer(object);
    if (wrong == 6) for (int i = 0; i < 3; i++) { char *volatile p = malloc(32); p[32] = 1; free(p); }
    if (wrong == 7) { execl(argv[0], argv[0], "3", NULL); }
    if (wrong == 8) { if (fork() == 0) { release(object); release(object); } sleep(1); }
    printf("ended\n");
    if (wrong != 2 && wrong != 3 && wrong != 8) free(object);
    return 7;
}'

wrong() {
    [ -x wrong ] || "$CC" -g -O0 -fno-builtin -fno-inline -w -x c - -o wrong <<<"$WRONG"
}

test_nothing_is_told_of_what_is_right() {
    wrong
    expect 7 "$LOAM" check ./wrong
    is out ended
    says err 'loam check: nothing found (seed '
    [ "$(wc -l <err)" -eq 1 ] || fail 'more is told'
}

test_function_of_the_c_library() {
    wrong
    expect 99 "$LOAM" check ./wrong 1
    says err 'loam: overflow: write of 21 bytes at 0x'
    says err ', right after the end of an object of 20 bytes'
    says err '  in strcpy by thread '
    says err '    at duplicate  <stdin>:7'
    says err '    by main  <stdin>:17'
    says err '  it was allocated by thread '
    says err 'loam check: 1 misuse and 0 kinds of leaks'
}

test_use_after_free_has_three_stacks() {
    wrong
    expect 99 "$LOAM" check ./wrong 2
    says err 'loam: use after free: read of 1 byte at 0x'
    says err ', the start of a freed object of 32 bytes'
    says err '  it was freed by thread '
    says err '    at release  <stdin>:8'
    says err "  in process "
}

test_double_free() {
    wrong
    expect 99 "$LOAM" check ./wrong 3
    says err 'loam: double free: 0x'
    says err '  freed again by thread '
    [ "$(grep -c 'at release  <stdin>:8' err)" -eq 2 ] || fail 'not both frees are told'
}

test_leak_has_a_stack() {
    wrong
    expect 99 "$LOAM" check ./wrong 4
    is out ended
    says err 'loam: leak: 1 object of 72 bytes, lost: nothing points there'
    says err '    at lost  <stdin>:9'
    says err 'loam check: 0 misuses and 1 kind of leaks'
    expect 7 "$LOAM" check --no-leaks ./wrong 4
}

test_inlined_functions_are_told() {
    "$CC" -g -O1 -fno-builtin -w -x c - -o wrong <<<"$WRONG"
    expect 99 "$LOAM" check ./wrong 5
    says err 'inner  <stdin>:10  (inlined)'
}

test_keep_going() {
    wrong
    expect 99 "$LOAM" check --keep-going ./wrong 6
    is out ended
    says err 'loam check: 1 misuse' # three times the same
    expect 99 "$LOAM" check -k ./wrong 5
    is out ended
}

test_exit_code() {
    wrong
    expect 42 "$LOAM" check --exit-code 42 ./wrong 3
    expect 0 "$LOAM" check --exit-code 0 ./wrong 3
    expect 125 "$LOAM" check --exit-code 256 ./wrong 3
    expect 7 "$LOAM" check --exit-code 42 ./wrong
}

test_what_it_starts_is_checked() {
    wrong
    expect 99 "$LOAM" check ./wrong 7
    says err 'loam: double free'
    expect 99 "$LOAM" check ./wrong 8
    says err 'loam: double free'
    expect 99 "$LOAM" check sh -c './wrong 3; exit 0'
    says err '(./wrong 3)'
}

test_json() {
    wrong
    expect 99 "$LOAM" check --json ./wrong 2
    python3 - <<'PYTHON'
import json
j, = [json.loads(line) for line in open("err")]
assert j["kind"] == "use after free" and j["access"] == "read" and j["size"] == 32, j
assert j["function"] == "puts" and j["routine"] == "malloc", j
assert j["freed"]["stack"][0]["function"] == "release", j
assert j["allocated"]["stack"][0]["line"] == 15, j
PYTHON
    expect 99 "$LOAM" check --json ./wrong 4
    python3 - <<'PYTHON'
import json
j, = [json.loads(line) for line in open("err")]
assert j["kind"] == "leak" and j["objects"] == 1 and j["bytes"] == 72 and not j["indirect"], j
PYTHON
}

test_log() {
    wrong
    mkdir elsewhere
    expect 99 "$LOAM" check --log log.%p sh -c 'cd elsewhere; ../wrong 3; ../wrong 2'
    [ "$(ls log.* | wc -l)" -eq 2 ] || fail "$(ls)"
    grep -q 'double free' log.* || fail 'no double free'
    expect 99 "$LOAM" check --log /nonexistent/log ./wrong 3
    says err 'loam report: /nonexistent/log: No such file or directory'
    says err 'loam: double free in process' # then the process tells by itself
}

test_suppressions() {
    wrong
    printf '%s\n' '# known' 'function lost  # really' >known
    expect 7 "$LOAM" check --suppress known ./wrong 4
    echo 'function rel*' >known
    expect 7 "$LOAM" check --suppress known ./wrong 3
    is out ended
    echo 'module *nowhere*' >known
    expect 99 "$LOAM" check --suppress known ./wrong 3
    echo 'fun lost' >known
    expect 99 "$LOAM" check --suppress known ./wrong 4
    says err "known:1: a line is 'function PATTERN'"
    expect 125 "$LOAM" check --suppress unknown ./wrong 4
    says err 'unknown: No such file or directory'
}

test_without_the_command() {
    wrong
    expect 99 env LD_PRELOAD="$HEAP" LOAM_OPTIONS=check ./wrong 3
    says err 'loam: double free in process '
    says err '  freed again by thread '
    expect 99 env LD_PRELOAD="$HEAP" LOAM_OPTIONS="check,reporter=$LOAM" ./wrong 3
    says err '    at release  <stdin>:8'
    expect 99 env LD_PRELOAD="$HEAP" LOAM_OPTIONS=check,reporter=/nonexistent ./wrong 3
    says err 'loam: double free in process '
    expect 5 env LD_PRELOAD="$HEAP" LOAM_OPTIONS=check,status=5 ./wrong 3
}

# Of each, the calls down to main, whatever lies between; compiled without frame pointers.
test_stacks_are_whole() {
    "$CC" -g -O2 -fomit-frame-pointer -fno-builtin -fno-inline -w -x c - -o stacks -ldl <<'PROGRAM'
#include <alloca.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
void *volatile object;
void wrong(void) { object = malloc(32); free(object); free(object); object = 0; }
int compare(const void *a, const void *b) { wrong(); return *(const int *)a - *(const int *)b; }
void sorts(void) { int numbers[] = {3, 1, 2}; qsort(numbers, 3, sizeof(int), compare); numbers[0]++; }
void on_signal(int number) { wrong(); object = 0; }
void signals(void) { signal(SIGUSR1, on_signal); raise(SIGUSR1); object = 0; }
void grows(int n) { volatile char *p = alloca(n); p[n - 1] = 1; wrong(); p[0] = 1; }
void aligned(void) { volatile char place[64] __attribute__((aligned(256))); place[0] = 1; wrong(); place[1] = 1; }
int deep(int n);
int (*volatile again)(int) = deep;
int deep(int n) { if (n == 0) { wrong(); return 0; } return again(n - 1) + 1; }
void plugin(void) { ((void (*)(void (*)(void)))dlsym(dlopen("./plugin.so", RTLD_NOW), "plugged"))(wrong); object = 0; }
int main(int argc, char **argv)
{
    switch (argv[1][0]) {
    case 's': sorts(); break;
    case 'g': grows(argc * 1000); break;
    case 'a': aligned(); break;
    case 'd': deep(10); break;
    case 'p': plugin(); break;
    default: signals();
    }
    return 0;
}
PROGRAM
    "$CC" -g -O2 -shared -fPIC -x c - -o plugin.so <<<'void plugged(void (*f)(void)) { f(); __asm__ volatile(""); }'
    for way in sorts interrupted grows aligned deep plugin; do
        expect 99 "$LOAM" check --json ./stacks $way
        python3 - $way <<'PYTHON'
import json, sys
wanted = {
    "sorts": ["wrong", "compare", "sorts", "main"],
    "interrupted": ["wrong", "on_signal", "signals", "main"],
    "grows": ["wrong", "grows", "main"],
    "aligned": ["wrong", "aligned", "main"],
    "deep": ["wrong"] + ["deep"] * 11 + ["main"],
    "plugin": ["wrong", "plugged", "plugin", "main"],
}[sys.argv[1]]
j = json.loads(open("err").readline())
own = [f["function"] for f in j["at"]["stack"] if f.get("file")]
assert own == wanted, (own, wanted)
PYTHON
    done
}

test_files_that_are_loaded_later_are_checked() {
    "$CC" -g -O0 -w -x c - -o loads -ldl <<'PROGRAM'
#include <dlfcn.h>
#include <stdlib.h>
int main(void)
{
    void (*copy)(char *) = (void (*)(char *))dlsym(dlopen("./late.so", RTLD_NOW), "copy");
    for (int i = 0; i < 2000; i++) /* as programs do before long */
        free(malloc(10));
    char *p = malloc(20);
    copy(p);
    return 0;
}
PROGRAM
    "$CC" -g -O0 -fno-builtin -shared -fPIC -x c - -o late.so <<'PLUGIN'
#include <string.h>
void copy(char *p) { memset(p, 1, 21); }
PLUGIN
    expect 99 "$LOAM" check ./loads
    says err 'overflow: write of 21 bytes'
    says err '  in memset by thread'
}

test_program_does_not_see_the_reporter() {
    "$CC" -g -O0 -w -x c - -o waits <<'PROGRAM'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
static volatile int got;
static void on_child(int number) { got++; }
int main(void)
{
    signal(SIGCHLD, on_child);
    char *p = malloc(32);
    p[32] = 1;
    printf("%d %d\n", got, (int)wait(NULL));
    return 0;
}
PROGRAM
    expect 99 "$LOAM" check -k --no-leaks ./waits
    is out '0 -1'
}

test_seed_is_kept() {
    wrong
    expect 7 "$LOAM" check --seed 5 ./wrong
    says err '(seed 5)'
    expect 125 "$LOAM" check --seed x ./wrong
    says err '--seed x: not a number'
}

test_how_it_is_used() {
    expect 0 "$LOAM" check --help
    says out 'Usage: loam check [OPTION]... [--] PROGRAM [ARGUMENT]...'
    expect 125 "$LOAM" check
    says err 'there is no program to check'
    expect 125 "$LOAM" check --place middle true
    says err "--place middle: neither 'end' nor 'start'"
    expect 125 "$LOAM" check --slowdown 1 true
    expect 127 "$LOAM" check ./nothing
}

test_report_of_what_is_none() {
    expect 2 "$LOAM" report finding
    expect 2 "$LOAM" report finding $$ 0x1000
    says err "not of a process under 'loam check'"
}

test_where_addresses_are_few() {
    wrong
    (
        ulimit -v 1000000
        LOAM_OPTIONS=check LD_PRELOAD=$HEAP ./wrong >out 2>err || [ $? -eq 7 ]
    ) || fail 'the program does not run'
    says err 'loam: there are not enough addresses to check this program; it runs unchecked.'
}

test_static_program() {
    "$CC" -g -O0 -fno-builtin -w -static -Wl,--eh-frame-hdr -x c - -x none -o static "$(dirname "$HEAP")/libloam.a" \
        <<<"$WRONG" || skip 'no static C library here'
    expect 9 env LOAM_OPTIONS=check,status=9 ./static 3
    says err 'loam: double free in process '
    [ "$(grep -c '^    0x' err)" -ge 9 ] || fail 'three stacks are not told'
    expect 7 env LOAM_OPTIONS=sample=1 ./static
}
