#!/usr/bin/env python3
"""Compare `loam check` with valgrind's memcheck and AddressSanitizer.

    check_bench.py cost      what real programs take: plain, on loam without and with samples, checked, under valgrind
    check_bench.py detect    what is found of the misuses in tests/check/misuse.cpp, and in which time
"""

import argparse
import collections
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

FOUND = 99
VALGRIND = ["valgrind", "-q", f"--error-exitcode={FOUND}", "--leak-check=full", "--trace-children=yes"]

SQL = """create table t(a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i+1 from n where i<200000)
insert into t select i, 'row '||i||hex(i*7919), i*1.5 from n;
create index tb on t(b); select count(*), sum(c) from t where b like 'row 1%';
select a%100, count(*), max(b) from t group by 1 order by 2 limit 5;
"""
PERL = """my %h; $h{"key$_"}=[$_, "v$_"] for 1..200000; my $s=0;
for my $k (sort keys %h) { $s+=$h{$k}[0]; delete $h{$k} if $s%3==0; } print "$s\\n";
my $t=join(",",map{"x$_"}1..200000); my @w=split /,/,$t; print scalar(@w),"\\n";
"""
PYTHON = """import json, re, collections
d=[{"id":i,"name":"n%d"%i,"tags":["a","b",str(i)]} for i in range(60000)]
s=json.dumps(d); e=json.loads(s); c=collections.Counter(w for x in e for w in x["tags"])
print(len(s), len(c), len(re.findall(r"\\d+",s)))
"""


def c_source():
    lines = []
    for i in range(1, 400):
        lines.append(
            f"int f{i}(int a,int b){{int r=0;for(int i=0;i<a;i++){{if(i%{i}==b)r+=f{max(i - 1, 1)}(i,b);else r^=i*{i};"
            "switch(i%7){case 0:r++;break;case 3:r-=b;break;default:r*=3;}}return r;}"
        )
    return "\n".join(lines) + "\n"


def prepare(directory, repository):
    """The workloads: name, command, standard input."""
    files = {"q.sql": SQL, "p.pl": PERL, "p.py": PYTHON, "c.c": c_source()}
    for name, text in files.items():
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(text)
    with open(os.path.join(directory, "x"), "wb") as file:
        for i in range(300000):
            file.write(b"%d %x\n" % (i * 7919 % 100003, i))
    compiler = subprocess.run(["gcc", "-print-prog-name=cc1"], capture_output=True, text=True, check=True).stdout.strip()
    return [
        ("sqlite3", ["sqlite3", ":memory:"], "q.sql"),
        ("python3", ["/usr/bin/python3", "p.py"], None),
        ("gcc", [compiler, "-quiet", "-O1", "-w", "c.c", "-o", "/dev/null"], None),
        ("perl", ["perl", "p.pl"], None),
        ("git", ["git", "-C", repository, "log", "-p", "-100"], None),
        ("xz", ["xz", "-1", "-c", "-T1", "x"], None),
    ]


