"""What the runs say: medians, ratios to the best peer, and geometric means of the ratios."""

import math
import statistics

# Key, title, unit and digits of the figures that are compared; less is better in each.
COMPARED = [
    ("elapsed", "Elapsed time", "s", 2),
    ("user", "User time", "s", 2),
    ("system", "System time", "s", 2),
    ("peak_rss", "Peak resident memory", "MiB", 1),
    ("mean_rss", "Mean resident memory", "MiB", 1),
    ("minor_faults", "Page faults", "", 0),
]


def medians(samples):
    """{allocator: {figure: median}} of one workload; without those that failed."""
    return {
        name: {figure: statistics.median(run[figure] for run in runs) for figure in runs[0]}
        for name, runs in samples.items()
        if runs
    }


def best_peer(values, allocators):
    """The least of the peers' values, or None where none ran."""
    peers = [values[a.name] for a in allocators if a.is_peer and a.name in values]
    return min(peers) if peers else None


def ratios(row, figure, allocators):
    """{allocator: ratio of its median to the best peer's} for one workload's medians; none where that is nothing."""
    values = {name: figures[figure] for name, figures in row.items()}
    best = best_peer(values, allocators)
    return {name: value / best for name, value in values.items()} if best else {}


def spread(samples, figure):
    """How far runs lie from their median, as a part of it: the largest median deviation of any allocator."""
    deviations = [0.0]
    for runs in samples.values():
        values = [run[figure] for run in runs]
        if values and (middle := statistics.median(values)) > 0:
            deviations.append(statistics.median(abs(value - middle) for value in values) / middle)
    return max(deviations)


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def summarize(results, allocators):
    """{figure: {allocator: geometric mean of its ratios}}, over the workloads where every allocator has one above 0."""
    summary = {}
    for figure, *_ in COMPARED:
        rows = [ratios(medians(samples), figure, allocators) for samples in results.values()]
        complete = [row for row in rows if len(row) == len(allocators) and min(row.values()) > 0]
        if complete:
            summary[figure] = {a.name: geometric_mean([row[a.name] for row in complete]) for a in allocators}
    return summary
