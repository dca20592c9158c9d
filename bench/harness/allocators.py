"""The allocators that are compared: the C library's, the distribution's, loam, and any given as NAME=PATH."""

import glob
import os
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Allocator:
    name: str
    path: str  # of the library to preload; empty for the C library's own
    package: str = ""  # and version, where known

    @property
    def is_peer(self):
        """loam is compared with the others, and so is any other build of it (loam-NAME=PATH)."""
        return not self.name.startswith("loam")


# Name, file name and Debian package.
DISTRIBUTION = [
    ("jemalloc", "libjemalloc.so.2", "libjemalloc2"),
    ("mimalloc", "libmimalloc.so.2.0", "libmimalloc2.0"),
    ("tcmalloc", "libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"),
]
LIBRARY_DIRECTORIES = ["/usr/lib/*-linux-gnu", "/usr/lib64", "/usr/lib"]


def find_library(file_name):
    for pattern in LIBRARY_DIRECTORIES:
        for path in sorted(glob.glob(os.path.join(pattern, file_name))):
            return path
    return None


def package_version(package):
    """The package and its version, or only its name where dpkg does not know."""
    try:
        run = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True)
    except FileNotFoundError:
        return package
    return f"{package} {run.stdout}" if run.returncode == 0 and run.stdout else package


def parse_given(argument):
    """NAME=PATH from the command line."""
    name, equals, path = argument.partition("=")
    if not (name and equals and os.path.isfile(path)):
        raise SystemExit(f"loam_bench: not NAME=PATH of a shared library: {argument}")
    return Allocator(name, os.path.abspath(path))


def find_all(build, given, note):
    """Every allocator that is there, loam first; tells `note` which are not."""
    found = []
    loam = os.path.abspath(os.path.join(build, "libloam.so"))
    if os.path.exists(loam):
        found.append(Allocator("loam", loam))
    else:
        note(f"loam is left out: {os.path.join(build, 'libloam.so')} is not there; build it with make")
    found.append(Allocator("glibc", "", package_version("libc6")))
    for name, file_name, package in DISTRIBUTION:
        path = find_library(file_name)
        if path:
            found.append(Allocator(name, path, package_version(package)))
        else:
            note(f"{name} is left out: {file_name} is not installed (package {package})")
    return found + [parse_given(argument) for argument in given]


def select(allocators, names):
    """Those of `names` (all when None), in the order they were found."""
    if names is None:
        return allocators
    unknown = set(names) - {allocator.name for allocator in allocators}
    if unknown:
        raise SystemExit(f"loam_bench: no such allocator here: {', '.join(sorted(unknown))}")
    return [allocator for allocator in allocators if allocator.name in names]
