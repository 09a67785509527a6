#!/usr/bin/env python3
"""Every library that the build asks for has a fallback in subprojects/, with an address, a hash and
an overlay for the very version that is unpacked."""
import configparser
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
problems = []
provided = {}
for path in sorted((root / "subprojects").glob("*.wrap")):
    wrap = configparser.ConfigParser(interpolation=None)
    wrap.read(path)
    file = wrap["wrap-file"]
    overlay = root / "subprojects/packagefiles" / file["patch_directory"] / "meson.build"
    if not file["source_url"].startswith("https://"):
        problems.append(f"{path.name}: source_url is not https")
    if not re.fullmatch("[0-9a-f]{64}", file["source_hash"]):
        problems.append(f"{path.name}: source_hash is no SHA-256")
    if not file["source_url"].endswith("/" + file["source_filename"]):
        problems.append(f"{path.name}: source_filename is not what source_url ends with")
    text = overlay.read_text()
    version = re.search(r"version: '([^']+)'", text)[1]
    numbers = version.split(".")
    names = (version, f"{numbers[0]}{int(numbers[1]):02}{int(numbers[-1]):02}00")
    if not any(name in file["directory"] for name in names):
        problems.append(f"{path.name}: the overlay is for {version}, not {file['directory']}")
    for name, variable in wrap["provide"].items():
        provided[name] = path.name
        if f"{variable} = declare_dependency(" not in text:
            problems.append(f"{path.name}: the overlay does not make {variable}")

wanted = {name for file in (root / "meson.build", *root.glob("libargo/**/meson.build"),
                            *root.glob("tools/**/meson.build"))
          for name in re.findall(r"\bdependency\('([^']+)'", file.read_text())} - {"threads"}
problems += [f"{name}: the build asks for it, no wrap provides it"
             for name in sorted(wanted - set(provided))]
problems += [f"{provided[name]}: nothing asks for {name}"
             for name in sorted(set(provided) - wanted)]
for problem in problems:
    print(problem)
sys.exit(1 if problems or len(wanted) < 9 else 0)