def run(command, stdin, environment, directory):
    """Seconds, and the largest resident size in MiB of what was run."""
    source = open(os.path.join(directory, stdin), "rb") if stdin else subprocess.DEVNULL
    start = time.monotonic()
    process = subprocess.Popen(
        command, stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=directory,
        env=os.environ | environment,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return time.monotonic() - start, usage.ru_maxrss / 1024, process.returncode


def cost(arguments):
    library = os.path.abspath(os.path.join(arguments.build, "libloam.so"))
    preload = {"LD_PRELOAD": library}
    check = [os.path.abspath(os.path.join(arguments.build, "loam")), "check", "--no-leaks"]
    ways = {
        "plain": ([], {}, arguments.rounds),
        "unsampled": ([], preload | {"LOAM_OPTIONS": "sample=0"}, arguments.rounds),
        "sampled": ([], preload, arguments.rounds),
        "check": (check, {}, arguments.rounds),
        "valgrind": (VALGRIND, {"GLIBC_TUNABLES": ""}, 1),
    }
    rows = {}
    with tempfile.TemporaryDirectory() as directory:
        workloads = prepare(directory, os.path.abspath(os.path.dirname(os.path.dirname(__file__)) or "."))
        for name, command, stdin in workloads:
            times = collections.defaultdict(list)
            memory = collections.defaultdict(list)
            for number in range(arguments.rounds):
                for way, (before, environment, rounds) in ways.items():
                    if number >= rounds or (way == "valgrind" and arguments.no_valgrind):
                        continue
                    seconds, mib, status = run(before + command, stdin, environment, directory)
                    if status:
                        print(f"{name} {way}: exit status {status}", file=sys.stderr)
                    times[way].append(seconds)
                    memory[way].append(mib)
            rows[name] = {w: (statistics.median(times[w]), statistics.median(memory[w])) for w in times}
            print_cost(name, rows[name])
    ratios = [row["check"][0] / row["plain"][0] for row in rows.values()]
    samples = [row["sampled"][0] / row["unsampled"][0] for row in rows.values()]
    sizes = [row["sampled"][1] / row["unsampled"][1] for row in rows.values()]
    print(f"\ncheck beside plain: median {statistics.median(ratios):.2f} x time")
    print(f"samples beside none: geometric mean {statistics.geometric_mean(samples):.4f} x time, "
          f"{statistics.geometric_mean(sizes):.4f} x memory")


def print_cost(name, row):
    plain = row["plain"][0]
    text = "  ".join(f"{way} {seconds:.3f} s ({seconds / plain:.2f}) {mib:.1f} MiB" for way, (seconds, mib) in row.items())
    print(f"{name:8} {text}", flush=True)


def detect(arguments):
    tests = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "check")
    with tempfile.TemporaryDirectory() as directory:
        build = ["g++", "-std=c++17", "-g", "-O0", "-fno-builtin", "-w", os.path.join(tests, "misuse.cpp"), "-o"]
        plain, sanitized = os.path.join(directory, "misuse"), os.path.join(directory, "misuse-asan")
        subprocess.run(build + [plain], check=True)
        subprocess.run(build + [sanitized, "-fsanitize=address"], check=True)
        listed = subprocess.run([plain, "list"], capture_output=True, text=True, check=True).stdout
        cases = [line.split("\t") for line in listed.splitlines()][:: arguments.every]
        loam = os.path.abspath(os.path.join(arguments.build, "loam"))
        tools = {"loam check": [loam, "check", plain], "memcheck": [*VALGRIND, plain], "AddressSanitizer": [sanitized]}
        results = {tool: detect_with(command, cases) for tool, command in tools.items()}
    kinds = list(dict.fromkeys(case[1] for case in cases))
    print(f"{'':18}" + "".join(f"{tool:>20}" for tool in results))
    for kind in kinds:
        total = sum(case[1] == kind for case in cases)
        print(f"{kind:18}" + "".join(f"{results[t][0][kind]:>14} of {total:>3}" for t in results))
    print(f"{'all':18}" + "".join(f"{sum(r[0].values()):>14} of {len(cases):>3}" for r in results.values()))
    print(f"{'false reports':18}" + "".join(f"{r[1]:>20}" for r in results.values()))
    print(f"{'seconds':18}" + "".join(f"{r[2]:>20.1f}" for r in results.values()))


def detect_with(command, cases):
    """How many of each kind were found, false reports, and seconds for all, wrong and right."""
    found, false = collections.Counter(), 0
    start = time.monotonic()
    for number, kind, _, _ in cases:
        for how in ("bad", "good"):
            status = subprocess.run(command + [number, how], capture_output=True, timeout=300).returncode
            if how == "bad":
                found[kind] += status != 0
            else:
                false += status != 0
    return found, false, time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(prog="check_bench.py", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["cost", "detect"])
    parser.add_argument("--build", default="build", help="where loam is built (default: build)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each program in each way (default: 5)")
    parser.add_argument("--every", type=int, default=1, help="of the misuses, only every so many-th")
    parser.add_argument("--no-valgrind", action="store_true", help="leave valgrind out of the cost: it takes minutes")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    {"cost": cost, "detect": detect}[arguments.what](arguments)


if __name__ == "__main__":
    main()
