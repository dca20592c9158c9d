#!/usr/bin/env python3
"""Run every case of the program `misuse` under `loam check`, wrong and right: what is wrong is caught, where it should
be; and nothing is said of what is right.

    misuse.py LOAM MISUSE [NUMBER]...

LOAM_OPTIONS stays as it is.
"""
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

CAUGHT = 99
# What a finding is called that is made at the access, and one that is made later.
NAMES = {
    "overflow write": ({"overflow"}, {"overflow, found later"}),
    "overflow read": ({"overflow"}, set()),
    "underflow write": ({"underflow"}, {"underflow", "underflow, found later"}),
    "underflow read": ({"underflow"}, set()),
    "C library": ({"overflow", "underflow"}, set()),
    "use after free": ({"use after free"}, set()),
    "invalid free": ({"double free", "invalid free", "use after free"}, set()),
    "mismatch": ({"mismatched free"}, set()),
    "leak": ({"leak"}, set()),
}

ANY = {"overflow", "underflow", "use after free", "overflow, found later", "underflow, found later"}

loam, program = sys.argv[1:3]
only = set(sys.argv[3:])


def run(number, how, *options):
    """Returns the exit status, and the kinds of what was told."""
    with tempfile.NamedTemporaryFile() as log:
        command = [loam, "check", "--json", "--log", log.name, "--seed", "1", *options, program, number, how]
        status = subprocess.run(command, capture_output=True, timeout=120).returncode
        return status, [json.loads(line)["kind"] for line in open(log.name)]


def fault(case):
    """What is not as it should be, or None."""
    number, kind, where, name = case
    status, kinds = run(number, "good")
    if status or kinds:
        return f"{number} {name}: done right, {kinds or status} was told"
    options = ["--place", "start"] if "start" in where else []
    status, kinds = run(number, "bad", *options)
    if where == "never":
        return None
    wanted = ANY if "far" in where else NAMES[kind][where == "later"]
    if status != CAUGHT or not kinds or not set(kinds) <= wanted:
        return f"{number} {name}: done wrong, {kinds or status} was told, not {' or '.join(sorted(wanted))}"
    return None


listed = subprocess.run([program, "list"], capture_output=True, text=True, check=True).stdout
cases = [line.split("\t") for line in listed.splitlines()]
cases = [case for case in cases if not only or case[0] in only]
with ThreadPoolExecutor(os.cpu_count()) as pool:
    faults = [f for f in pool.map(fault, cases) if f]
print("\n".join(faults))
print(f"{len(cases)} cases, {len(faults)} not as they should be")
sys.exit(1 if faults or not cases else 0)
