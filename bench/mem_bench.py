#!/usr/bin/env python3
"""The routines of raw memory beside the C library's: `make bench-mem`.

Runs bench/mem-bench several times, and whole programs with and without libloam-mem; writes bench/results/mem.txt, a table,
and mem.svg, the same as a picture. A figure is the median over the runs; a speed is the C library's time through loam's, the
median of the runs' own.
"""

import argparse
import collections
import math
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

from harness import plot
from harness.figures import geometric_mean

PARTS = ["size", "large", "cold", "random", "search", "adverse", "linear", "limit"]
ROUTINES = ["memcpy", "memmove", "memset", "memcmp", "memchr", "memrchr"]
READS = {"memcmp": 2, "memchr": 1, "memrchr": 1}  # bytes loaded for each of the size
LIMIT = {"memcpy": "copy", "memmove": "copy", "memset": "store", "memcmp": "load", "memchr": "load", "memrchr": "load"}
SHOWN = [0, 1, 4, 8, 15, 16, 24, 31, 32, 48, 63, 64, 100, 128, 200, 256, 512, 1024, 2048, 4096]


class Figures:
    """For (part, routine, what): the runs' ns of each subject."""

    def __init__(self):
        self.runs = collections.OrderedDict()

    def add(self, lines):
        seen = {}
        for line in lines:
            part, routine, who, what, ns = line.split("\t")
            seen.setdefault((part, routine, what), {})[who] = float(ns)
        for key, figures in seen.items():
            self.runs.setdefault(key, []).append(figures)

    def ns(self, key, who):
        return statistics.median(run[who] for run in self.runs[key])

    def speed(self, key):
        return statistics.median(run["libc"] / run["loam"] for run in self.runs[key])

    def keys(self, part, routine):
        return [k for k in self.runs if k[0] == part and k[1] == routine]

    def limit(self, routine, size):
        """Bytes in a ns that the machine moves at that size, counted as for `routine`."""
        key = ("limit", LIMIT[routine], str(size))
        return size / self.ns(key, "machine") / READS.get(routine, 1) if key in self.runs else None


# --- tables ---


def summary(figures):
    yield "Speed beside the C library's: 1 is as fast, 2 in half the time"
    yield f"{'':10}{'0..4096 hot':>14}{'below 0.95':>12}{'8 K..64 M':>12}{'cold':>8}{'random sizes':>14}{'as programs':>13}"
    for routine in ROUTINES:
        part = {p: [figures.speed(k) for k in figures.keys(p, routine)] for p in ("size", "large", "cold", "random")}
        programs = figures.speed(("random", routine, "as programs"))
        below = f"{sum(s < 0.95 for s in part['size'])} of {len(part['size'])}"
        yield (f"{routine:10}{geometric_mean(part['size']):14.2f}{below:>12}{geometric_mean(part['large']):12.2f}"
               f"{geometric_mean(part['cold']):8.2f}{geometric_mean(part['random']):14.2f}{programs:13.2f}")


def rows(figures, part, routine, wanted):
    for key in figures.keys(part, routine):
        if wanted(key[2]):
            yield f"  {key[2]:24}{figures.ns(key, 'libc'):12.2f}{figures.ns(key, 'loam'):12.2f}{figures.speed(key):8.2f}"


def is_shown(what):
    return int(what.split()[0]) in SHOWN


def large_rows(figures, routine):
    for key in figures.keys("large", routine):
        size = int(key[2].split()[0])
        rates = [size / figures.ns(key, who) for who in ("libc", "loam")]
        limit = figures.limit(routine, size)
        yield (f"  {key[2]:24}{rates[0]:12.1f}{rates[1]:12.1f}{figures.speed(key):8.2f}"
               + (f"{limit:12.1f}" if limit else ""))


