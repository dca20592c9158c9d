#!/usr/bin/env bash
# Python by its own test suite: the modules that use the heap most, or forks and threads, each object a malloc of its
# own. Left out is what mostly sleeps, needs a network, or asks much of the machine.
source "$(dirname "$0")/common.sh"
python=/usr/bin/python3
$python -c 'import test.libregrtest, test.test_list' 2>/dev/null || { echo "skipped: no tests of $python here"; exit 77; }
export PYTHONMALLOC=malloc # not Python's own allocator
bound python3 $python -c ''

modules="
    list dict set tuple bytes unicode memoryview buffer array range slice sort iter long float complex int math
    deque heapq bisect collections defaultdict ordered_dict userdict userlist itertools functools operator
    generators coroutines asyncgen contextlib context weakref weakset gc finalization copy pickle marshal
    class descr super scope types typing enum dataclasses inspect builtin exceptions raise traceback sys
    grammar tokenize ast compile dis symtable peepholer patma named_expressions code codeop import importlib
    string format fstring textwrap difflib pprint reprlib re json csv struct binascii base64 codecs
    unicodedata html xml_etree xml_etree_c minidom sax pyexpat plistlib configparser argparse optparse
    hashlib hmac zlib gzip bz2 mmap memoryio bufio fileio file tempfile shutil glob pathlib os
    dbm shelve ctypes datetime zoneinfo fractions locale sched doctest unittest
    thread threading threading_local queue fork1 select epoll pty tracemalloc"

# Not every version of Python has each of them.
mapfile -t tests < <($python -c '
import importlib.util, sys
print(*(t for t in ("test_" + m for m in sys.argv[1].split()) if importlib.util.find_spec("test." + t)), sep="\n")
' "$modules")
[ ${#tests[@]} -ge 100 ] || fail "only ${#tests[@]} of the modules are here"

on_loam $python -m test -j2 "${tests[@]}" >log 2>&1 || fail "$(grep -vE ' passed( |$)' log | tail -n 60)"
passed=$(sed -n 's/^All \([0-9]*\) tests OK\.$/\1/p' log)
[ "${passed:-0}" -ge 100 ] || fail "$(tail log)"
echo "python: $passed modules of its test suite pass"
