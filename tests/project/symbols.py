#!/usr/bin/env python3
"""Compares the names in libargo.map, in the public headers and in the shared library."""
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
for name, one, other, text in (
        ("map", mapped, declared, "in the map, not declared in a header"),
        ("header", declared, mapped, "declared in a header, not in the map"),
        ("library", exported, mapped, "exported, not in the map"),
        ("library", mapped, exported, "in the map, not exported")):
    for symbol in sorted(one - other):
        print(f"{symbol}: {text}")
        failed = True
sys.exit(1 if failed else 0)
