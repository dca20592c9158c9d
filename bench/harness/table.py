"""The results as text: a table for each figure, a row for each workload."""

from harness import figures

NAME_WIDTH = 16


def cell(value, ratio, digits, width):
    if value is None:
        return f"{'failed':>{width}}"
    beside = f"{ratio:5.2f}{'*' if ratio == 1 else ' '}" if ratio is not None else "    - "
    return f"{value:.{digits}f} {beside}".rjust(width)


def heading(allocators, width):
    return " " * NAME_WIDTH + "".join(f"{a.name + ' ':>{width}}" for a in allocators) + "  spread"


def row(name, samples, allocators, figure, digits, width):
    values = figures.medians(samples)
    ratios = figures.ratios(values, figure, allocators)
    cells = "".join(
        cell(values.get(a.name, {}).get(figure), ratios.get(a.name), digits, width) for a in allocators
    )
    return f"{name:<{NAME_WIDTH}}{cells}{100 * figures.spread(samples, figure):6.1f} %"


def mean_row(means, width):
    return f"{'geometric mean':<{NAME_WIDTH}}"[:NAME_WIDTH] + "".join(f"{mean:.3f} ".rjust(width) for mean in means)


def table(results, allocators, compared, summary):
    figure, title, unit, digits = compared
    width = max(14, max(len(a.name) for a in allocators) + 3)
    lines = [f"{title}, {unit}" if unit else title, "", heading(allocators, width)]
    lines += [row(name, samples, allocators, figure, digits, width) for name, samples in results.items()]
    if figure in summary:
        lines += [
            "-" * (NAME_WIDTH + width * len(allocators) + 8),
            mean_row([summary[figure][a.name] for a in allocators], width),
        ]
    return "\n".join(lines) + "\n"


def about(machine, allocators):
    lines = [f"{key}: {value}" for key, value in machine.items()]
    lines += [f"{a.name}: {a.package}" for a in allocators if a.package]
    return "\n".join(lines) + "\n"


EXPLANATION = """\
Medians, and beside each its ratio to the best peer of the row (1.00*, less is better); the means are of these ratios.
A peer is any allocator but loam. Spread: the median deviation of runs from their median, of the allocator with most.
"""


def render(results, allocators, machine, notes):
    summary = figures.summarize(results, allocators)
    parts = [about(machine, allocators), EXPLANATION]
    parts += [table(results, allocators, compared, summary) for compared in figures.COMPARED]
    if notes:
        parts.append("".join(f"note: {note}\n" for note in notes))
    return "\n".join(parts)
