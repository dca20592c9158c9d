#!/usr/bin/env bash
# port.sh SOURCE DIRECTORY PROCESSOR COMPILER LINK RUN [OPTION...]
# Build the tests of SOURCE in DIRECTORY for PROCESSOR, linked with the options LINK, and have them RUN; OPTIONs are
# CMake's. Exits with 77, the status of a skipped test, when what that takes is not installed.
set -euo pipefail
source=$1 directory=$2 processor=$3 compiler=$4 link=$5 run=$6
shift 6

for tool in "$compiler" ${run%% *}; do
    command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed (scripts/install port)"; exit 77; }
done
cmake -S "$source" -B "$directory" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_SYSTEM_NAME=Linux \
    -DCMAKE_SYSTEM_PROCESSOR="$processor" -DCMAKE_C_COMPILER="$compiler" -DCMAKE_EXE_LINKER_FLAGS="$link" \
    -DCMAKE_CROSSCOMPILING_EMULATOR="${run// /;}" "$@" >/dev/null
cmake --build "$directory"
ctest --test-dir "$directory" --output-on-failure -j "$(nproc)"
