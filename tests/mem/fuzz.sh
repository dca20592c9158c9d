#!/usr/bin/env bash
# fuzz.sh DIRECTORY RUNS [ROUTINE...]
# Build the fuzz targets in DIRECTORY, and try each with RUNS inputs made from its corpus. What is new goes into
# DIRECTORY/found; what is worth keeping is to be put into the corpus. Exits with 77 when clang is not installed.
set -euo pipefail
source=$(cd "$(dirname "$0")" && pwd)/fuzz
directory=$1 runs=$2
shift 2
[ $# -gt 0 ] || set -- memmove memset memcmp memchr memrchr memccpy memmem

command -v clang >/dev/null || { echo "skipped: clang is not installed (scripts/install fuzz)"; exit 77; }
cmake -S "$source" -B "$directory" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang >/dev/null
cmake --build "$directory"
for routine; do
    echo "== $routine"
    mkdir -p "$directory/found/$routine"
    "$directory/fuzz_$routine" -runs="$runs" -max_len=4096 -error_exitcode=1 -artifact_prefix="$directory/failed-$routine-" \
        -print_final_stats=1 "$directory/found/$routine" "$source/corpus/$routine" 2>&1 | grep -E 'stat::number|Seed|ERROR|fuzz_|failed-'
done
