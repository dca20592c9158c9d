"""The results as a picture: for each workload, where each allocator lies beside the best peer; time and memory.

Written by hand as SVG. The axis is logarithmic, so that twice as slow lies as far from 1 as twice as fast.
"""

import math
from xml.sax.saxutils import escape

from harness import figures

COLORS = {"glibc": "#7f7f7f", "jemalloc": "#2f7ed8", "mimalloc": "#2ca02c", "tcmalloc": "#9467bd", "loam": "#d9480f"}
OTHER_COLORS = ["#17becf", "#bcbd22", "#e377c2", "#8c564b"]
PANELS = [("elapsed", "Elapsed time"), ("peak_rss", "Peak resident memory")]

LABELS = 128  # pixels of each part
PANEL = 380
GAP = 36
ROW = 24
TOP = 92
BOTTOM = 44
RATIO_MIN = 0.5
RATIO_MAX = 8.0
TICKS = [0.5, 0.7, 1, 1.5, 2, 3, 4, 6, 8]


def color_of(allocators):
    others = iter(OTHER_COLORS * len(allocators))
    return {a.name: COLORS.get(a.name) or next(others) for a in allocators}


def x_of(ratio, left):
    clamped = min(max(ratio, RATIO_MIN), RATIO_MAX)
    return left + PANEL * math.log(clamped / RATIO_MIN) / math.log(RATIO_MAX / RATIO_MIN)


def text(x, y, content, anchor="start", style=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {style}>{escape(content)}</text>'


def line(x, top, bottom, style):
    return f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}" {style}/>'


def mark(ratio, name, color, left, y):
    """A dot; loam's is larger; one past the end of the axis points there and says how far."""
    x = x_of(ratio, left)
    title = f"<title>{escape(name)} {ratio:.2f}</title>"
    if ratio > RATIO_MAX:
        arrow = f'<path d="M{x - 4:.1f} {y - 5} l8 5 l-8 5 z" fill="{color}">{title}</path>'
        return arrow
    radius = 6 if name == "loam" else 4.5
    return f'<circle cx="{x:.1f}" cy="{y}" r="{radius}" fill="{color}" fill-opacity="0.85">{title}</circle>'


def past_the_end(ratios, colors, left, y):
    """The ratios that are off the axis, beside it, each in its color."""
    far = sorted((ratio, name) for name, ratio in ratios.items() if ratio > RATIO_MAX)
    spans = " ".join(f'<tspan fill="{colors[name]}">{ratio:.0f}</tspan>' for ratio, name in far)
    return f'<text x="{left + PANEL + 7}" y="{y + 4}" class="small">{spans}</text>' if far else ""


def panel(rows, figure, title, allocators, left, bottom):
    colors = color_of(allocators)
    parts = [text(left, TOP - 30, title, style='class="title"')]
    for tick in TICKS:
        style = 'stroke="#555"' if tick == 1 else 'stroke="#e4e4e4"'
        parts.append(line(x_of(tick, left), TOP - 8, bottom, style))
        parts.append(text(x_of(tick, left), bottom + 16, f"{tick:g}", "middle", 'class="small"'))
    for number, row in enumerate(rows.values()):
        ratios = figures.ratios(row, figure, allocators)
        y = TOP + ROW * number + ROW // 2
        drawn = sorted(ratios.items(), key=lambda item: item[0] == "loam")  # loam on top
        parts += [mark(ratio, name, colors[name], left, y) for name, ratio in drawn]
        parts.append(past_the_end(ratios, colors, left, y))
    return parts


def legend(allocators, left):
    parts = []
    x = left
    for name, color in color_of(allocators).items():
        parts.append(f'<circle cx="{x + 5}" cy="22" r="5" fill="{color}"/>')
        parts.append(text(x + 15, 26, name))
        x += 34 + 7.5 * len(name)
    return parts


STYLE = "<style>text{font:13px sans-serif;fill:#222}.title{font-weight:bold}.small{font-size:11px;fill:#666}</style>"


