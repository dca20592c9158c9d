#!/usr/bin/env bash
# fortified.sh PROGRAM LIBLOAM-MEM.SO: PROGRAM, fortified, works on the library; and, by the loader's own account, has what
# it calls from there.
set -euo pipefail
program=$1
library=$2

account=$(LD_PRELOAD=$library LD_BIND_NOW=1 LD_DEBUG=bindings "$program" 2>&1) ||
    { echo "FAILED: $program on $library" >&2; exit 1; }
for name in memcpy memmove mempcpy memset explicit_bzero; do
    grep -Eqs "file $program \[0\] to $library \[0\]: normal symbol .__${name}_chk'" <<<"$account" ||
        { echo "FAILED: $program has not its __${name}_chk from $library" >&2; exit 1; }
done
