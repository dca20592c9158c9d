#!/usr/bin/env python3
"""Compare loam with the allocators of the distribution, and with any given as NAME=PATH of a shared library.

Every workload runs on every allocator in turn, for some rounds; what counts is the median, and its ratio to that of the
best of the others in the same rounds. Prints a table and writes it, the plot and every figure to a directory.
"""

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import tempfile

from harness import allocators, cost, figures, measure, plot, server, table, workloads

HERE = os.path.dirname(os.path.abspath(__file__))
QUICK_ROUNDS = 3
QUICK_SCALE = 0.2


def parse_arguments():
    parser = argparse.ArgumentParser(prog="loam_bench.py", description=__doc__.splitlines()[0])
    parser.add_argument("given", nargs="*", metavar="NAME=PATH", help="another allocator; not a peer if loam-SOMETHING")
    parser.add_argument("--build", default="build", help="where loam and the workloads are built (default: build)")
    parser.add_argument("--rounds", type=int, help="runs of each workload on each allocator (default: 5)")
    parser.add_argument("--scale", type=float, help="how much work to do (default: 1)")
    parser.add_argument("--only", metavar="REGEX", type=re.compile, help="the workloads to run, hot:SIZE among them")
    parser.add_argument("--allocators", metavar="A,B,...", help="the allocators to compare (default: all)")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds of a fifth of the work: a glance")
    parser.add_argument("--out", metavar="DIR", help="for the results (default: bench/results; BUILD/bench if partial)")
    parser.add_argument("--list", action="store_true", help="list workloads and allocators, and run nothing")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (QUICK_ROUNDS if arguments.quick else 5)
    arguments.scale = arguments.scale or (QUICK_SCALE if arguments.quick else 1.0)
    if arguments.rounds < 1 or arguments.scale <= 0:
        parser.error("rounds and scale must be above 0")
    return arguments


def out_directory(arguments):
    """Where results go: those of a part of the benchmark do not replace those of the whole."""
    partial = arguments.only or arguments.allocators or arguments.rounds < 5 or arguments.scale != 1
    default = os.path.join(arguments.build, "bench") if partial else os.path.join(HERE, "results")
    return arguments.out or default


def first_match(path, pattern):
    try:
        with open(path, encoding="utf-8") as file:
            match = re.search(pattern, file.read(), re.MULTILINE)
    except OSError:
        return "unknown"
    return match.group(1) if match else "unknown"


def revision():
    run = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return run.stdout.strip() or "unknown"


def describe_machine(arguments):
    processor = first_match("/proc/cpuinfo", r"^model name\s*: (.*)$")
    return {
        "date": datetime.date.today().isoformat(),
        "loam at": revision(),
        "processor": f"{processor}, {len(os.sched_getaffinity(0))} cores",
        "kernel": platform.release(),
        "system": first_match("/etc/os-release", r'^PRETTY_NAME="(.*)"$'),
        "transparent huge pages": first_match("/sys/kernel/mm/transparent_hugepage/enabled", r"\[(\w+)\]"),
        "load at the start": f"{os.getloadavg()[0]:.2f}",
        "rounds": f"{arguments.rounds}, scale {arguments.scale:g}",
    }


def write_file(directory, name, content):
    """Whole or not at all."""
    path = os.path.join(directory, name)
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        file.write(content)
    os.replace(path + ".tmp", path)


def as_json(results, traces, costs, chosen, machine, notes):
    return {
        "machine": machine,
        "allocators": [{"name": a.name, "package": a.package, "peer": a.is_peer} for a in chosen],
        "geometric_means": figures.summarize(results, chosen),
        "workloads": {
            name: {
                "median": figures.medians(samples),
                "ratio": {figure: figures.ratios(figures.medians(samples), figure, chosen) for figure, *_ in figures.COMPARED},
                "runs": samples,
            }
            for name, samples in results.items()
        },
        "server": server.as_json(traces),
        "cost_ns": costs,
        "notes": notes,
    }


def progress(name, samples, chosen):
    """One line for a workload that is done: elapsed medians."""
    medians = figures.medians(samples)
    cells = [f"{a.name} {medians[a.name]['elapsed']:.2f}" for a in chosen if a.name in medians]
    print(f"  {name:<15} {'  '.join(cells)} s", file=sys.stderr, flush=True)


def run_all(arguments, chosen, directory, note):
    """{workload: {allocator: [figures of each run]}}"""
    found = workloads.find_all(arguments.build, directory, arguments.scale, note)
    results = {}
    for workload in workloads.select(found, arguments.only):
        samples = measure.run_rounds(arguments.build, workload, chosen, arguments.rounds, note)
        results[workload.name] = samples
        progress(workload.name, samples, chosen)
    return results


def main():
    arguments = parse_arguments()
    notes = []

    def note(message):
        notes.append(message)
        print(f"loam_bench: {message}", file=sys.stderr, flush=True)

    if not os.path.exists(measure.launcher(arguments.build)):
        raise SystemExit(f"loam_bench: {measure.launcher(arguments.build)} is not there; build it with -DLOAM_BENCH=ON")
    names = arguments.allocators.split(",") if arguments.allocators else None
    chosen = allocators.select(allocators.find_all(arguments.build, arguments.given, note), names)
    machine = describe_machine(arguments)
    with tempfile.TemporaryDirectory(prefix="loam-bench-") as directory:
        results = run_all(arguments, chosen, directory, note)
        traces, costs = {}, {}
        if cost.NAME in results:
            costs = cost.run(arguments.build, arguments.scale, chosen, arguments.rounds, directory, note)
        if server.NAME in results:
            traces = server.run(arguments.build, arguments.scale, chosen, arguments.rounds, directory, note)
    if not results:
        raise SystemExit("loam_bench: no such workload")

    text = table.render(results, chosen, machine, notes)
    out = out_directory(arguments)
    os.makedirs(out, exist_ok=True)
    if costs:
        text += "\n" + cost.tables(costs, chosen)
    if traces:
        text += "\n" + server.tables(traces, chosen)
        write_file(out, "server.svg", server.render(traces, chosen))
    write_file(out, "bench.json", json.dumps(as_json(results, traces, costs, chosen, machine, notes), indent=1) + "\n")
    write_file(out, "bench.txt", text)
    write_file(out, "bench.svg", plot.render(results, chosen))
    print(text)
    print(f"written: {os.path.relpath(out)}/bench.txt, bench.svg and bench.json")
    return 1 if any("on loam failed" in message for message in notes) else 0


if __name__ == "__main__":
    sys.exit(main())
