#!/usr/bin/env python3
"""Compares the names in libargo.map, in the public headers and in the shared library; and looks for
what each header must say: `Since:` above every function, `Thread-safety:` for every object."""
import pathlib
import re
import subprocess
import sys

root, library = pathlib.Path(sys.argv[1]), sys.argv[2]
mapped = set(re.findall(r"^\s+(argo_\w+);", (root / "libargo/libargo.map").read_text(), re.M))
declared = set()
for header in (root / "include/argo").glob("*.h"):
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
    declared |= set(re.findall(r"ARGO_PUBLIC\s+[^;]*?\b(argo_\w+)\s*\(", text))
output = subprocess.run(["nm", "-D", "--defined-only", library], check=True,
                        capture_output=True, text=True).stdout
exported = {line.split()[2].split("@")[0] for line in output.splitlines()
            if len(line.split()) == 3 and line.split()[1] != "A"}
failed = False


def undocumented(header):
    """What HEADER lacks. A comment speaks for the functions that follow it without a blank line."""
    text = header.read_text()
    opening = text[:text.index("*/")]
    for name in re.findall(r"^typedef struct (\w+) \1;", text, re.M):
        if "Thread-safety:" not in opening:
            yield f"{name}: `Thread-safety:` is missing in the opening comment"
    for paragraph in re.split(r"\n\s*\n", text):
        declared = re.findall(r"ARGO_PUBLIC\s+[^;]*?\b(argo_\w+)\s*\(", paragraph)
        if declared and not re.match(r"/\*(?:(?!\*/).)*\bSince: \d+\.\d+\b", paragraph, re.S):
            yield f"{declared[0]}: a comment with `Since:` above it is missing"


for header in sorted((root / "include/argo").glob("*.h")):
    if header.stem not in {"argo", "macros"} and \
            f"#include <argo/{header.name}>" not in (root / "include/argo/argo.h").read_text():
        print(f"include/argo/argo.h: {header.name} is missing")
        failed = True
    if f"'{header.stem}'" not in (root / "tests/headers/meson.build").read_text():
        print(f"tests/headers/meson.build: {header.stem} is missing")
        failed = True
    for problem in undocumented(header):
        print(f"include/argo/{header.name}: {problem}")
        failed = True
for name, one, other, text in (
        ("map", mapped, declared, "in the map, not declared in a header"),
        ("header", declared, mapped, "declared in a header, not in the map"),
        ("library", exported, mapped, "exported, not in the map"),
        ("library", mapped, exported, "in the map, not exported")):
    for symbol in sorted(one - other):
        print(f"{symbol}: {text}")
        failed = True
sys.exit(1 if failed else 0)
