#!/usr/bin/env bash
# port.sh DIRECTORY PROCESSOR COMPILER LINK RUN LEVEL...
# Build the tests in DIRECTORY for PROCESSOR, linked with the options LINK, and RUN them by each LEVEL. Exits with 77, the
# status of a skipped test, when what that takes is not installed.
set -euo pipefail
source=$(cd "$(dirname "$0")" && pwd)/port
directory=$1 processor=$2 compiler=$3 link=$4 run=$5
shift 5

for tool in "$compiler" ${run%% *}; do
    command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed (scripts/install port)"; exit 77; }
done
cmake -S "$source" -B "$directory" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_SYSTEM_NAME=Linux \
    -DCMAKE_SYSTEM_PROCESSOR="$processor" -DCMAKE_C_COMPILER="$compiler" -DCMAKE_EXE_LINKER_FLAGS="$link" >/dev/null
cmake --build "$directory"
for level; do
    echo "== $level"
    LOAM_OPTIONS=cpu=$level $run "$directory/port"
done