def tables(figures, programs):
    yield from summary(figures)
    for routine in ROUTINES:
        yield ""
        yield f"{routine}, ns for a call {'libc':>13}{'loam':>12}{'speed':>8}"
        yield from rows(figures, "size", routine, is_shown)
        yield from rows(figures, "cold", routine, lambda what: True)
        yield from rows(figures, "random", routine, lambda what: True)
        yield f"{routine}, GB/s {'libc':>22}{'loam':>12}{'speed':>8}{'machine':>12}"
        yield from large_rows(figures, routine)
    for part, title in (("search", "memmem in ordinary data"), ("adverse", "memmem in what is hard"),
                        ("linear", "memmem over the size of the haystack, needle of 1,024")):
        yield ""
        yield f"{title}: ns for a KiB"
        yield from rows(figures, part, "memmem", lambda what: True)
    if programs:
        yield ""
        yield "Whole programs, user time with libloam-mem and without, s"
        yield f"  {'':12}{'without':>10}{'with':>10}{'speed':>8}{'  (of the shortest runs)':>8}"
        for name, (without, with_it) in programs.items():
            ratios = [a / b for a, b in zip(without, with_it)]
            yield (f"  {name:12}{statistics.median(without):10.3f}{statistics.median(with_it):10.3f}"
                   f"{statistics.median(ratios):8.3f}{min(without) / min(with_it):10.3f}")


# --- the picture ---

WIDTH, HEIGHT, GAP, LEFT, TOP = 400, 150, 70, 60, 60
ALIGNED, UNALIGNED, COLD = "#d9480f", "#f0a27a", "#2f7ed8"


def log_x(value, low, high, left):
    return left + WIDTH * (math.log(max(value, low)) - math.log(low)) / (math.log(high) - math.log(low))


def speed_panel(figures, routine, left, top):
    """Speed over size: above the line, loam is the faster."""
    low, high = 1, 64 << 20

    def y(speed):
        return top + HEIGHT * (1 - math.log(min(max(speed, 0.5), 4) / 0.5) / math.log(8))

    parts = [plot.text(left, top - 10, f"{routine}: speed beside the C library's", style='class="title"')]
    for speed in (0.5, 1, 2, 4):
        style = 'stroke="#888"' if speed == 1 else 'stroke="#e4e4e4"'
        parts.append(plot.level(y(speed), left, left + WIDTH, style))
        parts.append(plot.text(left - 6, y(speed) + 4, str(speed), "end", 'class="small"'))
    for size, name in ((1, "1"), (16, "16"), (256, "256"), (4096, "4 K"), (65536, "64 K"), (1 << 20, "1 M"), (16 << 20, "16 M")):
        parts.append(plot.line(log_x(size, low, high, left), top, top + HEIGHT, 'stroke="#f0f0f0"'))
        parts.append(plot.text(log_x(size, low, high, left), top + HEIGHT + 14, name, "middle", 'class="small"'))
    for color, kinds in ((UNALIGNED, "unaligned"), (ALIGNED, "aligned"), (COLD, "cold")):
        points = []
        for part in ("size", "large", "cold"):
            for key in figures.keys(part, routine):
                size, kind = key[2].split()
                if kind == kinds:
                    points.append((log_x(int(size), low, high, left), y(figures.speed(key))))
        parts.append(plot.polyline(points, color, 'stroke-opacity="0.9"'))
    return parts


def search_panel(figures, left, top):
    """ns for a KiB over the length of the needle."""
    low, high = 2, 250

    def y(ns):
        return top + HEIGHT * (1 - math.log10(max(ns, 10) / 10) / 2.3)

    parts = [plot.text(left, top - 10, "memmem: ns for a KiB, by the needle's length", style='class="title"')]
    for ns in (10, 30, 100, 300, 1000):
        parts.append(plot.level(y(ns), left, left + WIDTH))
        parts.append(plot.text(left - 6, y(ns) + 4, str(ns), "end", 'class="small"'))
    for size in (2, 4, 8, 16, 40, 100, 250):
        parts.append(plot.text(log_x(size, low, high, left), top + HEIGHT + 14, str(size), "middle", 'class="small"'))
    for text, style in (("letters", ""), ("program", 'stroke-dasharray="4 3"')):
        for who, color in (("libc", "#7f7f7f"), ("loam", ALIGNED)):
            keys = [k for k in figures.keys("search", "memmem") if k[2].startswith(text)]
            parts.append(plot.polyline([(log_x(int(k[2].split()[1]), low, high, left), y(figures.ns(k, who))) for k in keys],
                                       color, style))
    return parts