def picture(width, height, parts):
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    return "\n".join(part for part in [opening, STYLE, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>"] if part) + "\n"


def render(results, allocators):
    rows = {name: figures.medians(samples) for name, samples in results.items()}
    bottom = TOP + ROW * len(rows) + 4
    width = LABELS + len(PANELS) * (PANEL + GAP) + 10
    height = bottom + BOTTOM
    parts = []
    for number, name in enumerate(rows):
        y = TOP + ROW * number
        if number % 2 == 0:
            parts.append(f'<rect x="0" y="{y}" width="{width}" height="{ROW}" fill="#f7f7f7"/>')
        parts.append(text(LABELS - 12, y + ROW / 2 + 4, name, "end"))
    for number, (figure, title) in enumerate(PANELS):
        parts += panel(rows, figure, title, allocators, LABELS + number * (PANEL + GAP), bottom)
    parts += legend(allocators, LABELS)
    caption = "Median of the runs, beside the best peer's (1); further left is better; past 8 as a number."
    parts.append(text(LABELS, height - 8, caption, style='class="small"'))
    return picture(width, height, parts)


TRACE_WIDTH = 900  # pixels
TRACE_HEIGHT = 280
LATENCY_WIDTH = 400
LATENCY_HEIGHT = 240
MARGIN = 60


def level(y, left, right, style='stroke="#e4e4e4"'):
    return f'<line x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}" {style}/>'


def polyline(points, color, style=""):
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2" {style}/>'


def trace_panel(traces, colors, phases):
    """Resident bytes over the moments of the trace, and live bytes in grey beneath."""
    mib = 1024 * 1024
    first = next(iter(traces.values())).points
    top = max(resident for t in traces.values() for _, _, resident in t.points) / mib * 1.05
    left, bottom = MARGIN, TOP + TRACE_HEIGHT

    def x(number):
        return left + TRACE_WIDTH * number / (len(first) - 1)

    def y(size):
        return bottom - TRACE_HEIGHT * size / mib / top

    parts = [text(left, TOP - 30, "Resident memory of the server, MiB; live bytes in grey", style='class="title"')]
    for size in range(0, int(top) + 1, 20):
        parts.append(level(y(size * mib), left, left + TRACE_WIDTH))
        parts.append(text(left - 8, y(size * mib) + 4, str(size), "end", 'class="small"'))
    for number, phase in enumerate(phases):
        start = next(i for i, point in enumerate(first) if point[0] == number)
        parts.append(line(x(start), TOP - 8, bottom, 'stroke="#bbb" stroke-dasharray="3 3"'))
        parts.append(text(x(start) + 5, bottom + 16, phase, style='class="small"'))
    area = [(x(0), bottom), *((x(i), y(live)) for i, (_, live, _) in enumerate(first)), (x(len(first) - 1), bottom)]
    parts.append(f'<polygon points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in area)}" fill="#e0e0e0"/>')
    for name, trace in sorted(traces.items(), key=lambda item: item[0] == "loam"):
        parts.append(polyline([(x(i), y(r)) for i, (_, _, r) in enumerate(trace.points)], colors[name]))
    return parts


def latency_panel(traces, colors, call, percentiles, left, top):
    """Percentiles from left to right, nanoseconds upward, logarithmic from 10 ns to 10 ms."""
    bottom = top + LATENCY_HEIGHT

    def x(number):
        return left + 20 + (LATENCY_WIDTH - 40) * number / (len(percentiles) - 1)

    def y(ns):
        return bottom - LATENCY_HEIGHT * math.log10(max(ns, 10) / 10) / 6

    parts = [text(left, top - 14, f"Time of a {call}, with that of the clock", style='class="title"')]
    for power, unit in zip(range(1, 8), ["10 ns", "100 ns", "1 µs", "10 µs", "100 µs", "1 ms", "10 ms"]):
        parts.append(level(y(10**power), left, left + LATENCY_WIDTH))
        parts.append(text(left - 8, y(10**power) + 4, unit, "end", 'class="small"'))
    for number, percentile in enumerate(percentiles):
        parts.append(text(x(number), bottom + 16, percentile, "middle", 'class="small"'))
    for name, trace in sorted(traces.items(), key=lambda item: item[0] == "loam"):
        points = [(x(i), y(trace.latencies[call][p])) for i, p in enumerate(percentiles)]
        parts.append(polyline(points, colors[name]))
    return parts


def render_server(traces, allocators, phases, percentiles):
    colors = color_of(allocators)
    top = TOP + TRACE_HEIGHT + 80
    parts = legend(allocators, MARGIN) + trace_panel(traces, colors, phases)
    parts += latency_panel(traces, colors, "malloc", percentiles, MARGIN, top)
    parts += latency_panel(traces, colors, "free", percentiles, MARGIN + TRACE_WIDTH - LATENCY_WIDTH, top)
    return picture(TRACE_WIDTH + 2 * MARGIN, top + LATENCY_HEIGHT + 40, parts)
