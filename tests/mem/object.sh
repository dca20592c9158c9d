#!/usr/bin/env bash
# object.sh LIBLOAM-MEM.SO: what must be true of the machine code of libloam-mem.
set -euo pipefail
library=$1
failed=0

fail() {
    echo "FAILED: $1" >&2
    failed=1
}

code() { # of a function
    objdump -d --no-show-raw-insn "$library" | awk -v f="<$1>:" '$2 == f { on = 1; next } /^$/ { on = 0 } on'
}

# It runs before it is relocated: so nothing is called by the procedure linkage table, but by what reads the options and
# what tells of an overflow.
objdump -d --no-show-raw-insn "$library" | awk '
    /^[0-9a-f]+ <.*>:$/ { f = substr($2, 2, length($2) - 3) }
    /@plt/ && !/<__chk_fail@plt>/ &&
    f !~ /@plt|^(read_options|option_.*|dispatch_force|check_failed|report_.*|text_.*|put.*|__do_global.*|deregister.*)$/ {
        print f ": " $NF; bad = 1
    }
    END { exit bad }' || fail "a routine calls what has to be relocated"

# What the processor may not have comes after the question whether it has it: the first conditional jump.
for name in memcpy mempcpy memset bcmp memchr rawmemchr memrchr memccpy memmem explicit_bzero; do # memmove, memcmp: as well
    first=$(code $name | awk '!over { print } /\tj[a-ln-z][a-z]* / || /\tcall/ { over = 1 }')
    [ -n "$first" ] || fail "$name is missing"
    grep -qE 'dispatch_(level|short)|call|jmp' <<<"$first" || fail "$name does not ask what the processor has:"$'\n'"$first"
    if grep -qE '[xyz]mm[0-9]|%k[0-7]|bzhi|shlx|shrx|tzcnt' <<<"$first"; then
        fail "$name uses what the processor may not have before it asks:"$'\n'"$first"
    fi
done

# What fortified programs call costs a comparison and a jump more: to the routine itself.
for name in memcpy memset; do # memmove: as well
    steps=$(code __${name}_chk | awk 'NR < 3 { print $2 } NR == 3 { print $2, $NF }')
    [[ ${steps//$'\n'/ } =~ ^cmp\ j[ab]\ jmp\ \<mem(cpy|move|set)\>$ ]] || fail "__${name}_chk does more:"$'\n'"$steps"
done

# No compiler takes the zeros of explicit_bzero out: it stores, or calls what does.
code explicit_bzero | grep -qE 'vmovdqu|rep stos|(call|jmp) .*(memset|set_)' || fail "explicit_bzero sets nothing"

exit $failed
