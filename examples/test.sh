#!/usr/bin/env bash
# test.sh PROGRAM EXPECTED: run PROGRAM, which must succeed and print what EXPECTED holds.
set -euo pipefail
"$1" | diff -u "$2" -