def linear_panel(figures, left, top):
    """Time over the haystack, both logarithmic: a line that rises as fast as it goes right is linear."""
    keys = figures.keys("linear", "memmem")
    kinds = list(dict.fromkeys(k[2].rsplit(",", 1)[0] for k in keys))
    sizes = sorted({int(k[2].rsplit(",", 1)[1]) for k in keys})
    low, high = sizes[0], sizes[-1]

    def y(ns):
        return top + HEIGHT * (1 - math.log10(max(ns, 100) / 100) / 6)

    parts = [plot.text(left, top - 10, "memmem: time over the haystack, hard needles of 1,024",
                       style='class="title"')]
    for power, name in ((3, "1 µs"), (5, "100 µs"), (7, "10 ms")):
        parts.append(plot.level(y(10**power), left, left + WIDTH))
        parts.append(plot.text(left - 6, y(10**power) + 4, name, "end", 'class="small"'))
    for size in sizes[::2]:
        name = f"{size >> 10} K" if size < 1 << 20 else f"{size >> 20} M"
        parts.append(plot.text(log_x(size, low, high, left), top + HEIGHT + 14, name, "middle", 'class="small"'))
    for who, color in (("libc", "#b0b0b0"), ("loam", ALIGNED)):
        for kind in kinds:
            points = []
            for size in sizes:
                ns = figures.ns(("linear", "memmem", f"{kind}, {size}"), who) * size / 1024
                points.append((log_x(size, low, high, left), y(ns)))
            parts.append(plot.polyline(points, color, 'stroke-opacity="0.7"'))
    return parts


