#!/usr/bin/env python3
"""man.py PAGES INCLUDE BUILD: the examples in the manual pages of PAGES do what the pages say, groff finds no fault,
and there is a page for each function.

A page's first .EX block is a program, its second what that prints. It is linked with the library of BUILD that the page
says to link with.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

LONGEST = 60  # seconds that a program may take


def blocks(page):
    """The .EX blocks of a page, each as the text that a reader sees."""
    for block in re.findall(r"^\.EX\n(.*?)^\.EE$", page, re.S | re.M):
        lines = (re.sub(r"^\\&", "", line) for line in block.splitlines(keepends=True))
        yield "".join(lines).replace(r"\-", "-").replace(r"\(aq", "'").replace(r"\e", "\\")


def library(page):
    """What the page says to link with: loam, loam-kit ..."""
    match = re.search(r"^Link with\n\.IR? \\-l([a-z\\-]+)", page, re.M)
    return match[1].replace("\\", "") if match else None


def run(command, **options):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=LONGEST, **options)


def example_fault(page, include, build, folder):
    """What is wrong with the page's example, or None."""
    found = list(blocks(page))
    if not found:
        return None
    if len(found) != 2:
        return f"{len(found)} .EX blocks: a program, and what it prints, are two"
    if not library(page):
        return "it does not say what to link with"
    source, program = folder / "example.c", folder / "example"
    source.write_text(found[0])
    archive = build / f"lib{library(page)}.a"
    compiled = run(["cc", "-std=c17", "-Wall", "-Wextra", "-Werror", "-O1", "-I", include, source, archive, "-pthread",
                    "-o", program])
    if compiled.returncode:
        return f"the example is not compiled:\n{compiled.stdout}"
    result = run([program])
    if result.returncode or result.stdout != found[1]:
        return f"the example ends with {result.returncode} and prints\n{result.stdout}instead of\n{found[1]}"
    return None


def missing_pages(path, page):
    """The functions of the synopsis that man(1) does not find."""
    synopsis = re.search(r"^\.SH SYNOPSIS\n(.*?)^\.SH ", page, re.S | re.M)
    functions = set(re.findall(r"\b(loam_\w+)\(", synopsis[1])) if synopsis else set()
    missing = sorted(name for name in functions if not (path.parent / f"{name}.3").exists())
    return f"no page, nor a link: {', '.join(missing)}" if missing else None


def format_fault(path, page, folder):
    """What groff warns of, or a page of the same folder that is not there; or None."""
    link = re.fullmatch(r"\.so man3/(\S+)\n", page)
    if link:
        return None if (path.parent / link[1]).exists() else f"{link[1]} is not there"
    if not shutil.which("groff"):
        return None
    return run(["groff", "-man", "-Tutf8", "-ww", "-z", path.resolve()], cwd=folder).stdout or None


def main():
    pages, include, build = map(pathlib.Path, sys.argv[1:])
    faults = examples = 0
    for path in sorted(pages.glob("*.3")):
        page = path.read_text()
        examples += ".EX\n" in page
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            for fault in (example_fault(page, include, build, folder), format_fault(path, page, folder),
                          missing_pages(path, page)):
                if fault:
                    print(f"FAILED: {path.name}: {fault}")
                    faults += 1
    print(f"{examples} examples, {faults} faults")
    return 1 if faults or not examples else 0


sys.exit(main())
