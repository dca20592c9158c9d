#!/usr/bin/env python3
"""Run every act of the program `behave` by itself, with every allocation a sample, and checked: it says the same, and
ends in the same way.

    behave.py LIBLOAM BEHAVE
"""
import os
import subprocess
import sys

library, program = sys.argv[1:]


def run(act, options):
    environment = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "LOAM_OPTIONS")}
    if options:
        environment |= {"LD_PRELOAD": library, "LOAM_OPTIONS": options}
    done = subprocess.run([program, act], env=environment, capture_output=True, text=True, timeout=100)
    return done.returncode, done.stdout, done.stderr


acts = run("list", "")[1].split()
faults = 0
for act in acts:
    plain = run(act, "")
    for options in ("sample=1", "sample=1000,seed=3", "check", "check,slowdown=2,memory=1", "sample=1,guards=0"):
        got = run(act, options)
        if got != plain:
            print(f"{act} with {options}: {got}, not {plain}")
            faults += 1
print(f"{len(acts)} acts, {faults} not as they should be")
sys.exit(1 if faults or not acts else 0)