def picture(figures):
    parts = []
    for number, (name, color) in enumerate((("aligned, hot", ALIGNED), ("unaligned, hot", UNALIGNED), ("cold", COLD),
                                            ("memmem: the C library; dashed: in a program", "#7f7f7f"))):
        parts.append(plot.polyline([(LEFT + 130 * number, 22), (LEFT + 130 * number + 24, 22)], color))
        parts.append(plot.text(LEFT + 130 * number + 30, 26, name))
    for number, routine in enumerate(ROUTINES):
        parts += speed_panel(figures, routine, LEFT + number % 2 * (WIDTH + GAP), TOP + number // 2 * (HEIGHT + 50))
    below = TOP + 3 * (HEIGHT + 50)
    parts += search_panel(figures, LEFT, below)
    parts += linear_panel(figures, LEFT + WIDTH + GAP, below)
    return plot.picture(LEFT + 2 * WIDTH + GAP + 30, below + HEIGHT + 40, parts)


# --- whole programs ---

SQL = """create table t(a integer primary key, b text, c blob);
with recursive n(i) as (select 1 union all select i+1 from n where i<300000)
insert into t select i, 'name '||(i*7919%100003), zeroblob(i%200) from n;
create index ti on t(b); select count(*) from t where b like '%99%'; select sum(length(b||c)) from t;
select count(distinct substr(b,3,6)) from t;
"""
PYTHON = """import json
d=[{"id":i,"name":"user%d"%i,"tags":["a","bb","ccc"][:i%4],"v":i*1.5} for i in range(30000)]
for _ in range(3): e=json.loads(json.dumps(d))
x=[str(i)+"x"*(i%50) for i in range(300000)]; y="".join(x); z=y.split("x"); b=b"".join(t.encode() for t in x)
print(len(y), len(z), y.encode().count(b"9x"), b.find(b"not in it"))
"""
PERL = r"""my %h; for my $i (1..300000) { $h{"key".($i*7919%1000003)}="value $i ".("x" x ($i%40)) } my $s=0;
for (sort keys %h) { my ($a,$b)=split / /,$h{$_}; $s+=length($a)+index($h{$_},"xxxxy") } print "$s\n";
"""


def compiler_input():
    functions = "\n".join(f"int f{i}(int a){{int r=a;for(int k=0;k<{i % 9 + 2};k++)r=r*{i}+k;return r;}}" for i in range(2500))
    return functions + "\n"


def programs(directory):
    texts = {"q.sql": SQL, "p.py": PYTHON, "p.pl": PERL, "c.c": compiler_input()}
    for name, text in texts.items():
        (directory / name).write_text(text)
    with open(directory / "data", "wb") as file:
        for i in range(500000):
            file.write(b"%d %x\n" % (i * 7919 % 100003, i))
    cc1 = subprocess.run(["gcc", "-print-prog-name=cc1"], capture_output=True, text=True, check=True).stdout.strip()
    return {
        "python3": (["/usr/bin/python3", "p.py"], None),
        "sqlite3": (["sqlite3", ":memory:"], "q.sql"),
        "perl": (["perl", "p.pl"], None),
        "gcc (cc1)": ([cc1, "-quiet", "-O1", "c.c", "-o", "c.s"], None),
        "xz": (["xz", "-c", "-2", "data"], None),
        "sort": (["sort", "data"], None),
        "git": (["git", "-C", os.getcwd(), "log", "-p", "-n", "60", "--no-color"], None),
    }


def user_seconds(command, stdin, directory, preload):
    environment = dict(os.environ, LC_ALL="C.UTF-8")
    if preload:
        environment["LD_PRELOAD"] = preload
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with open(directory / stdin if stdin else os.devnull, "rb") as source:
        subprocess.run(command, stdin=source, stdout=subprocess.DEVNULL, cwd=directory, env=environment, check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def run_programs(library, rounds, tell):
    results = collections.OrderedDict()
    with tempfile.TemporaryDirectory(prefix="loam-mem-bench-") as name:
        directory = pathlib.Path(name)
        for program, (command, stdin) in programs(directory).items():
            tell(program)
            pair = results[program] = ([], [])
            for _ in range(rounds):
                pair[0].append(user_seconds(command, stdin, directory, None))
                pair[1].append(user_seconds(command, stdin, directory, str(library)))
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="the directory of the build")
    parser.add_argument("--runs", type=int, default=5, help="runs of each part")
    parser.add_argument("--rounds", type=int, default=11, help="runs of each program, with and without")
    parser.add_argument("--parts", default=",".join(PARTS), help="parts to run, with commas between them; only all of them are written down")
    parser.add_argument("--results", default="bench/results", help="where to write mem.txt and mem.svg")
    arguments = parser.parse_args()
    build = pathlib.Path(arguments.build).resolve()
    parts = arguments.parts.split(",")
    figures = Figures()

    def tell(text):
        print(text, file=sys.stderr, flush=True)

    for run in range(arguments.runs):
        for part in parts:
            tell(f"run {run + 1} of {arguments.runs}: {part}")
            output = subprocess.run([build / "bench" / "mem-bench", part], capture_output=True, text=True, check=True).stdout
            figures.add(output.splitlines())
    if parts != PARTS:
        for key in figures.runs:
            if "libc" in figures.runs[key][0]:
                print(f"{' '.join(key):50}{figures.ns(key, 'libc'):12.2f}{figures.ns(key, 'loam'):12.2f}{figures.speed(key):8.2f}")
        return
    results = run_programs(build / "libloam-mem.so", arguments.rounds, tell) if arguments.rounds else {}
    table = "\n".join(tables(figures, results)) + "\n"
    print(table, end="")
    directory = pathlib.Path(arguments.results)
    (directory / "mem.txt").write_text(table)
    (directory / "mem.svg").write_text(picture(figures))


if __name__ == "__main__":
    main()
