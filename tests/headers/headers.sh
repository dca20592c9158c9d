#!/usr/bin/env bash
# headers.sh STANDARD INCLUDE: compile each header of INCLUDE/loam alone, and once more after itself, by gcc and, if it is
# here, clang, pedantically.
set -euo pipefail
standard=$1
include=$2
language=c
compilers="gcc clang"
[ "$standard" = c++17 ] && language=c++ compilers="g++ clang++"
failed=0

for header in "$include"/loam/*.h; do
    line="#include <loam/$(basename "$header")>"
    for compiler in $compilers; do
        command -v "$compiler" >/dev/null || { echo "$compiler is not here"; continue; }
        printf '%s\n%s\n' "$line" "$line" |
            "$compiler" -std="$standard" -pedantic -Wall -Wextra -Werror -fsyntax-only -I "$include" -x "$language" - ||
            { echo "FAILED: $(basename "$header") by $compiler as $standard" >&2; failed=1; }
    done
    # Else a program in C++ is compiled, but not linked.
    grep -q '^extern "C" {' "$header" || { echo "FAILED: $(basename "$header") has no extern \"C\"" >&2; failed=1; }
done
exit $failed
