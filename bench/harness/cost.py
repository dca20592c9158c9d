"""What a step costs: as the work, the live memory and the threads grow (queue:steps-N and its like), and when all that it
meets is cold (cold:operation)."""

import os
import statistics

from harness import measure

NAME = "queue"
COLD = "cold:operation"
GROWTH = {
    "steps": [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000],
    "live": [1, 16, 256, 2048, 8192],  # MiB
    "threads": [1, 2, 4, 8],
}
LONG = 2048  # MiB; from here on, once is enough
NAME_WIDTH = 20


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
    """{kind: {number: {allocator: nanoseconds}}, COLD: {allocator: nanoseconds}}"""
    path = os.path.join(directory, "cost")
    costs = {kind: {} for kind in GROWTH}
    for kind, numbers in GROWTH.items():
        for number in numbers:
            name = f"{NAME}:{kind}-{number}"
            if not has_memory(kind, number):
                tell(f"{name} is left out: there is too little memory")
                continue
            turns = 1 if kind == "live" and number >= LONG else rounds
            try:
                costs[kind][number] = one_point(build, scale, name, allocators, turns, path)
            except measure.Failure as failure:
                tell(str(failure))
    try:
        costs[COLD] = one_point(build, scale, COLD, allocators, rounds, path)
    except measure.Failure as failure:
        tell(str(failure))
    return costs


def tables(costs, allocators):
    def line(name, values):
        return f"{name:<{NAME_WIDTH}}" + "".join(f"{values[a.name]:12.1f}" for a in allocators)

    lines = [
        "Queue: ns of a step, of so many on 1 MiB of objects, with so many MiB of them alive, and in so many threads;",
        "cold: ns to free one of a million objects and to allocate another, without looking at either",
        "",
        " " * NAME_WIDTH + "".join(f"{a.name:>12}" for a in allocators),
    ]
    for kind in GROWTH:
        lines += [line(f"{kind} {number:,}", values) for number, values in costs[kind].items()]
    if COLD in costs:
        lines.append(line("cold", costs[COLD]))
    return "\n".join(lines) + "\n"
