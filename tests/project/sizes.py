#!/usr/bin/env python3
"""Fails on files above 600 lines and functions above 100 lines in libargo/, tools/ and include/, and on
a main.c of tools/ that has 150 lines: what a program does is in the library."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
problems = []
for top in ("libargo", "tools", "include"):
    for path in sorted((root / top).rglob("*.[ch]")):
        lines = path.read_text().splitlines()
        where = path.relative_to(root)
        if len(lines) > 600:
            problems.append(f"{where}: {len(lines)} lines, at most 600 are allowed")
        if top == "tools" and path.name == "main.c" and len(lines) >= 150:
            problems.append(f"{where}: {len(lines)} lines, a main has less than 150")
        start = None
        for number, line in enumerate(lines, 1):
            if line == "{":
                start = number
            elif line == "}" and start is not None:
                if number - start > 100:
                    problems.append(f"{where}:{start}: a function of {number - start} lines")
                start = None
        if not lines or not lines[0].startswith("/*"):
            problems.append(f"{where}: does not open with a comment that says its job")
        for number, line in enumerate(lines, 1):
            if re.match(r"\s*//", line):
                problems.append(f"{where}:{number}: a // comment")
for problem in problems:
    print(problem)
sys.exit(1 if problems else 0)
