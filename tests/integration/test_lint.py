#!/usr/bin/env python3
"""A linter that others have written finds nothing in docs/openapi.yaml. Needs ARGO_TEST_NPM=1, npm and
the network; else it is skipped (77)."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/openapi.yaml"
# Literal segments win over {id}: nothing is ambiguous for this daemon.
CONFIG = "extends: [recommended]\nrules:\n  no-ambiguous-paths: off\n"


def main():
    if os.environ.get("ARGO_TEST_NPM") != "1":
        print("skipped: ARGO_TEST_NPM is not 1")
        return 77
    with tempfile.TemporaryDirectory() as directory:
        config = pathlib.Path(directory) / "redocly.yaml"
        config.write_text(CONFIG)
        result = subprocess.run(
            ["npx", "--yes", "@redocly/cli@2", "lint", "--config", str(config), "--format", "json",
             str(DOCUMENT)], env={**os.environ, "REDOCLY_TELEMETRY": "off"}, cwd=directory, text=True,
            stdout=subprocess.PIPE, timeout=500)
    found = json.loads(result.stdout)
    for problem in found["problems"]:
        print(problem["ruleId"], problem["message"],
              *[place.get("pointer", "") for place in problem.get("location", [])])
    clean = (found["totals"]["errors"], found["totals"]["warnings"]) == (0, 0)
    return 0 if clean and result.returncode == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
