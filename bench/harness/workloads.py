"""What is run: the workloads of loam-bench-workload, and real programs on inputs made here.

A workload is a name and a command. Its inputs depend on the scale and nothing else.
"""

import os
import random
import shutil
import string
import subprocess
from dataclasses import dataclass, field

PROGRAMS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "programs")

MICRO = [
    "cold",
    "hot:small",
    "hot:large",
    "burst:small",
    "burst:large",
    "factor",
    "logic",
    "trees",
    "strings",
    "mixed",
    "queue",
    "aligned",
    "zeroed",
    "grow",
    "producer:2",
    "producer:4",
    "larson:2",
    "larson:4",
    "larson:8",
    "exchange:2",
    "exchange:8",
    "phases:2",
    "phases:4",
    "sharing:active",
    "sharing:passive",
    "swell:2",
    "swell:8",
    "churn",
    "server",
    "start",
]
# Run only when --only names them.
ON_DEMAND = [f"hot:{size}" for size in (16, 64, 256, 1024, 4096, 32768, 262144, 1048576, 4194304)]
ON_DEMAND += [f"{name}:{threads}" for name in ("larson", "exchange", "phases", "swell") for threads in (1, 2, 4, 8)]
ON_DEMAND = [name for name in ON_DEMAND if name not in MICRO]


@dataclass(frozen=True)
class Workload:
    name: str
    command: list
    on_demand: bool = False
    environment: dict = field(default_factory=dict)
    program: str = ""  # whose malloc is looked at, where a shell starts it
    allocator_of_its_own: bool = False  # linked with one: the C library's must be preloaded, too


def micro(build, scale):
    program = os.path.join(build, "bench", "loam-bench-workload")
    for name in MICRO + ON_DEMAND:
        yield Workload(name, [program, name, str(scale)], name in ON_DEMAND)


def python(directory, scale, note):
    program = "/usr/bin/python3"  # not the first of the path, which may be a script that starts another
    if not os.path.exists(program):
        return note("python is left out: /usr/bin/python3 is not there")
    return Workload(
        "python",
        [program, "-S", "-s", "-B", os.path.join(PROGRAMS, "objects.py"), str(scale)],
        environment={"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"},
    )


def sqlite(directory, scale, note):
    program = shutil.which("sqlite3")
    if not program:
        return note("sqlite is left out: sqlite3 is not installed")
    with open(os.path.join(PROGRAMS, "tables.sql"), encoding="utf-8") as file:
        script = string.Template(file.read()).substitute(rows=max(1, int(200_000 * scale)))
    path = os.path.join(directory, "tables.sql")
    with open(path, "w", encoding="utf-8") as file:
        file.write(script)
    return Workload("sqlite", [program, "-batch", ":memory:", f".read {path}"])


def perl(directory, scale, note):
    program = shutil.which("perl")
    if not program:
        return note("perl is left out: it is not installed")
    return Workload(
        "perl",
        [program, os.path.join(PROGRAMS, "hash.pl"), str(scale)],
        environment={"PERL_HASH_SEED": "0", "PERL_PERTURB_KEYS": "0"},
    )


C_TYPES = ["int", "unsigned", "long", "double"]
C_FUNCTION = """
struct s$n { $t0 a; $t1 b; struct s$n *next; char name[$length]; };
static $t0 helper$n($t0 x, int y) { for (int i = 0; i < y; i++) x += x * $k + i; return x; }
$t1 work$n(struct s$n *s, $t1 *v, int n)
{
    $t1 sum = 0;
    for (int i = 0; i < n; i++) {
        switch (i % $cases) {
        case 0: v[i] += s->b; break;
        case 1: sum += helper$n(s->a, i); break;
        case 2: if (s->next) s = s->next; break;
        case 3: s->name[i % $length] = (char)i; break;
        default: sum -= v[i] + $k; v[i] = sum;
        }
        if (sum > $k) sum = helper$n(s->a, $cases) + v[n - i - 1];
    }
    return sum;
}
"""


def c_source(functions):
    """A C file that includes nothing: so many functions with loops, switches, structures and calls to be inlined."""
    rng = random.Random(2)
    template = string.Template(C_FUNCTION)
    for n in range(functions):
        yield template.substitute(
            n=n,
            t0=rng.choice(C_TYPES),
            t1=rng.choice(C_TYPES),
            k=rng.randrange(3, 1000),
            length=rng.randrange(8, 100),
            cases=rng.randrange(4, 9),
        )


def compiler(directory, scale, note):
    """The compiler proper, for gcc itself does little but start it."""
    if not shutil.which("gcc"):
        return note("cc1 is left out: gcc is not installed")
    program = subprocess.run(["gcc", "-print-prog-name=cc1"], capture_output=True, text=True).stdout.strip()
    path = os.path.join(directory, "functions.c")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(c_source(max(1, int(180 * scale))))
    return Workload("cc1", [program, "-quiet", "-O2", "-frandom-seed=0", path, "-o", "/dev/null"])


def found(name, program, note):
    """The program's path, or None and a note."""
    path = shutil.which(program)
    return path or note(f"{name} is left out: {program} is not installed")


def redis(directory, scale, note):
    program = found("redis", "redis-server", note) and found("redis", "redis-benchmark", note)
    if not program:
        return None
    command = [os.path.join(PROGRAMS, "redis.sh"), directory, str(max(1, int(100_000 * scale)))]
    return Workload("redis", command, program=shutil.which("redis-server"), allocator_of_its_own=True)


def node(directory, scale, note):
    program = found("node", "node", note)
    return program and Workload("node", [program, os.path.join(PROGRAMS, "pool.js"), str(scale)])


def z3(directory, scale, note):
    """The work of a proof cannot be scaled."""
    program = found("z3", "z3", note)
    return program and Workload("z3", [program, os.path.join(PROGRAMS, "factors.smt2")])


def ghostscript(directory, scale, note):
    program = found("ghostscript", "gs", note)
    if not program:
        return None
    options = ["-q", "-dNOPAUSE", "-dBATCH", "-dSAFER", "-sDEVICE=pdfwrite", "-sOutputFile=/dev/null"]
    pages = ["-c", f"/pages {max(1, int(250 * scale))} def", "-f", os.path.join(PROGRAMS, "pages.ps")]
    return Workload("ghostscript", [program, *options, *pages])


def rocksdb(directory, scale, note):
    program = found("rocksdb", "db_bench", note)
    if not program:
        return None
    database = os.path.join(directory, "rocksdb")
    options = f"--benchmarks=fillrandom,readrandom --num={max(1, int(150_000 * scale))} --threads=2 --seed=1"
    script = f"exec {program} {options} --db={database} --compression_type=none 2>/dev/null"  # it tells of its progress
    return Workload("rocksdb", ["/bin/sh", "-c", script], program=program)


REAL = (python, sqlite, perl, compiler, redis, node, z3, ghostscript, rocksdb)


def find_all(build, directory, scale, note):
    """Every workload that can be run here; tells `note` which cannot. Inputs are written to `directory`."""
    real = [make(directory, scale, note) for make in REAL]
    return list(micro(build, scale)) + [workload for workload in real if workload]


def select(workloads, pattern):
    """Those whose name the compiled pattern is found in; without one, all but those on demand."""
    if pattern is None:
        return [workload for workload in workloads if not workload.on_demand]
    return [workload for workload in workloads if pattern.search(workload.name)]
