#!/usr/bin/env python3
"""Fails when a patch of tests/mutants has no number of its own, names no test that there is, or does
not apply to the tree any more. Whether its test notices it is what tests/mutants/run finds out."""
import importlib.machinery
import importlib.util
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("mutants", str(root / "tests/mutants/run"))
spec = importlib.util.spec_from_loader("mutants", loader)
mutants = importlib.util.module_from_spec(spec)
loader.exec_module(mutants)


def what_is_there(where):
    """The text in which the parts of a test's name are to be found; None: there is no such file."""
    if where.startswith("unit/"):
        layer, _, module = where[len("unit/test-"):].partition("-")
        path = root / "tests/unit" / layer / f"test-{module}.c"
    else:
        path = root / "tests" / where
    return path.read_text() if path.is_file() else None


def wrong_with_test(test):
    where, *arguments = test.split()
    text = what_is_there(where)
    if text is None:
        return f"there is no {where}"
    names = arguments[0].split(".") if arguments and arguments[0][0] != "-" else []
    for kind, name in zip(("class", "def"), names):
        made = kind == "def" and "setattr(" in text  # a test for each row of a table
        if not made and not re.search(rf"^\s*{kind} {name}\b", text, re.M):
            return f"{where} has no {kind} {name}"
    return None


def problems_of(mutant):
    if not mutant.tests:
        yield "it names no test"
    for test in mutant.tests:
        wrong = wrong_with_test(test)
        if wrong:
            yield wrong
    applied = mutant.patch(root, "--dry-run")
    if applied.returncode != 0:
        yield f"it does not apply any more:\n{applied.stdout}"


problems = []
numbers = {}
for path in sorted((root / "tests/mutants").glob("*.patch")):
    number = path.name.split("-")[0]
    if not number.isdigit() or int(number) in numbers:
        problems.append(f"{path.name}: expected a number of its own")
    numbers[int(number) if number.isdigit() else number] = path.name
    problems += [f"{path.name}: {problem}" for problem in problems_of(mutants.Mutant(path))]
for problem in problems:
    print(problem)
sys.exit(1 if problems or not numbers else 0)
