#!/usr/bin/env python3
"""Fails on an #include that crosses the layers of docs/architecture.md.

A file in libargo/ includes its own directory, the layers listed for it, and <argo/*.h>; a
third-party header only where the table names it. Programs include <argo/*.h> and what is listed.
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])

MAY = {
    "base": set(),
    "wire": {"base"},
    "template": {"base", "wire"},
    "store": {"base", "wire"},
    "httpd": {"base", "wire"},
    "http": {"base", "wire"},
    "client": {"base", "wire", "http"},
    "domain": {"base", "wire", "template", "store"},
    "provider": {"base", "wire", "http"},
    "io": {"base", "wire", "client"},
    "daemon": {"base", "wire", "template", "store", "domain", "httpd"},
    "exec": {"base", "wire", "template", "http", "provider", "io"},
    "engine": {"base", "wire", "template", "http", "provider", "io", "exec", "client", "domain",
               "store"},
}
THIRD_PARTY = {
    "jansson.h": {"wire"},
    "sqlite3.h": {"store"},
    "yaml.h": {"template"},
    "pcre2.h": {"template"},
    "microhttpd.h": {"httpd"},
    "curl/curl.h": {"http"},
    "nettle/": {"base"},
    "histedit.h": {"arc"},
    "editline/readline.h": {"arc"},
}
SYSTEM = re.compile(r"^(sys|linux|netinet|arpa|bits|net)/|^[a-z0-9_]+\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)

problems = []


def third_party_owner(name):
    for prefix, owners in THIRD_PARTY.items():
        if name == prefix or (prefix.endswith("/") and name.startswith(prefix)):
            return owners
    return None


def check(path, here, may, local):
    for kind, name in INCLUDE.findall(path.read_text()):
        where = f"{path.relative_to(root)}: {name}"
        if kind == '"':
            layer = name.split("/")[0]
            if name not in local and layer not in may | {here}:
                problems.append(f"{where}: {here} may not include {layer}")
        elif not name.startswith("argo/"):
            owners = third_party_owner(name)
            if owners is not None and here not in owners:
                problems.append(f"{where}: only {', '.join(sorted(owners))} may see it")
            elif owners is None and not SYSTEM.match(name):
                problems.append(f"{where}: unknown header")


for layer, may in MAY.items():
    for path in sorted((root / "libargo" / layer).glob("*.[ch]")):
        check(path, layer, may, set())
for extra in (root / "libargo").iterdir():
    if extra.is_dir() and extra.name not in MAY:
        problems.append(f"libargo/{extra.name}: not a layer")
for path in sorted((root / "tools").rglob("*.[ch]")):
    program = path.relative_to(root / "tools").parts[0]
    local = {p.name for p in path.parent.iterdir()}
    local |= {f"../{p.name}" for p in (root / "tools").glob("*.h")}  # what the programs share
    check(path, program, set(), local)
for path in sorted((root / "include").rglob("*.h")):
    check(path, "include", set(), set())

for problem in problems:
    print(problem)
sys.exit(1 if problems else 0)
