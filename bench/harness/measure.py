"""Runs of a workload on an allocator, in turn: A B C A B C ...

A run is measured by loam-bench-launch, which is small, so that no peak of this process counts as the workload's. It
fails when the command fails, when it prints anything on its error output (as ld.so does of a library that cannot be
preloaded) or when it takes too long.
"""

import os
import re
import signal
import subprocess

from harness.workloads import Workload

TIMEOUT = 300  # seconds of one run
C_LIBRARY = "libc.so.6"  # as the dynamic linker knows it
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


def preload_path(workload, allocator):
    """What to preload: nothing for the C library's allocator, unless the program has another one."""
    return allocator.path or (C_LIBRARY if workload.allocator_of_its_own else "")


def run_once(build, workload, allocator):
    """The figures of one run; raises Failure."""
    process = subprocess.Popen(
        [launcher(build), preload_path(workload, allocator), *workload.command],
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


def run_telling(build, name, scale, allocator, path):
    """The words of each line that a workload of loam-bench-workload tells; raises Failure, which says on what."""
    program = os.path.join(build, "bench", "loam-bench-workload")
    workload = Workload(name, [program, name, str(scale)], environment={"LOAM_BENCH_TRACE": path})
    try:
        run_once(build, workload, allocator)
    except Failure as failure:
        raise Failure(f"{name} on {allocator.name} failed: {failure}") from None
    with open(path, encoding="ascii") as file:
        return [line.split() for line in file]


def malloc_bindings(program, environment):
    """Which files' malloc the program binds to; where it calls none itself, those of its libraries.

    The dynamic linker binds without running anything (ld.so(8)). A program that takes malloc's address gives libraries
    its own entry for it: what they bind to then says nothing.
    """
    trace = {"LD_TRACE_LOADED_OBJECTS": "1", "LD_WARN": "yes", "LD_BIND_NOW": "yes", "LD_DEBUG": "bindings"}
    run = subprocess.run([program], env={**environment, **trace}, capture_output=True, text=True, errors="replace")
    pairs = re.findall(r"binding file (\S+) \[0\] to (\S+) \[0\]: normal symbol `malloc'", run.stderr)
    own = {to for source, to in pairs if source == program}
    return own or {to for source, to in pairs}


def check_preload(workload, allocator):
    """The program's malloc must be the allocator's."""
    environment = environment_of(workload)
    if preload := preload_path(workload, allocator):
        environment["LD_PRELOAD"] = preload
    bound = malloc_bindings(workload.program or workload.command[0], environment)
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
