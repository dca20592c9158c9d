"""What a step costs: as the work, the live memory and the threads grow (queue:steps-N and its like), and when all that it
meets is cold (cold:operation)."""

import os
import statistics

from harness import measure

NAME = "queue"
SERIES = {
    "steps": [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000],
    "live": [1, 16, 256, 2048, 8192],  # MiB
    "threads": [1, 2, 4, 8],
    "cold": [1_000_000],  # objects
}
LONG = 2048  # MiB; from here on, once is enough
NAME_WIDTH = 20


def workload(kind, number):
    return "cold:operation" if kind == "cold" else f"{NAME}:{kind}-{number}"


def has_memory(kind, number):
    """Half as much again as the objects take."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    return kind != "live" or number * 3 // 2 < total


def one_point(build, scale, name, allocators, rounds, path):
    """{allocator: nanoseconds}"""
    times = {a.name: [] for a in allocators}
    for _ in range(rounds):
        for a in allocators:
            times[a.name].append(float(measure.run_telling(build, name, scale, a, path)[0][0]))
    return {name: statistics.median(values) for name, values in times.items()}


def run(build, scale, allocators, rounds, directory, tell):
    """{kind: {number: {allocator: nanoseconds}}}"""
    path = os.path.join(directory, "cost")
    costs = {kind: {} for kind in SERIES}
    for kind, numbers in SERIES.items():
        for number in numbers:
            name = workload(kind, number)
            if not has_memory(kind, number):
                tell(f"{name} is left out: there is too little memory")
                continue
            turns = 1 if kind == "live" and number >= LONG else rounds
            try:
                costs[kind][number] = one_point(build, scale, name, allocators, turns, path)
            except measure.Failure as failure:
                tell(str(failure))
    return costs


def tables(costs, allocators):
    lines = [
        "Queue: ns of a step, of so many on 1 MiB of objects, with so many MiB of them alive, and in so many threads;",
        "cold: ns to free one of a million objects and to allocate another, without looking at either",
        "",
        " " * NAME_WIDTH + "".join(f"{a.name:>12}" for a in allocators),
    ]
    for kind, points in costs.items():
        for number, values in points.items():
            cells = "".join(f"{values[a.name]:12.1f}" for a in allocators)
            lines.append(f"{f'{kind} {number:,}':<{NAME_WIDTH}}" + cells)
    return "\n".join(lines) + "\n"
