#!/usr/bin/env bash
# fuzz.sh SOURCE DIRECTORY RUNS LENGTH [TARGET...]
# Build the fuzz targets of SOURCE in DIRECTORY, and try each, or each TARGET, with RUNS inputs of LENGTH bytes at most made
# from its corpus. What is new goes into DIRECTORY/found; what is worth keeping is to be put into the corpus. Exits with 77
# when clang is not installed, or has no libFuzzer.
set -euo pipefail
source=$1 directory=$2 runs=$3 length=$4
shift 4
corpora=("$source"/corpus/*)
[ $# -gt 0 ] || set -- "${corpora[@]##*/}"
export ASAN_OPTIONS=detect_leaks=0

command -v clang >/dev/null || { echo "skipped: clang is not installed (scripts/install fuzz)"; exit 77; }
mkdir -p "$directory"
echo 'int LLVMFuzzerTestOneInput() { return 0; }' | clang -fsanitize=fuzzer,address,undefined -x c -o "$directory/probe" - 2>/dev/null ||
    { echo 'skipped: clang has no libFuzzer or sanitizers (scripts/install fuzz)'; exit 77; }
cmake -S "$source" -B "$directory" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang >/dev/null
cmake --build "$directory"
for target; do
    echo "== $target"
    mkdir -p "$directory/found/$target"
    dictionary=()
    [ ! -e "$source/$target.dict" ] || dictionary=("-dict=$source/$target.dict")
    "$directory/fuzz_$target" -runs="$runs" -max_len="$length" -timeout=60 -error_exitcode=1 "${dictionary[@]}" \
        -artifact_prefix="$directory/failed-$target-" -print_final_stats=1 \
        "$directory/found/$target" "$source/corpus/$target" 2>&1 | grep -E 'stat::number|Seed|ERROR|fuzz|failed-|Sanitizer'
done
