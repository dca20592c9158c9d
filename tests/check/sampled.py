#!/usr/bin/env python3
"""An overflow of one byte in one allocation of many is caught as often as sampling predicts: in a share
1 - exp(-size / interval) of the runs.

    sampled.py LIBLOAM SAMPLED [RUNS [COUNT [INTERVAL]]]
"""
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

DEVIATIONS = 4  # of the standard one: further off by chance once in 16,000 sets of seeds, and these are fixed

library, program = sys.argv[1:3]
runs, count, interval = [int(n) for n in sys.argv[3:]] + [400, 20000, 512][len(sys.argv) - 3 :]


def run(seed):
    """The chance that it is caught, and whether it was."""
    environment = os.environ | {"LD_PRELOAD": library, "LOAM_OPTIONS": f"sample={interval},seed={seed}"}
    done = subprocess.run([program, str(count), str(seed)], env=environment, capture_output=True, text=True, timeout=100)
    if done.returncode and "overflow" not in done.stderr:
        raise SystemExit(f"seed {seed} ended with {done.returncode}: {done.stderr}")
    return 1 - math.exp(-int(done.stdout) / interval), done.returncode != 0


with ThreadPoolExecutor(os.cpu_count()) as pool:
    results = list(pool.map(run, range(1, runs + 1)))
caught = sum(was for _, was in results)
expected = sum(chance for chance, _ in results)
deviation = math.sqrt(sum(chance * (1 - chance) for chance, _ in results))
print(f"caught in {caught} of {runs} runs of {count} allocations; predicted {expected:.1f} +- {deviation:.1f}")
sys.exit(abs(caught - expected) > DEVIATIONS * deviation)
