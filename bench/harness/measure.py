"""Runs of a workload on an allocator, in turn: A B C A B C ...

A run is measured by loam-bench-launch, which is small, so that no peak of this process counts as the workload's. It
fails when the command fails, when it prints anything on its error output (as ld.so does of a library that cannot be
preloaded) or when it takes too long.
"""

import os
import re
import signal
import subprocess

TIMEOUT = 300  # seconds of one run
FIGURES = [
    "elapsed_ns",
    "user_us",
    "system_us",
    "peak_rss_kib",
    "mean_rss_kib",
    "minor_faults",
    "major_faults",
    "involuntary_switches",
    "status",
]


class Failure(Exception):
    """Why a run does not count."""


def launcher(build):
    return os.path.join(build, "bench", "loam-bench-launch")


def environment_of(workload):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LD_")}
    return {**kept, "LC_ALL": "C", **workload.environment}


def parse_figures(line):
    """A run's figures: seconds, MiB and counts."""
    raw = dict(zip(FIGURES, map(int, line.split())))
    if raw["status"] != 0:
        raise Failure(f"it exited with status {raw['status']}")
    return {
        "elapsed": raw["elapsed_ns"] / 1e9,
        "user": raw["user_us"] / 1e6,
        "system": raw["system_us"] / 1e6,
        "cpu": (raw["user_us"] + raw["system_us"]) / 1e6,
        "peak_rss": raw["peak_rss_kib"] / 1024,
        "mean_rss": raw["mean_rss_kib"] / 1024,
        "minor_faults": raw["minor_faults"],
        "major_faults": raw["major_faults"],
        "involuntary_switches": raw["involuntary_switches"],
    }


def run_once(build, workload, allocator):
    """The figures of one run; raises Failure."""
    process = subprocess.Popen(
        [launcher(build), allocator.path, *workload.command],
        env=environment_of(workload),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise Failure(f"it took more than {TIMEOUT} s") from None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if errors.strip():
        raise Failure(f"it printed: {errors.strip().splitlines()[0]}")
    return parse_figures(output)


def check_preload(workload, allocator):
    """Have the dynamic linker bind the program without running it (ld.so(8)); its malloc must be the allocator's.

    A program that takes malloc's address gives libraries its own entry for it: what they bind to says nothing.
    """
    trace = {"LD_TRACE_LOADED_OBJECTS": "1", "LD_WARN": "yes", "LD_BIND_NOW": "yes", "LD_DEBUG": "bindings"}
    if allocator.path:
        trace["LD_PRELOAD"] = allocator.path
    run = subprocess.run(
        workload.command[:1], env={**environment_of(workload), **trace}, capture_output=True, text=True, errors="replace"
    )
    program = re.escape(workload.command[0])
    bound = set(re.findall(rf"binding file {program} \[0\] to (\S+) \[0\]: normal symbol `malloc'", run.stderr))
    if allocator.path and bound != {allocator.path}:
        raise Failure(f"malloc does not come from {allocator.path} but from {', '.join(sorted(bound)) or 'nowhere'}")
    if not allocator.path and any("libc.so" not in path for path in bound):
        raise Failure(f"malloc does not come from the C library but from {', '.join(sorted(bound))}")


def run_rounds(build, workload, allocators, rounds, tell):
    """Each allocator's list of figures; an allocator that fails once is told of and left out of this workload."""
    samples = {}
    for allocator in allocators:
        try:
            check_preload(workload, allocator)
            samples[allocator.name] = []
        except Failure as failure:
            tell(f"{workload.name} on {allocator.name} failed: {failure}")
    for _ in range(rounds):
        for allocator in allocators:
            if allocator.name not in samples:
                continue
            try:
                samples[allocator.name].append(run_once(build, workload, allocator))
            except Failure as failure:
                tell(f"{workload.name} on {allocator.name} failed: {failure}")
                del samples[allocator.name]
    return samples
