"""The server's trace: resident memory beside live bytes over time, and how long single calls take.

Both are told by the workload itself (server:trace, server:latency), which runs on each allocator in turn.
"""

import os
import statistics
from dataclasses import dataclass

from harness import measure, plot

NAME = "server"
MIB = 1024 * 1024
PERCENTILES = ["p50", "p99", "p99.9", "p99.99", "worst"]
PHASES = ["small", "large", "both", "shrunk", "quiet", "small again"]


@dataclass
class Trace:
    """Of one allocator."""

    points: list  # (phase, live bytes, resident bytes), in order
    ends: list  # resident over live at each phase's end
    latencies: dict  # {"malloc" or "free": {percentile: ns}}, medians over the rounds


def parse_latencies(lines):
    return {name: dict(zip(PERCENTILES, map(int, values))) for name, _, *values in lines}


def middle(rounds):
    """{call: {percentile: its median over the rounds}}"""
    return {
        call: {p: statistics.median(one[call][p] for one in rounds) for p in PERCENTILES} for call in ("malloc", "free")
    }


def run(build, scale, allocators, rounds, directory, tell):
    """{allocator: Trace}; the memory is traced once, for it is the same each time."""
    path = os.path.join(directory, "trace")
    traces, latencies = {}, {a.name: [] for a in allocators}
    try:
        for allocator in allocators:
            lines = measure.run_telling(build, f"{NAME}:trace", scale, allocator, path)
            points = [(int(phase), int(live), int(resident)) for _, phase, _, live, resident in lines]
            ends = [int(resident) / int(live) for what, _, _, live, resident in lines if what == "end"]
            traces[allocator.name] = Trace(points, ends, {})
        for _ in range(rounds):
            for allocator in allocators:
                lines = measure.run_telling(build, f"{NAME}:latency", scale, allocator, path)
                latencies[allocator.name].append(parse_latencies(lines))
    except measure.Failure as failure:
        tell(str(failure))
        return {}
    for name, trace in traces.items():
        trace.latencies = middle(latencies[name])
    return traces


def ends_table(traces, allocators):
    width = 14
    lines = ["Server: resident over live bytes at the end of each phase, and beside it the ratio to the leanest peer", ""]
    lines.append(" " * 16 + "".join(f"{a.name + ' ':>{width}}" for a in allocators))
    for number, phase in enumerate(PHASES):
        values = {a.name: traces[a.name].ends[number] for a in allocators}
        best = min(values[a.name] for a in allocators if a.is_peer)
        cells = (f"{v:.2f} {v / best:5.2f}{'*' if v == best else ' '}".rjust(width) for v in values.values())
        lines.append(f"{phase:<16}" + "".join(cells))
    return "\n".join(lines) + "\n"


def latency_table(traces, allocators):
    lines = ["Server: time of single calls, ns, with some 20 for the clock", ""]
    lines.append(" " * 16 + "".join(f"{a.name:>14}" for a in allocators))
    for call in ("malloc", "free"):
        for percentile in PERCENTILES:
            cells = "".join(f"{traces[a.name].latencies[call][percentile]:14.0f}" for a in allocators)
            lines.append(f"{call + ' ' + percentile:<16}" + cells)
    return "\n".join(lines) + "\n"


def tables(traces, allocators):
    return ends_table(traces, allocators) + "\n" + latency_table(traces, allocators)


def as_json(traces):
    return {
        name: {"points": t.points, "resident_over_live": t.ends, "latency_ns": t.latencies} for name, t in traces.items()
    }


def render(traces, allocators):
    return plot.render_server({a.name: traces[a.name] for a in allocators}, allocators, PHASES, PERCENTILES)
